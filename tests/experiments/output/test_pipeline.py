"""Figures, made: files, records, tables, what the logger hears. What else may happen: `test_pipeline_ends`."""

import dataclasses

import pytest
import tiny
from bench import FIRST, NAMES, TRAINED, Bench

from critical.core.spec import SpecError
from critical.data import load
from critical.deficits import AlternatingDeprivation, ViewDropout
from critical.execution.pool import Workers
from critical.inference.arms import term_values
from critical.inference.verdicts import verdicts
from critical.training import loop as training
from critical.training.loop import Trainer
from experiments.design.facts import DataFacts
from experiments.design.protocol import DEFICIT
from experiments.design.registry import FIGURES
from experiments.output import pictures, pipeline, tables
from experiments.output.records import read_records
from experiments.tracking.pictures import runs_table

pytestmark = pytest.mark.slow
REMOVING = (ViewDropout.name, AlternatingDeprivation.name)
COLUMNS = {
    *("arm_id", "label", "role", "deficit", "onset", "length", "removal", "schedule", "budget", "seed"),
    *("accuracy", "loss", "accuracy_deficient", "fisher_trace", "fisher_trace_error", "fisher_trace_window"),
    "fisher_trace_onset",
    *("fisher_trace_low", "fisher_trace_high", "epochs", "failure", "run_id"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One figure of each kind."""
    bench = Bench(tmp_path_factory.mktemp("made") / "results")
    bench.records = {name: bench.make(name) for name in NAMES}
    return bench


@pytest.mark.parametrize("name", NAMES)
def test_the_files_are_there(made, name):
    results, design = made.setting.results, made.design(name)
    for kind, least in (("png", 10_000), ("pdf", 3_000), ("svg", 5_000), ("dark.svg", 5_000)):
        assert (results / "figures" / "smoke" / f"{name}.{kind}").stat().st_size > least
    assert not list((results / "figures").rglob("*.json")), "the record lies beside the table"
    page = (results / "report" / "smoke" / "index.html").read_text()
    assert FIGURES[name].title in page
    drawn = results / "figures" / "smoke" / f"{name}.svg"
    assert 0 < (results / "report" / "smoke" / "figures" / f"{name}.svg").stat().st_size < drawn.stat().st_size
    seeds = pipeline.planned_seeds(design, made.settings(name)[0])
    table = made.table(name).runs
    assert list(zip(table["arm_id"], table["seed"], strict=True)) == [
        (arm.id, seed) for arm in design.trained for seed in seeds
    ]
    for term in {term for claim in design.claims for term in claim.contrast.terms}:
        assert term_values(table, term).notna().all(), term


@pytest.mark.parametrize("name", TRAINED)
def test_everything_promised_is_there(made, name):
    planned = made.planned(name)
    table, epochs = made.table(name).runs, made.table(name).epochs
    assert set(table.columns) >= COLUMNS
    assert table["accuracy"].between(0, 100).all()
    # Where a view is absent the number would mean nothing, so it is withheld.
    untold = table["deficit"].str.rpartition("+")[2].isin(["none", *REMOVING])
    assert table.loc[(table["role"] == DEFICIT) & ~untold, "accuracy_deficient"].notna().all()
    assert table.loc[untold, "accuracy_deficient"].isna().all()
    # A trace of the window for every arm that has one, and one before it where there is a before.
    assert (table["fisher_trace_window"].notna() == (table["length"] > 0)).all()
    assert (table["fisher_trace_onset"].notna() == (table["onset"] > 0)).all()
    assert len(epochs) == sum(item.spec.timeline.end for item in planned if item.curve)


@pytest.mark.parametrize("name", TRAINED)
def test_the_record_says_what_was_done(made, name):
    record, design, planned = made.records[name], made.design(name), made.planned(name)
    (stored,) = [held for held in read_records(made.setting.results, "smoke") if held.figure == name]
    assert (stored.caption, stored.alt, stored.figure) == (record.caption, record.alt, name)
    assert FIGURES[name].question in record.caption
    assert all(panel.sentence() in record.caption and panel.sentence() in record.alt for panel in design.shown)
    assert record.runs == len({item.spec.run_id for item in planned})
    firsts = {item.spec.run_id: item.spec.keys[1] for item in planned}
    shared = len(set(firsts.values())) < len(firsts)
    assert record.epochs_needed + shared <= record.epochs_separate, "arms share their clean epochs"
    seeds = sorted({item.tags["seed"] for item in planned})
    assert record.seeds == seeds
    assert f"n = {len(seeds)} seeds" in record.caption
    (who,) = record.made_by
    assert who == tiny.HERE | {"seeds": seeds, "epochs": record.epochs_needed, "cpu_seconds": who["cpu_seconds"]}
    assert who["cpu_seconds"] == record.cpu_seconds > 0
    assert record.failures == []
    data = load(made.settings(name)[0].parts.data)
    assert (record.data, record.facts) == (data.label, DataFacts(data.label, len(data.classes)))
    assert record.command == f"python -m experiments figure={name} profile=smoke"
    assert (record.profile, record.settings[0]) == ("smoke", "device=cpu")
    assert len(record.timelines) == len(design.trained)
    assert record.samples[0]["label"] == "clean"
    assert record.leading == list(design.leading)
    last = {item.tags["deficit"].rpartition("+")[2] for item in planned if item.tags["role"] == DEFICIT}
    assert ("accuracy on deficient test images" in record.caption) == bool(last - {"none", *REMOVING})
    assert [verdict["claim_id"] for verdict in record.verdicts] == [claim.id for claim in design.claims]
    # Two seeds show no effect; that there is none they may.
    shown = {verdict["claim_id"] for verdict in record.verdicts if verdict["verdict"] in ("reproduced", "reversed")}
    assert shown <= {claim.id for claim in design.claims if claim.direction in ("none", "not greater")}
    assert not any(verdict["confirmed"] for verdict in record.verdicts)


@pytest.mark.parametrize("name", [FIRST, "cvpr2023/rsv_blur", "multimodal/modality_dropout"])
def test_the_table_holds_what_training_from_scratch_gives(made, name):
    item = next(item for item in reversed(made.planned(name)) if item.tags["role"] == DEFICIT)
    rows = training.train(item.spec)
    table = made.table(name).runs
    (row,) = table[(table["arm_id"] == item.tags["arm_id"]) & (table["seed"] == item.tags["seed"])].to_dict("records")
    assert row["run_id"] == item.spec.run_id
    assert row["epochs"] == len(rows)
    told = {"test_accuracy": "accuracy", "test_loss": "loss"}
    kept = [column for column in rows[-1] if "/" not in column or column.startswith(item.columns)]
    compared = {told.get(name, name): rows[-1][name] for name in kept if name not in ("epoch", "rate", "seconds")}
    assert len(compared) >= 6
    for column, value in compared.items():
        assert row[column] == pytest.approx(value, rel=1e-9), column
    if item.tags["deficit"] != ViewDropout.name:
        learnt = rows[item.tags["removal"] - 1]["test_accuracy_deficient"]
        assert row["accuracy_deficient"] == pytest.approx(learnt, rel=1e-9)


def test_a_second_time_nothing_is_trained_and_the_tables_are_the_same(made, monkeypatch):
    """With the real pool, which starts no worker when nothing is left."""
    workers = Workers(made.setting.store, 1, made.setting.results / "logs")
    monkeypatch.setattr(Trainer, "train_epoch", lambda *_: pytest.fail("something was trained"))
    monkeypatch.setattr("critical.execution.pool._train", lambda *_: pytest.fail("workers were started"))
    # That the same table gives the same picture is asked in test_pictures.
    monkeypatch.setattr(pictures, "write", lambda *_: None)
    for name in (FIRST, "stabilizers/prevention"):
        files = [path for path in tables.paths(made.setting.tables, name) if path.exists()]
        before = [path.read_bytes() for path in files]
        for path in files:
            path.unlink()
        again = made.make(name, train=workers.run)
        assert [path.read_bytes() for path in files] == before
        assert again.verdicts == made.records[name].verdicts


def test_verdicts_come_from_the_file(made):
    """Who reads the table alone comes to the same verdicts."""
    judged = verdicts(made.table(FIRST).runs, made.design(FIRST).claims, (0, 1))
    said = made.records[FIRST].verdicts
    assert [found.effect for found in judged] == pytest.approx([verdict["effect"] for verdict in said], nan_ok=True)
    assert [found.verdict for found in judged] == [verdict["verdict"] for verdict in said]


@pytest.mark.parametrize("name", NAMES)
def test_the_logger_hears_of_every_run_and_picture(made, name):
    runs = {call[0]: call for call in made.logger.calls if len(call) == 4 and call[2]["figure"] == name}
    assert set(runs) == {item.spec.run_id for item in made.planned(name)}
    assert all(there for _, there, *_ in runs.values()), "a run is published before it is logged"
    assert all(run_id in made.logger.announced for run_id in runs), "who trains it knows where it belongs"
    assert bool(runs) == (name in TRAINED)
    assert {place["profile"] for _, _, place, _ in runs.values()} <= {"smoke"}
    assert {place["notes"] for _, _, place, _ in runs.values()} <= {FIGURES[name].question}
    drawn = next(call[1] for call in made.logger.calls if call[0] == name)
    assert drawn.picture == made.setting.results / "figures" / "smoke" / f"{name}.png"
    assert len(runs_table(drawn.table)) == len(made.table(name).runs)
    assert list(drawn.verdicts) == made.records[name].verdicts


def test_the_logger_hears_what_a_deficit_costs(made):
    """As the figure's own contrast says it."""
    design, table = made.design("controls/age_or_rate"), made.table("controls/age_or_rate").runs
    told = {call[0]: call[3] for call in made.logger.calls if len(call) == 4}
    by_label = {str(arm): arm for arm in design.trained}
    deficits = [arm for arm in design.trained if arm.tags["role"] == DEFICIT]
    for arm in deficits:
        clean = by_label[str(arm).replace("blur", "clean")]
        for seed, cost in (clean - arm).per_seed(table).items():
            assert told[arm.of_seed(seed).run_id]["cost"] == pytest.approx(cost)
    assert deficits


class TestSeeds:
    def test_a_batch_of_which_seeds_are_missing_is_unfinished(self, made, monkeypatch):
        monkeypatch.setattr(Trainer, "train_epoch", lambda *_: pytest.fail("seed 0 is there"))
        monkeypatch.setattr(pictures, "write", lambda *_: None)
        before = {path: path.read_bytes() for path in made.setting.results.rglob(f"{FIRST}*") if path.is_file()}
        record = made.make(FIRST, seeds=(0,))
        assert record.seeds == [0]
        assert {verdict["verdict"] for verdict in record.verdicts} == {"unfinished"}
        assert all("lacks seed 1" in verdict["reason"] for verdict in record.verdicts)
        for path, content in before.items():
            path.write_bytes(content)

    def test_seeds_that_are_not_planned_are_refused(self, made):
        with pytest.raises(SpecError, match=r"^seeds=\[1, 7\]: 7 is none of those planned, \[0, 1\]$"):
            made.make(FIRST, seeds=(1, 7))

    def test_seeds_of_a_calibration_are_its_own(self, made):
        strength = "stabilizers/strength"
        design, (protocol, _) = made.design(strength), made.settings(strength)
        assert pipeline.planned_seeds(design, protocol) == (1000,)
        with pytest.raises(SpecError, match="none of those planned"):
            pipeline.seeds_now(design, protocol, dataclasses.replace(made.setting, seeds=(0,)))
