"""A run that failed, a figure that computes its table, and the command that makes figures."""

import dataclasses
import json
import shlex

import pandas as pd
import pytest
import tiny
from bench import FIRST, NAMES, Bench

from critical.execution.plan import plan
from critical.execution.pool import RunError, Workers
from critical.inference.arms import Arm
from critical.inference.claims import OURS, Claim
from critical.plots.panel import role
from critical.plots.panels import Series
from experiments.design.figure import Design, Figure
from experiments.design.parameters import Parameters
from experiments.design.protocol import DEFICIT
from experiments.output import naming, pipeline, tables
from experiments.output.explained import command_of
from experiments.output.records import read_records


def victim(bench):
    """The deficit arm of seed 1 that is removed last, with the rate restarted."""
    (found,) = (
        item
        for item in bench.planned(FIRST)
        if (item.tags["role"], item.tags["schedule"], item.tags["removal"], item.tags["seed"])
        == (DEFICIT, "restart", 2, 1)
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
    bench.record = bench.make(FIRST)
    return bench


class TestFailure:
    def test_it_is_named(self, failed):
        line = "blur [0, 2), rate restarted, then 2 epochs, seed 1: non-finite loss"
        assert failed.record.failures == [line]
        assert line in (failed.setting.results / "report" / "smoke" / "index.html").read_text()

    def test_only_the_claims_that_rest_on_it_are_undecided_for_it(self, failed):
        found = {verdict["claim_id"] for verdict in failed.record.verdicts if "A run failed" in verdict["reason"]}
        assert found | {"removal.restart_helps"} == {
            "removal.harm_restart", "removal.cost_restart", "removal.restart_helps"
        }  # fmt: skip
        assert all(verdict["verdict"] in ("undecided", "premise failed") for verdict in failed.record.verdicts
                   if verdict["claim_id"] in found)  # fmt: skip

    def test_the_others_are_trained(self, failed):
        table = failed.table(FIRST).runs
        assert table["accuracy"].isna().sum() == (table["failure"] != "").sum() == 1

    def test_its_record_can_be_read(self, failed):
        (run,) = (failed.setting.results / "runs" / "runs").glob(f"{victim(failed).spec.run_id}/run.json")
        assert json.loads(run.read_text())["failure"] == "non-finite loss"


class TestComputed:
    """A figure that computes its table instead of training."""

    def figure(self, protocol):
        dose_matched, deficit = (Arm(None, {"label": label}) for label in ("clean", "deprived"))

        def table():
            levels = {dose_matched: 60.0, deficit: 50.0}
            return pd.DataFrame([
                {"arm_id": arm.id, "label": str(arm), "seed": seed, "failure": "", "accuracy": level + seed}
                for arm, level in levels.items() for seed in protocol.seeds
            ])  # fmt: skip

        def design(protocol, parameters):
            panel = Series(xlabel="place", ylabel="accuracy", lines=[
                (role("deficit", "deficit"), {0: deficit, 1: dose_matched})])
            claim = Claim("computed.cost", OURS, dose_matched - deficit, "greater", "It costs.")
            return Design(panels=[[panel]], claims=[claim], table=table)

        return Figure("controls/computed", "Computed", "Is it computed?", Parameters, design, ("It is computed.",))

    def test_it_goes_through_the_pipeline_and_nothing_is_trained(self, tmp_path):
        bench = Bench(tmp_path / "results", seeds=None)
        protocol = dataclasses.replace(bench.protocols["vision"], seeds=tuple(range(6)))
        setting = dataclasses.replace(bench.setting, train=lambda *_: pytest.fail("something is to be trained"))
        record = pipeline.make(self.figure(protocol), protocol, Parameters(), setting)
        (verdict,) = record.verdicts
        assert (verdict["effect"], verdict["verdict"], verdict["n"]) == (10.0, "reproduced", 6)
        assert (record.runs, record.epochs_needed, record.epochs_separate) == (0, 0, 0), "nothing was trained for it"
        assert len(tables.read(setting.tables, "controls/computed").runs) == 12
        assert (record.seeds, record.failures, record.samples) == (list(range(6)), [], [])
        (maker,) = record.made_by
        assert (maker["seeds"], maker["epochs"], maker["commit"] != "") == (list(range(6)), 0, True)
        assert "Nothing is trained: the table is computed." in record.caption
        assert "Schedule" not in record.caption
        assert (record.data, record.schedule) == ("exact computation", "nothing is trained")
        design = pipeline.designed(self.figure(protocol), protocol, Parameters())
        assert [str(arm) for arm in design.trained] == ["deprived", "clean"]
        assert tables.planned(design, (0, 1)) == []
        assert [call[0] for call in bench.logger.calls] == ["controls/computed"], "there are no runs to log"
        assert "Is it computed?" in (setting.results / "report" / "smoke" / "index.html").read_text()


@pytest.mark.parametrize(
    ("settings", "name", "end"),
    [
        (["device=cuda", "data.label='A (JPEG)'"], "mine", "name=mine \"data.label='A (JPEG)'\" device=cuda"),
        (["seeds=[0]", "device=cpu"], "", "'seeds=[0]'"),
        (["data.label='$A'", "data=folder"], "", "'data.label='\"'\"'$A'\"'\"'' data.path=FOLDER"),
        (["data@two_streams.data=arrays"], "", "data@two_streams.data=arrays two_streams.data.path=FILE"),
        (["modalities.data.table=t.csv", "data@modalities.data=folder_and_table"], "", "modalities.data.path=FOLDER"),
        (["data=halves", "data.source=folder"], "", "data.source=folder data.path=FOLDER"),
    ],
)
def test_a_command_is_as_a_person_types_it(settings, name, end):
    said = command_of("zoo/ape", "quick", settings, name)
    assert said.endswith(end)
    words = ["python", "-m", "experiments", "figure=zoo/ape", "profile=quick"]
    assert shlex.split(said)[:5] == words
    assert {text for text in settings if text != "device=cpu"} <= set(shlex.split(said))


def test_the_command_makes_a_figure_with_a_worker(monkeypatch, capsys, tmp_path):
    """The whole path once, with a process that trains."""
    monkeypatch.chdir(tmp_path)
    given = [
        *("profile=smoke", "device=cpu", "jobs=1", "figure=iclr2019/sensitivity_window", "protocol.seeds=[0,1]"),
        *("seeds=[0]", "data.subset=40", "data.test_subset=20", "probes=accuracy", f"results={tmp_path}/r"),
    ]
    status, lines, out = tiny.call(monkeypatch, capsys, tiny.figures_main, *given)
    assert (status, lines) == (0, [])
    name = naming.results_name("smoke", given)
    assert name == "smoke+data.subset=40+data.test_subset=20+probes=accuracy+protocol.seeds=0,1+seeds=0"
    assert f"{tmp_path}/r/figures/{name}/iclr2019/sensitivity_window.png" in out
    assert out.splitlines()[-1] == f"report: {tmp_path}/r/report/{name}/index.html"
    (record,) = read_records(tmp_path / "r", name)
    first, last = [line.strip() for line in out.splitlines() if line.startswith("  ")]
    assert first.startswith(f"unfinished      {len(record.verdicts)} claims; The figure is not finished: ")
    assert last == f"picture: {tmp_path}/r/figures/{name}/iclr2019/sensitivity_window.png"
    assert record.command == (
        "python -m experiments figure=iclr2019/sensitivity_window profile=smoke data.subset=40 data.test_subset=20 "
        "probes=accuracy 'protocol.seeds=[0,1]' 'seeds=[0]'"
    )
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


def test_merged_plans_share_their_trunks(tmp_path):
    bench = Bench(tmp_path)
    plans = [plan(item.spec for item in bench.planned(name)) for name in NAMES]
    whole = pipeline.merged(plans)
    assert whole.epochs_needed < sum(one.epochs_needed for one in plans)
    assert {run.run_id for run in whole.runs} == {run.run_id for one in plans for run in one.runs}
