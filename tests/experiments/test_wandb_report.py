"""A report is built and saved against the stand-in service; nothing leaves this machine."""

import json
from pathlib import Path

import pytest
import tiny

from critical.core.spec import SpecError
from experiments import wandb_report
from experiments.output.records import REFERENCE, read_record

RESULTS = Path(__file__).resolve().parents[2] / "results"
FIGURE = "iclr2019/deficit_removal"
ASKED = [f"figure={FIGURE}", f"results={RESULTS}", "entity=someone"]


def call(monkeypatch, capsys, *arguments):
    return tiny.call(monkeypatch, capsys, wandb_report.main, *arguments)


@pytest.fixture
def reports(service, monkeypatch):
    """The stand-in service, which has a project and keeps the reports that are saved."""
    pytest.importorskip("wandb_workspaces")
    saved = []

    def upsert(given):
        saved.append(given)
        project = {"id": "p", "name": given["projectName"], "entityName": given["entityName"]}
        view = {"id": "v1", "type": "runs", "name": given["name"], "displayName": given["displayName"],
                "description": given["description"], "project": project, "spec": given["spec"],
                "updatedAt": "2026-01-01T00:00:00", "createdAt": "2026-01-01T00:00:00"}  # fmt: skip
        return {"upsertView": {"view": view, "inserted": True}}

    page = {"pageInfo": {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}}
    project = {"__typename": "Project", "id": "p", "name": "critical-periods", "entityName": "someone",
               "createdAt": "2026-01-01T00:00:00", "isBenchmark": False, "user": None}  # fmt: skip
    service.on_upsertview = upsert
    service.on_projectinternalid = lambda given: {"project": {"id": "p", "internalId": "p"}}
    service.on_getprojects = lambda given: {
        "models": {"__typename": "ProjectConnection", **page, "edges": [{"node": project}]}
    }
    # It asks once a process who is logged in where.
    monkeypatch.setattr("wandb_workspaces.reports.v2.interface._get_api", lambda: __import__("wandb").Api())
    return saved


@pytest.mark.slow
def test_a_report_has_the_figure_what_lies_behind_it_and_the_verdicts(reports, monkeypatch, capsys):
    status, lines, out = call(monkeypatch, capsys, *ASKED)
    assert status == 0, lines
    assert out.startswith("report: http")
    (saved,) = reports
    assert (saved["projectName"], saved["entityName"]) == ("critical-periods", "someone")
    blocks = json.loads(saved["spec"])["blocks"]
    figure, arms = [block["metadata"] for block in blocks if block["type"] == "panel-grid"]
    panels = [panel["config"] for panel in arms["panelBankSectionConfig"]["panels"]]
    assert [panel["metrics"] for panel in panels] == [["test_accuracy"], ["fisher_trace"], ["rate"]]
    assert {panel["xAxis"] for panel in panels} == {"epoch"}
    assert all("arm" in panel["groupBy"] for panel in panels)
    (picture,) = figure["panelBankSectionConfig"]["panels"]
    assert picture["config"]["mediaKeys"] == ["figure"]
    # Only the runs of this figure in this profile.
    assert all(f"{FIGURE} · quick" in json.dumps(grid["runSets"], ensure_ascii=False) for grid in (figure, arms))
    text = json.dumps(blocks, ensure_ascii=False)
    record = read_record(RESULTS, "quick", FIGURE, REFERENCE)
    assert record.verdicts
    assert all(verdict["short"] in text for verdict in record.verdicts)


def test_verdicts_are_a_table_of_markdown():
    record = read_record(RESULTS, "quick", FIGURE, REFERENCE)
    head, rule, *rows = wandb_report.verdict_table(record.verdicts).splitlines()
    assert head.count("|") == rule.count("|") == 5
    assert len(rows) == len(record.verdicts)
    assert rows[0].startswith(f"| {record.verdicts[0]['verdict']}, ")
    assert record.verdicts[0]["unit"] in rows[0]


class TestOneLine:
    @pytest.fixture(autouse=True)
    def nobody(self, monkeypatch, tmp_path):
        for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL"):
            monkeypatch.delenv(name, raising=False)
        for name in ("HOME", "WANDB_CONFIG_DIR"):
            monkeypatch.setenv(name, str(tmp_path))
        monkeypatch.setattr(wandb_report, "report_of", lambda *_: pytest.fail("a report was built"))

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ([], "figure=: there is no such figure"),
            (["figure=iclr2019/deficit_remova"], "did you mean 'iclr2019/deficit_removal'"),
            ([*ASKED, "profile=mine"], "none of profile=mine; make it first"),
            ([*ASKED, "projekt=x"], "projekt: there is no such setting"),
        ],
        ids=str,
    )
    def test_what_there_is_not(self, given, said, monkeypatch, capsys):
        status, lines, _ = call(monkeypatch, capsys, *given)
        assert (status, len(lines)) == (2, 1), lines
        assert said in lines[0]

    def test_no_package(self, monkeypatch, capsys):
        monkeypatch.setattr(wandb_report.importlib.util, "find_spec", lambda name: None)
        status, lines, _ = call(monkeypatch, capsys, *ASKED)
        assert (status, len(lines)) == (2, 1), lines
        assert "pip install -e '.[wandb-report]'" in lines[0]

    def test_no_account(self, monkeypatch, tmp_path):
        monkeypatch.setattr(wandb_report.importlib.util, "find_spec", lambda name: name)
        monkeypatch.setattr(wandb_report.Wandb, "why_not", lambda *_: "there is no key; log in with `wandb login`")
        with pytest.raises(SpecError, match="no report can be written: there is no key; log in with `wandb login`"):
            wandb_report.write(ASKED)
