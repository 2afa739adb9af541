import dataclasses
import json
import types

import pytest
import tiny
from fabricated_report import make

from critical.core import environment
from critical.core.spec import SpecError
from critical.plots.panel import role
from critical.plots.panels import Curves, Series
from critical.probes import Fisher
from experiments.design.figure import Design, Figure
from experiments.design.parameters import Parameters
from experiments.output import pipeline, tables
from experiments.output.reference import finished_seeds, refuse_changed_code, refuse_reference, with_kept
from experiments.tracking.logger import Logger

PROTOCOL = tiny.protocol(seeds=(20, 21, 22), recovery=2)
EARLY, LATE = PROTOCOL.window(0, 1), PROTOCOL.window(1, 1)
LOOK = role("deficit", "deficit")


def shown(*arms):
    return Design(panels=[[Series(lines=[(LOOK, dict(enumerate(arms)))]),
                           Curves(lines=[(LOOK, arms[0])], column="test_accuracy")]])  # fmt: skip


DESIGN = shown(EARLY.deficit, EARLY.dose_matched)


def who(seeds, commit="c1", cpu_seconds=10.0):
    return {"commit": commit, "machine": "m", "versions": {"torch": "2"}, "seeds": list(seeds),
            "epochs": 5 * len(seeds), "cpu_seconds": cpu_seconds}  # fmt: skip


def sitting(folder, design, seeds, level, **given):
    """Adds seeds to the table as a sitting does."""
    new = tiny.fabricated(design, seeds, lambda arm: {"accuracy": level}, noise=0.0)
    both, made_by = with_kept(new, design, seeds, [who(seeds, **given)], folder, "a/b")
    path, _ = tables.write(both, folder, "a/b")
    path.with_suffix(".json").write_text(json.dumps({"made_by": made_by}))
    return tables.read(folder, "a/b"), made_by


def levels(held):
    return {(arm, seed): level for arm, seed, level in
            zip(held.runs["arm_id"], held.runs["seed"], held.runs["accuracy"], strict=True)}  # fmt: skip


def test_seeds_of_earlier_sittings_are_kept_and_a_seed_that_is_made_again_is_replaced(tmp_path):
    sitting(tmp_path, DESIGN, (20, 21), 1.0)
    held, made_by = sitting(tmp_path, DESIGN, (21, 22), 2.0, commit="c2", cpu_seconds=8.0)
    expected = {20: 1.0, 21: 2.0, 22: 2.0}
    assert levels(held) == {(arm.id, seed): level for arm in DESIGN.trained for seed, level in expected.items()}
    assert [(one["commit"], one["seeds"], one["epochs"], one["cpu_seconds"]) for one in made_by] == [
        ("c1", [20], 5, 5.0), ("c2", [21, 22], 10, 8.0)
    ]  # fmt: skip


def test_the_table_is_the_same_in_whatever_order_its_seeds_were_made(tmp_path):
    for name, order in (("at_once", [(20, 21, 22)]), ("one_by_one", [(22,), (20,), (21,)])):
        for seeds in order:
            sitting(tmp_path / name, DESIGN, seeds, 1.0)
    for first, second in zip(tables.paths(tmp_path / "at_once", "a/b"), tables.paths(tmp_path / "one_by_one", "a/b"),
                             strict=True):  # fmt: skip
        assert first.read_bytes() == second.read_bytes()


def test_sittings_of_one_commit_and_machine_are_told_together(tmp_path):
    for seed in (20, 21):
        _, made_by = sitting(tmp_path, DESIGN, (seed,), 1.0, cpu_seconds=3.0)
    assert made_by == [who((20, 21), cpu_seconds=6.0)]


def test_arms_that_the_design_has_no_longer_go(tmp_path):
    sitting(tmp_path, shown(EARLY.deficit, EARLY.dose_matched, LATE.deficit), (20,), 1.0)
    held, made_by = sitting(tmp_path, DESIGN, (21,), 1.0)
    assert set(levels(held)) == {(arm.id, seed) for arm in DESIGN.trained for seed in (20, 21)}
    assert made_by[0]["seeds"] == [20, 21]


def test_a_kept_seed_that_lacks_an_arm_of_the_design_goes_whole(tmp_path):
    sitting(tmp_path, DESIGN, (20,), 1.0)
    wider = shown(EARLY.deficit, EARLY.dose_matched, LATE.deficit)
    held, made_by = sitting(tmp_path, wider, (21,), 1.0, commit="c2")
    assert set(levels(held)) == {(arm.id, 21) for arm in wider.trained}
    assert set(held.epochs["seed"]) == {21}
    assert [one["commit"] for one in made_by] == ["c2"]


class TestFinishedSeeds:
    """Of which a table holds all."""

    def test_have_every_run_and_a_maker(self, tmp_path):
        assert finished_seeds(DESIGN, (20, 21), tmp_path, "a/b") == []
        sitting(tmp_path, DESIGN, (20, 21), 1.0)
        assert finished_seeds(DESIGN, (20, 21, 22), tmp_path, "a/b") == [20, 21]
        held = tables.read(tmp_path, "a/b")
        lacking = (held.runs["seed"] == 21) & (held.runs["arm_id"] == EARLY.dose_matched.id)
        tables.write(dataclasses.replace(held, runs=held.runs[~lacking]), tmp_path, "a/b")
        assert finished_seeds(DESIGN, (20, 21, 22), tmp_path, "a/b") == [20]

    def test_of_no_known_maker_are_none(self, tmp_path):
        sitting(tmp_path, DESIGN, (20, 21), 1.0)
        record = tables.paths(tmp_path, "a/b")[0].with_suffix(".json")
        record.write_text(json.dumps({"made_by": [who((21,))]}))
        assert finished_seeds(DESIGN, (20, 21), tmp_path, "a/b") == [21]
        record.unlink()
        assert finished_seeds(DESIGN, (20, 21), tmp_path, "a/b") == []

    def test_that_were_measured_otherwise_are_none(self, tmp_path):
        """The same arms trained to the same states: a probe was added, or an arm is now drawn by its epochs."""
        sitting(tmp_path, DESIGN, (20,), 1.0)
        run = EARLY.deficit.run
        probed = dataclasses.replace(EARLY.deficit, run=dataclasses.replace(run, probes=(*run.probes, Fisher())))
        assert probed == EARLY.deficit
        assert finished_seeds(shown(probed, EARLY.dose_matched), (20,), tmp_path, "a/b") == []
        assert finished_seeds(DESIGN, (20,), tmp_path, "a/b") == [20]

    def test_of_which_a_column_at_an_epoch_was_not_kept_are_none(self, tmp_path):
        """It was measured, and a later claim asks for it."""
        sitting(tmp_path, DESIGN, (20,), 1.0)
        assert finished_seeds(dataclasses.replace(DESIGN, at={"fisher_trace": (2,)}), (20,), tmp_path, "a/b") == []


def test_makers_of_one_seed_are_both_kept(tmp_path):
    """Who trained its first half, and who the rest."""
    new = tiny.fabricated(DESIGN, (20,), noise=0.0)
    both, _ = with_kept(new, DESIGN, (20,), [], tmp_path, "a/b")
    path, _ = tables.write(both, tmp_path, "a/b")
    path.with_suffix(".json").write_text(json.dumps({"made_by": [who((20,)), who((20,), commit="c2")]}))
    _, made_by = sitting(tmp_path, DESIGN, (21,), 1.0, commit="c2", cpu_seconds=2.0)
    assert made_by == [who((20,)), {**who((20, 21), commit="c2"), "cpu_seconds": 12.0}]


def test_runs_of_changed_code_are_refused_by_their_seeds():
    refuse_changed_code([who((20,)), who((21,), commit="unknown")])
    with pytest.raises(SpecError, match=r"^reference: runs of seeds \[21, 22\] in the store were made by .* \(c2\+\)"):
        refuse_changed_code([who((20,)), who((21, 22), commit="c2+")])


def test_a_checkout_that_differs_from_its_commit_is_refused(monkeypatch):
    monkeypatch.setattr(environment, "commit", lambda: "0123abcd+")
    with pytest.raises(SpecError, match=r"^reference: critical/, experiments/ or conf/ differ from the commit"):
        refuse_reference("cpu", "portable", "cpu")


def test_bits_that_other_processors_do_not_have_are_refused(monkeypatch):
    monkeypatch.setattr(environment, "commit", lambda: "0123abcd")
    with pytest.raises(SpecError, match=r"arithmetic\.instructions=portable, or on an accelerator"):
        refuse_reference("cpu", "native", "auto")
    refuse_reference("cpu", "portable", "auto")


def test_an_accelerator_makes_tables_where_the_command_names_it(monkeypatch):
    monkeypatch.setattr(environment, "commit", lambda: "0123abcd")
    refuse_reference("cuda", "native", "cuda")
    with pytest.raises(SpecError, match=r"^reference: device=auto is cuda here, .* name=laptop_cuda, or device=cpu$"):
        refuse_reference("cuda", "native", "auto")


def test_the_command_refuses_them_too(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(environment, "commit", lambda: "0123abcd+")
    given = ("profile=smoke", "device=cpu", "reference=true", "figure=controls/permanence", f"results={tmp_path}/r")
    status, lines, _ = tiny.call(monkeypatch, capsys, tiny.figures_main, *given)
    assert (status, len(lines)) == (2, 1)
    assert "commit them first" in lines[0]
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["protocol.points=1"], "reference: protocol.points=1 differs from profile smoke, "),
        (["protocol.points=1", "name=quick"], "name=quick: is a profile's own; choose another"),
        (["protocol.points=1", "name=smoke"], "name=smoke: is the profile's own, and protocol.points=1 differs"),
        (["name=taken"], "name=taken: holds results with protocol.points=1, and nothing is overwritten"),
    ],
)
def test_the_command_never_writes_over_other_committed_tables(monkeypatch, capsys, tmp_path, given, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(environment, "commit", lambda: "0123abcd")
    kept = ["protocol.points=1", "device=cpu", "arithmetic.instructions=portable"]
    make(tmp_path / "r", "controls/permanence", name="taken", where="reference", profile="smoke", settings=kept)
    before = {path: path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()}
    shared = ("profile=smoke", "device=cpu", "reference=true", "figure=controls/permanence", f"results={tmp_path}/r")
    status, lines, _ = tiny.call(monkeypatch, capsys, tiny.figures_main, *shared, *given)
    assert (status, len(lines)) == (2, 1)
    assert said in lines[0]
    assert {path: path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()} == before


class TestMakeReference:
    """A seed at a time, so that what a sitting has finished is kept."""

    @pytest.fixture
    def bench(self, tmp_path):
        figure = Figure("controls/tiny", "Tiny", "Is it?", Parameters, lambda *_: DESIGN, ("It is tiny.",))
        trained = []

        def train(needed, _):
            trained.append(sorted({run.seed for run in needed.runs}))
            if needed.runs:
                tiny.train_here(needed, setting.store)

        setting = pipeline.Setting("smoke", tmp_path, train, Logger(), reference=True)
        return types.SimpleNamespace(
            setting=setting, trained=trained,
            make=lambda **changes: pipeline.make_reference(
                figure, PROTOCOL, Parameters(), dataclasses.replace(setting, **changes)),
        )  # fmt: skip

    def test_what_the_table_lacks_is_trained(self, bench, tmp_path):
        record = bench.make(seeds=(21,))
        assert (bench.trained, record.seeds) == ([[21]], [21])
        record = bench.make()
        assert (bench.trained, record.seeds) == ([[21], [20], [22]], [20, 21, 22])
        (who,) = record.made_by
        assert who["seeds"] == [20, 21, 22]
        assert record.cpu_seconds == pytest.approx(who["cpu_seconds"])
        assert (tmp_path / "reference" / "smoke" / "controls" / "tiny.csv").exists()
        assert not (tmp_path / "tables").exists()

    def test_several_seeds_at_once_fill_what_many_workers_share(self, bench):
        record = bench.make(seeds_at_once=2)
        assert (bench.trained, record.seeds) == ([[20, 21], [22]], [20, 21, 22])

    def test_with_none_lacking_it_is_drawn_anew(self, bench, tmp_path):
        bench.make()
        path = tmp_path / "reference" / "smoke" / "controls" / "tiny.csv"
        before, count = path.read_bytes(), len(bench.trained)
        record = bench.make()
        assert bench.trained[count:] in ([], [[]])
        assert path.read_bytes() == before
        assert (record.seeds, record.made_by[0]["seeds"]) == ([20, 21, 22], [20, 21, 22])
        assert "n = 3 seeds" in record.caption
        assert not (tmp_path / "figures").exists(), "one's own pictures are left alone"
        assert (tmp_path / "report" / "smoke" / "figures" / "controls" / "tiny.dark.svg").exists()

    def test_a_kill_between_table_and_record_makes_the_seed_again(self, bench, tmp_path, monkeypatch):
        bench.make(seeds=(20,))
        path = tmp_path / "reference" / "smoke" / "controls" / "tiny.csv"
        with monkeypatch.context() as patched:
            patched.setattr(pipeline, "write_record", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                bench.make(seeds=(21,))
        assert set(tables.read(path.parent.parent, "controls/tiny").runs["seed"]) == {20, 21}
        record = bench.make()
        assert bench.trained == [[20], [21], [21], [22]]
        assert (record.seeds, record.made_by[0]["seeds"]) == ([20, 21, 22], [20, 21, 22])
        whole = path.read_bytes()
        path.unlink()
        bench.make(seeds=(20, 21, 22))
        assert path.read_bytes() == whole

    def test_runs_that_changed_code_left_in_the_store_are_refused(self, bench, tmp_path, monkeypatch):
        bench.make(seeds=(20,))
        held = sorted((tmp_path / "reference").rglob("*.*"))
        before = [path.read_bytes() for path in held]
        monkeypatch.setattr(tiny, "HERE", tiny.HERE | {"commit": "0123abcd+"})
        with pytest.raises(SpecError, match=r"^reference: runs of seeds \[21\] .* changed code \(0123abcd\+\)"):
            bench.make(seeds=(21,))
        monkeypatch.undo()
        # They lie there, whoever asks for them; the table is as it was.
        with pytest.raises(SpecError, match=r"runs of seeds \[21\]"):
            bench.make(seeds=(21,))
        assert sorted((tmp_path / "reference").rglob("*.*")) == held
        assert [path.read_bytes() for path in held] == before

    def test_whoever_trained_is_named_and_not_who_draws(self, bench, tmp_path, monkeypatch):
        monkeypatch.setattr(tiny, "HERE", tiny.HERE | {"commit": "first"})
        bench.make(seeds=(20,))
        for ending in ("csv", "epochs.csv", "json"):
            (tmp_path / "reference" / "smoke" / "controls" / f"tiny.{ending}").unlink()
        monkeypatch.setattr(tiny, "HERE", tiny.HERE | {"commit": "second"})
        record = bench.make(seeds=(20,))
        assert [(who["commit"], who["seeds"]) for who in record.made_by] == [("first", [20])]
