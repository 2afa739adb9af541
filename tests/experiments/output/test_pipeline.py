import copy
import dataclasses
import json

import pandas as pd
import pytest
import tiny

from critical.core import environment
from critical.data import load
from critical.deficits import ViewDropout
from critical.execution.pool import RunError, Workers
from critical.execution.store import RunStore
from critical.inference.verdicts import verdicts
from critical.training import loop as training
from critical.training.loop import Trainer
from experiments import __main__ as front
from experiments.design.protocol import DEFICIT
from experiments.design.registry import FIGURES
from experiments.output import loggers, pipeline
from experiments.output.report import read_records

COLUMNS = {
    *("arm", "deficit", "onset", "length", "removal", "schedule", "budget", "comparison", "seed"),
    *("accuracy", "loss", "accuracy_deficient", "fisher_trace", "fisher_trace_error"),
    *("fisher_trace_low", "fisher_trace_high", "epochs", "failure", "run_id"),
}
NAMES = list(FIGURES)


class Heard(loggers.Logger):
    """Remembers what it was handed."""

    def __init__(self):
        object.__setattr__(self, "calls", [])

    def log_run(self, folder, tags):
        self.calls.append((folder.name, (folder / "run.json").exists(), dict(tags)))
        return True

    def log_figure(self, name, picture):
        self.calls.append((name, picture))
        return True


class Bench:
    """The smoke profile, made into one folder."""

    def __init__(self, results, **changes):
        self.config = tiny.composed("figures", "profile=smoke", "device=cpu")
        families = dict.fromkeys(figure.family for figure in FIGURES.values())
        self.protocols = {family: front.protocol(self.config, family) for family in families}
        self.logger = Heard()
        command, store = "python -m experiments profile=smoke", RunStore(results / "runs")
        # In this process, so that no worker has to import torch.
        self.setting = pipeline.Setting(
            "smoke", results, lambda needed, _: tiny.train_here(needed, store), command, self.logger
        )

    def numbers(self, name):
        return front.numbers(self.config, FIGURES[name])

    def protocol(self, name):
        return self.protocols[FIGURES[name].family]

    def planned(self, name):
        return FIGURES[name].runs(self.protocol(name), self.numbers(name))

    def claims(self, name):
        return FIGURES[name].claims(self.protocol(name), self.numbers(name))

    def make(self, name):
        return pipeline.make(FIGURES[name], self.protocol(name), self.numbers(name), self.setting)

    def files(self, kind, pattern="*"):
        found = sorted((self.setting.results / kind).rglob(pattern))
        return {path: path.read_bytes() for path in found if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """All figures."""
    bench = Bench(tmp_path_factory.mktemp("made") / "results")
    bench.records = {name: bench.make(name) for name in NAMES}
    return bench


@pytest.mark.parametrize("name", NAMES)
def test_everything_promised_is_there(made, name):
    results = made.setting.results
    table = pd.read_csv(results / "tables" / "smoke" / f"{name}.csv")
    assert set(table.columns) >= COLUMNS
    assert len(table) == len(made.planned(name))
    assert set(table["seed"]) == {item.tags["seed"] for item in made.planned(name)}
    assert table["accuracy"].between(0, 100).all()
    # Where a view is absent the number would mean nothing, so it is withheld.
    told = (table["arm"] == DEFICIT) & (table["deficit"] != ViewDropout.name)
    assert table.loc[told, "accuracy_deficient"].notna().all()
    assert table.loc[table["deficit"].isin(["none", ViewDropout.name]), "accuracy_deficient"].isna().all()
    for beginning in {beginning for item in made.planned(name) for beginning in item.measured}:
        # Views are decoded alone where training had absent ones only.
        columns = [name for name in table.columns if name.startswith(beginning) and "_absent_" not in name]
        assert columns
        assert table[columns].notna().all(axis=None)
        for column in set(table.columns) - set(columns):
            if column.startswith(beginning):
                assert (table[column].notna() == (table["stabilizer"] == "modality_dropout")).all()
    for kind, least in (("png", 10_000), ("pdf", 3_000), ("json", 500)):
        assert (results / "figures" / "smoke" / f"{name}.{kind}").stat().st_size > least
    beside = results / "tables" / "smoke" / f"{name}.json"
    assert beside.read_bytes() == (results / "figures" / "smoke" / f"{name}.json").read_bytes()
    page = (results / "report" / "smoke" / "index.html").read_text()
    assert FIGURES[name].title in page
    assert (results / "report" / "smoke" / "figures" / f"{name}.png").exists()
    curves = results / "tables" / "smoke" / f"{name}.epochs.csv"
    assert curves.exists() == any(item.curve for item in made.planned(name))
    if curves.exists():
        epochs = pd.read_csv(curves)
        assert len(epochs) == sum(item.spec.timeline.end for item in made.planned(name) if item.curve)
        assert {"epoch", "test_accuracy", "fisher_trace", "rate"} <= set(epochs.columns)
        assert not {"seconds"} & set(epochs.columns)


@pytest.mark.parametrize("name", NAMES)
def test_the_record_says_what_was_done(made, name):
    record = made.records[name]
    (stored,) = [held for held in read_records(made.setting.results, "smoke") if held.figure == name]
    assert stored.caption == record.caption
    assert record.runs == len({item.spec.run_id for item in made.planned(name)})
    has_deficits = any(item.tags["arm"] == DEFICIT for item in made.planned(name))
    assert record.epochs_needed + has_deficits <= record.epochs_separate, "arms share their clean epochs"
    seeds = sorted({item.tags["seed"] for item in made.planned(name)})
    assert record.seeds == seeds
    assert record.failures == []
    assert record.commit == environment.commit()
    assert record.data == load(made.protocol(name).parts.data).label
    assert f"n = {len(seeds)} seed" in record.caption
    deficits = {item.tags["deficit"] for item in made.planned(name) if item.tags["arm"] == DEFICIT}
    assert ("accuracy on deficient test images" in record.caption) == bool(deficits - {ViewDropout.name})
    assert ("while a view is absent is not said" in record.caption) == (ViewDropout.name in deficits)
    assert [verdict["claim_id"] for verdict in record.verdicts] == [claim.id for claim in made.claims(name)]
    # Two seeds decide nothing.
    assert {verdict["verdict"] for verdict in record.verdicts} <= {"too few seeds", "undecided"}
    assert json.loads((made.setting.results / "figures" / "smoke" / f"{name}.json").read_text())["figure"] == name


@pytest.mark.parametrize("name", NAMES)
def test_the_table_holds_what_training_from_scratch_gives(made, name):
    planned = made.planned(name)
    item = next((item for item in reversed(planned) if item.tags["arm"] == DEFICIT), planned[-1])
    rows = training.train(item.spec)
    table = pipeline.read_tables(made.setting.results, "smoke", name).runs
    found = table
    for column, value in item.tags.items():
        found = found[found[column] == value]
    (row,) = found.to_dict("records")
    assert row["run_id"] == item.spec.run_id
    assert row["epochs"] == len(rows)
    for column, measured in (("accuracy", "test_accuracy"), ("loss", "test_loss"), ("fisher_trace", "fisher_trace")):
        assert row[column] == pytest.approx(rows[-1][measured], rel=1e-9)
    for column, value in rows[-1].items():
        assert (column in row and row[column] == pytest.approx(value, rel=1e-9)) or not column.startswith(item.measured)
    if item.tags["arm"] == DEFICIT and item.tags["deficit"] != ViewDropout.name:
        learnt = rows[item.tags["removal"] - 1]["test_accuracy_deficient"]
        assert row["accuracy_deficient"] == pytest.approx(learnt, rel=1e-9)


def test_a_second_time_nothing_is_trained_and_the_tables_are_the_same(made, monkeypatch):
    """With the real pool, which starts no worker when nothing is left."""
    before, names = made.files("tables", "*.csv"), [NAMES[0], "stabilizers/prevention"]
    assert before
    workers = Workers(made.setting.store, 1, made.setting.results / "logs")
    monkeypatch.setattr(made, "setting", dataclasses.replace(made.setting, train=workers.run))
    for name in names:
        (path,) = [path for path in before if path.name == f"{name.rsplit('/', 1)[-1]}.csv"]
        path.unlink()
    monkeypatch.setattr(Trainer, "train_epoch", lambda *_: pytest.fail("something was trained"))
    monkeypatch.setattr("critical.execution.pool._train", lambda *_: pytest.fail("workers were started"))
    again = {name: made.make(name) for name in names}
    assert made.files("tables", "*.csv") == before
    assert {name: record.verdicts for name, record in again.items()} == {
        name: made.records[name].verdicts for name in names
    }


def test_a_calibration_is_drawn_from_a_table_of_exactly_its_runs(made, monkeypatch):
    """Also from another machine's, with its record; what claims something never is."""
    name, planned = "stabilizers/strength", made.planned("stabilizers/strength")
    assert [each for each in NAMES if pipeline.calibrated(FIGURES[each], made.planned(each), made.setting)] == [name]
    assert not pipeline.calibrated(FIGURES[name], planned[:-1], made.setting)
    beside = made.setting.results / "tables" / "smoke" / f"{name}.json"
    before = beside.read_bytes()
    picture = made.setting.results / "figures" / "smoke" / f"{name}.png"
    drawn = picture.read_bytes()
    picture.unlink()
    beside.write_text(json.dumps(json.loads(before) | {"machine": "another one"}))
    monkeypatch.setattr(Trainer, "train_epoch", lambda *_: pytest.fail("something was trained"))
    try:
        record = pipeline.show(FIGURES[name], made.protocol(name), made.numbers(name), made.setting)
    finally:
        beside.write_bytes(before)
    assert record.machine == "another one"
    assert record.caption.endswith("(another one); nothing was trained for it here.")
    assert made.records[name].caption in record.caption
    assert made.logger.calls[-1] == (name, picture)
    assert picture.read_bytes() == drawn
    assert "another one" in (made.setting.results / "report" / "smoke" / "index.html").read_text()
    made.make(name)


def test_what_is_calibrated_is_not_planned_unless_it_is_named(made, monkeypatch, capsys):
    counted = []
    for asked in ("all", f"[{','.join(NAMES)}]"):
        given = ("profile=smoke", "device=cpu", "dry=true", f"figure={asked}", f"results={made.setting.results}")
        status, _, out = tiny.call(monkeypatch, capsys, tiny.figures_main, *given)
        assert status == 0
        counted.append(int(out.splitlines()[0].removeprefix("runs: ")))
    assert counted[1] - counted[0] == len(made.planned("stabilizers/strength"))


def test_prices_are_measured_once_on_a_machine(made, monkeypatch):
    priced = [name for name in NAMES if FIGURES[name].prices]
    assert priced == ["stabilizers/prevention"]
    (name,) = priced
    path = made.setting.results / "tables" / "smoke" / f"{name}.prices.csv"
    before = path.read_bytes()
    calls = []

    def measure(protocol, numbers):
        calls.append(numbers)
        return pd.DataFrame({"stabilizer": ["none"], "seconds": [2.0], "ratio": [1.0]})

    figure = dataclasses.replace(FIGURES[name], prices=measure)
    try:
        held = pipeline.prices(figure, made.protocol(name), made.numbers(name), made.setting)
        assert held["stabilizer"].tolist() == ["none", *made.numbers(name).methods]
        assert held.loc[0, "ratio"] == 1
        assert not calls
        monkeypatch.setattr(environment, "machine", lambda: "another one")
        for _ in range(2):
            found = pipeline.prices(figure, made.protocol(name), made.numbers(name), made.setting)
            assert found["machine"].tolist() == ["another one"]
        assert calls == [made.numbers(name)]
        other = dataclasses.replace(made.numbers(name), strengths=(0.2, *made.numbers(name).strengths[1:]))
        pipeline.prices(figure, made.protocol(name), other, made.setting)
        assert calls == [made.numbers(name), other], "a table of other settings tells nothing of these"
        assert pipeline.prices(FIGURES[NAMES[0]], None, None, made.setting).empty
    finally:
        path.write_bytes(before)


def test_verdicts_come_from_the_file(made):
    """Who reads the table alone comes to the same verdicts."""
    name = NAMES[0]
    table = pipeline.read_tables(made.setting.results, "smoke", name).runs
    judged = verdicts(table, made.claims(name), (0, 1))
    assert judged["effect"].tolist() == pytest.approx([verdict["effect"] for verdict in made.records[name].verdicts])


def test_the_logger_hears_of_every_run_and_picture(made):
    for name in NAMES:
        runs = {call[0] for call in made.logger.calls if len(call) == 3 and call[2]["figure"] == name}
        assert runs == {item.spec.run_id for item in made.planned(name)}
        assert [call for call in made.logger.calls if call[0] == name]


def victim(bench):
    """The deficit arm of seed 1 that is removed last, with the rate restarted."""
    (found,) = (
        item
        for item in bench.planned("iclr2019/deficit_removal")
        if item.tags["arm"] == DEFICIT
        and (item.tags["schedule"], item.tags["removal"], item.tags["seed"]) == ("restart", 2, 1)
    )
    return found


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """A run whose last epoch failed: its record lies in the store before the figure is made."""
    bench = Bench(tmp_path_factory.mktemp("failed") / "results")
    key = victim(bench).spec.keys[-1]
    bench.setting.store.write_record(
        key, key, {"train": None, "probes": {}, "seconds": {}, "failure": "non-finite loss"}
    )
    bench.record = bench.make("iclr2019/deficit_removal")
    return bench


class TestFailure:
    def test_it_is_named(self, failed):
        assert failed.record.failures == ["deficit, restart, removal 2, seed 1: non-finite loss"]
        page = (failed.setting.results / "report" / "smoke" / "index.html").read_text()
        assert "removal 2, seed 1: non-finite loss" in page

    def test_only_the_claims_that_rest_on_it_are_without_a_verdict(self, failed):
        found = {verdict["claim_id"]: verdict["verdict"] for verdict in failed.record.verdicts}
        broken = {"removal.harm_restart", "removal.cost_restart", "removal.restart_helps"}
        assert {name for name, verdict in found.items() if verdict == "failed run"} == broken

    def test_the_others_are_trained_and_drawn(self, failed):
        table = pipeline.read_tables(failed.setting.results, "smoke", "iclr2019/deficit_removal").runs
        assert table["accuracy"].isna().sum() == (table["failure"] != "").sum() == 1
        assert (failed.setting.results / "figures" / "smoke" / "iclr2019" / "deficit_removal.png").exists()

    def test_its_record_can_be_read(self, failed):
        (run,) = (failed.setting.results / "runs" / "runs").glob(f"{victim(failed).spec.run_id}/run.json")
        assert json.loads(run.read_text())["failure"] == "non-finite loss"


def test_the_command_makes_a_figure_with_a_worker(monkeypatch, capsys, tmp_path):
    """The whole path once, with a process that trains."""
    monkeypatch.chdir(tmp_path)
    given = [
        *("profile=smoke", "device=cpu", "jobs=1", "figure=iclr2019/sensitivity_window", "protocol.seeds=[0]"),
        *("data.subset=40", "data.test_subset=20", "probes=accuracy", f"results={tmp_path}/r"),
    ]
    status, lines, out = tiny.call(monkeypatch, capsys, tiny.figures_main, *given)
    assert (status, lines) == (0, [])
    assert f"{tmp_path}/r/figures/smoke/iclr2019/sensitivity_window.png" in out
    assert out.splitlines()[-1] == f"report: {tmp_path}/r/report/smoke/index.html"
    (record,) = read_records(tmp_path / "r", "smoke")
    said = [line.strip() for line in out.splitlines() if line.startswith("  ")]
    assert said == [f"{verdict['verdict']}: {verdict['sentence']}" for verdict in record.verdicts]
    assert record.command.startswith("python -m experiments profile=smoke")
    published = {path.parent.name for path in (tmp_path / "r" / "runs" / "runs").glob("*/run.json")}
    assert len(published) == record.runs


def test_a_worker_that_stops_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)

    def stop(*_):
        raise RunError("a worker stopped: no memory (traceback in log)")

    monkeypatch.setattr(Workers, "run", stop)
    given = ["profile=smoke", "device=cpu", "figure=controls/permanence", f"results={tmp_path}/r"]
    status, lines, _ = tiny.call(monkeypatch, capsys, tiny.figures_main, *given)
    assert status != 0
    assert lines == ["error: a worker stopped: no memory (traceback in log)"]


def test_tables_survive_the_file(tmp_path):
    """Empty failures, a deficit called none and missing numbers are read as they were written."""
    planned = FIGURES[NAMES[0]].runs(tiny.protocol((0,)), Bench(tmp_path).numbers(NAMES[0]))
    made = tiny.fabricated(planned, lambda tags: 50.0)
    made.runs.loc[0, ["accuracy", "failure"]] = [float("nan"), "non-finite loss, in epoch 2"]
    made.runs.loc[1, "run_id"] = "0000000000000012"
    kept = copy.deepcopy(made.runs)
    pipeline.write_tables(made, tmp_path, "smoke", "a/b")
    read = pipeline.read_tables(tmp_path, "smoke", "a/b")
    pd.testing.assert_frame_equal(read.runs, kept, check_dtype=False, rtol=1e-9)
    assert read.runs.loc[1, "run_id"] == "0000000000000012"
    assert len(read.epochs) == len(made.epochs)
    assert pipeline.read_tables(tmp_path, "smoke", "a/none").runs.empty


def test_merged_plans_share_their_trunks(tmp_path):
    bench = Bench(tmp_path)
    plans = [tiny.plan(item.spec for item in bench.planned(name)) for name in NAMES]
    whole = pipeline.merged(plans)
    assert whole.epochs_needed < sum(one.epochs_needed for one in plans)
    assert {run.run_id for run in whole.runs} == {run.run_id for one in plans for run in one.runs}
    assert isinstance(bench.setting.store, RunStore)
