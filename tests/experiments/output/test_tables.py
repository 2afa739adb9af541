import dataclasses

import numpy as np
import pandas as pd
import pytest
import tiny

from critical.core.arithmetic import Arithmetic
from critical.core.instructions import KINDS
from critical.core.spec import SpecError
from critical.deficits import ViewDropout
from critical.execution.store import RunStore
from critical.plots.panel import role
from critical.plots.panels import Curves, Histograms, Series
from critical.probes import Accuracy, Fisher
from experiments.design.figure import Design
from experiments.output import tables
from experiments.output.tables import PlannedRun, Tables

PROTOCOL = tiny.protocol(seeds=(0, 1), recovery=4)
WINDOW = PROTOCOL.window(1, 2)
LOOK = role("deficit", "deficit")
DESIGN = Design(
    panels=[[Curves(lines=[(LOOK, WINDOW.deficit)], column="test_accuracy"),
             Series(lines=[(LOOK, {0: WINDOW.fresh, 1: WINDOW.dose_matched})])]],
)  # fmt: skip


def stored(store, item, failed_after=None, without=()):
    """Rows as a worker would leave them, without training: the trace doubles each epoch."""
    spec = item.spec
    (probe,) = spec.probes
    for epoch in range(1, spec.timeline.end + 1):
        failure = "it failed" if epoch == failed_after else None
        columns = {"test_accuracy": 10.0 * epoch, "test_loss": 1.0 / epoch, "use_b": 1.0 * epoch,
                   "fisher_trace": 2.0**epoch, "fisher_trace/layer": 1.0, "rsv_histogram/00": 0.25}  # fmt: skip
        if spec.epoch_specs[epoch - 1].deficits:
            columns["test_accuracy_deficient"] = 5.0 + epoch
        held = {key: value for key, value in columns.items() if key not in without}
        record = {"train": {"train_loss": 1.0}, "probes": {probe.id: held}, "seconds": {"train": 3.0}}
        store.write_record(spec.keys[1], spec.keys[epoch], record | {"failure": failure})
        if failure:
            break
    return store


def item(arm, **changes):
    return PlannedRun(arm.of_seed(0), {"arm_id": arm.id, **arm.tags, "seed": 0}, **changes)


def row(tmp_path, held, **given):
    (found,) = tables.collect([held], stored(RunStore(tmp_path), held, **given)).runs.to_dict("records")
    return found


class TestPlanned:
    def test_arms_are_crossed_with_seeds(self):
        found = tables.planned(DESIGN, (7, 3))
        assert [(held.tags["role"], held.tags["seed"], held.spec.seed) for held in found] == [
            ("deficit", 7, 7), ("deficit", 3, 3), ("fresh", 7, 7), ("fresh", 3, 3), ("dose_matched", 7, 7),
            ("dose_matched", 3, 3),
        ]  # fmt: skip
        assert [held.tags["arm_id"] for held in found[::2]] == [arm.id for arm in DESIGN.trained]
        assert [held.curve for held in found] == [True, True, False, False, False, False]

    def test_what_is_drawn_by_epoch_is_measured_in_its_recovery_as_before(self):
        probes = (Accuracy(every=1, recovery_every=0), Fisher(every=2, recovery_every=0))
        sparse = dataclasses.replace(PROTOCOL, parts=dataclasses.replace(PROTOCOL.parts, probes=probes))
        window = sparse.window(1, 2)
        curve = Curves(lines=[(LOOK, window.deficit)], column="test_accuracy")
        design = Design(panels=[[curve]], arms=[window.dose_matched])
        found = {held.tags["role"]: held.spec for held in tables.planned(design, (0,))}
        due = {name: [[probe.name for probe in spec.measured(epoch)] for epoch in (5, 6)]
               for name, spec in found.items()}  # fmt: skip
        assert due == {"deficit": [["accuracy"], ["accuracy", "fisher"]], "dose_matched": [[], []]}
        assert found["deficit"].keys == window.deficit.run.keys, "measuring changes no state"


class TestCollect:
    def test_a_row_holds_the_end_and_how_the_deficit_was_learnt(self, tmp_path):
        held = item(WINDOW.deficit)
        found = row(tmp_path, held)
        assert {key: found[key] for key in held.tags} == held.tags
        expected = {"accuracy": 70.0, "loss": 1 / 7, "accuracy_deficient": 8.0, "use_b": 7.0}
        assert {key: found[key] for key in expected} == expected
        assert (found["failure"], found["run_id"], found["epochs"]) == ("", held.spec.run_id, 7)
        assert not {"seconds", "rate", "test_accuracy", "test_loss"} & set(found)

    def test_epochs_are_kept_of_curves_alone(self, tmp_path):
        store = RunStore(tmp_path)
        items = tables.planned(DESIGN, (0,))
        for held in items:
            stored(store, held)
        epochs = tables.collect(items, store).epochs
        assert epochs["epoch"].tolist() == [1, 2, 3, 4, 5, 6, 7]
        assert set(epochs["arm_id"]) == {WINDOW.deficit.id}
        assert set(epochs["label"]) == {str(WINDOW.deficit)}
        assert epochs["test_accuracy"].tolist() == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0]
        assert not {"seconds", "deficit", "rate", "failure"} & set(epochs), "what was done, or how long it took"

    @pytest.mark.parametrize("failed_after", [2, 4])
    def test_a_failed_run_has_no_accuracy(self, tmp_path, failed_after):
        found = row(tmp_path, item(WINDOW.deficit), failed_after=failed_after)
        assert found["failure"] == "it failed"
        assert np.isnan([found["accuracy"], found["loss"]]).all()
        assert pd.isna(found["accuracy_deficient"]) == (failed_after < 3)

    def test_the_trace_of_a_window_is_the_geometric_mean_over_its_epochs(self, tmp_path):
        # The window is [1, 3), whose epochs end after 2 and 3: traces of 4 and 8.
        for number, arm in enumerate((WINDOW.deficit, WINDOW.dose_matched)):
            assert row(tmp_path / str(number), item(arm))["fisher_trace_window"] == pytest.approx(32**0.5)
        assert np.isnan(row(tmp_path / "fresh", item(WINDOW.fresh))["fisher_trace_window"]), "fresh has no window"
        unmeasured = row(tmp_path / "none", item(WINDOW.deficit), without=("fisher_trace",))
        assert np.isnan(unmeasured["fisher_trace_window"])

    def test_the_trace_before_a_window_is_that_after_the_epoch_before_it(self, tmp_path):
        # The window is [1, 3): the epoch before it ends with a trace of 2.
        for number, arm in enumerate((WINDOW.deficit, WINDOW.dose_matched)):
            assert row(tmp_path / str(number), item(arm))["fisher_trace_onset"] == 2.0
        first = PROTOCOL.window(0, 2)
        for number, arm in enumerate((WINDOW.fresh, first.deficit, first.dose_matched)):
            assert np.isnan(row(tmp_path / f"none{number}", item(arm))["fisher_trace_onset"])
        unmeasured = row(tmp_path / "unmeasured", item(WINDOW.deficit), without=("fisher_trace",))
        assert np.isnan(unmeasured["fisher_trace_onset"])

    def test_the_trace_before_a_window_is_none_where_the_run_failed_before(self, tmp_path):
        late = PROTOCOL.window(3, 2).deficit
        assert np.isnan(row(tmp_path / "before", item(late), failed_after=2)["fisher_trace_onset"])
        assert row(tmp_path / "in it", item(late), failed_after=4)["fisher_trace_onset"] == 8.0

    def test_how_well_a_deficit_was_learnt_is_not_said_of_an_absent_view(self, tmp_path):
        two = tiny.protocol(recovery=2, family="two_streams")
        blurred, absent = two.window(0, 2).deficit, two.window(0, 2, deficit=ViewDropout(view="b")).deficit
        assert row(tmp_path / "blurred", item(blurred))["accuracy_deficient"] == 7.0
        assert np.isnan(row(tmp_path / "absent", item(absent))["accuracy_deficient"])
        assert np.isnan(row(tmp_path / "clean", item(two.window(0, 2).dose_matched))["accuracy_deficient"])

    def test_nor_where_other_epochs_follow_it_before_the_recovery(self, tmp_path):
        earlier = WINDOW.deficit.but(removal=2)
        assert np.isnan(row(tmp_path, item(earlier))["accuracy_deficient"])

    def test_columns_with_a_slash_are_kept_where_they_are_asked_for(self, tmp_path):
        found = row(tmp_path, item(WINDOW.deficit))
        assert not [name for name in found if "/" in name]
        asked = row(tmp_path / "asked", item(WINDOW.deficit, columns=("rsv_histogram/",)))
        assert [name for name in asked if "/" in name] == ["rsv_histogram/00"]
        panel = Histograms(lines=[(LOOK, WINDOW.deficit)], prefix="rsv_histogram/", bins=1)
        design = Design(panels=[[panel]], columns=("rsv_histogram/",))
        assert {held.columns for held in tables.planned(design, (0,))} == {("rsv_histogram/",)}

    def test_an_unfinished_run_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="is not finished"):
            tables.collect([item(WINDOW.fresh)], RunStore(tmp_path))


class TestFiles:
    def test_tables_survive_the_file(self, tmp_path):
        """Empty failures, a deficit called none, ids of digits and missing numbers are read as they were written."""
        made = tiny.fabricated(DESIGN, (0, 1), failures=[(WINDOW.deficit, 1)])
        made.runs.loc[0, "accuracy"] = 1 / 3
        made.runs.loc[3, "run_id"] = "0000000000000012"
        made.runs.loc[3, "failure"] = "non-finite loss, in epoch 2"
        kept = made.runs.copy()
        written = tables.write(made, tmp_path, "a/b")
        assert written == tables.paths(tmp_path, "a/b")
        read = tables.read(tmp_path, "a/b")
        pd.testing.assert_frame_equal(read.runs, kept, check_dtype=False, rtol=1e-9)
        pd.testing.assert_frame_equal(read.epochs, made.epochs, check_dtype=False, rtol=1e-9)
        assert read.runs.loc[3, "run_id"] == "0000000000000012"
        assert set(read.runs["deficit"]) == {"blur", "none"}
        assert read.runs.loc[0, "accuracy"] == 0.3333333333, "ten digits"

    def test_the_same_tables_are_the_same_bytes(self, tmp_path):
        for name in ("a", "b"):
            tables.write(tiny.fabricated(DESIGN, (0, 1)), tmp_path, name)
        for first, second in zip(tables.paths(tmp_path, "a"), tables.paths(tmp_path, "b"), strict=True):
            assert first.read_bytes() == second.read_bytes()

    def test_where_there_is_no_table_any_more_there_is_no_file(self, tmp_path):
        made = tiny.fabricated(DESIGN, (0, 1))
        _, epochs = tables.write(made, tmp_path, "a")
        tables.write(Tables(made.runs), tmp_path, "a")
        assert not epochs.exists()
        assert tables.read(tmp_path, "a").epochs.empty
        assert tables.read(tmp_path, "none").runs.empty


def test_a_table_has_one_kind_of_instructions():
    made = [dataclasses.replace(WINDOW.fresh.run, arithmetic=Arithmetic(instructions=kind)) for kind in KINDS]
    tables.refuse_mixed(made[:1])
    tables.refuse_mixed(made[1:])
    with pytest.raises(SpecError, match=r"arithmetic\.instructions=native,portable: the runs of a table have one kind"):
        tables.refuse_mixed(made)
