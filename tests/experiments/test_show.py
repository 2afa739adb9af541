import shutil
import subprocess
import sys

import pytest
import tiny
from fabricated_report import make, verdict

from critical.data import base
from critical.inference.claims import OURS
from critical.training.loop import Trainer
from experiments import show
from experiments.design.config import CONF
from experiments.output.records import read_record
from experiments.output.report_text import tally

COMMITTED = CONF.parent / "results" / "reference" / "quick"
FIGURE = "iclr2019/sensitivity_window"


@pytest.fixture
def no_data(monkeypatch):
    monkeypatch.setattr(base, "_loaded", lambda *_: pytest.fail("data are loaded"))
    monkeypatch.setattr(Trainer, "train_epoch", lambda *_: pytest.fail("something is trained"))


@pytest.fixture
def results(tmp_path):
    """One of the committed figures."""
    for path in COMMITTED.glob(f"{FIGURE}.*"):
        target = tmp_path / "results" / "reference" / "quick" / path.relative_to(COMMITTED)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return tmp_path / "results"


def shown(monkeypatch, capsys, *arguments):
    return tiny.call(monkeypatch, capsys, show.main, *arguments)


def test_committed_results_are_drawn_and_told_without_data_and_training(monkeypatch, capsys, results, no_data):
    status, lines, out = shown(monkeypatch, capsys, f"results={results}")
    assert (status, lines) == (0, [])
    said = out.splitlines()
    record = read_record(results, "quick", FIGURE, "reference")
    leading = {held["claim_id"]: held for held in record.verdicts if held["claim_id"] in record.leading}
    assert {held["source"] == OURS for held in leading.values()} == {True, False}
    for line, claim in zip(said[1:], record.leading, strict=False):
        assert line.startswith(FIGURE)
        assert leading[claim]["short"] in line
        assert (show.CONTROL in line) == (leading[claim]["source"] == OURS)
    assert f"quick: {tally(record.verdicts)}" in said
    assert "drawing 1 picture for the pages, some seconds each" in said
    assert f"a control of this suite. All {len(record.verdicts)} claims: all=true (make show ALL=1)" in out
    assert said[-1] == f"all: {results}/report/index.html"
    folder = results / "report" / "quick"
    assert sorted(path.name for path in (folder / "figures" / "iclr2019").iterdir()) == [
        "sensitivity_window.dark.svg", "sensitivity_window.drawn", "sensitivity_window.svg"
    ]  # fmt: skip
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64") == sum(len(row["views"]) for row in record.samples) > 0
    # A reader finds the tables where they were, and nothing else was written.
    assert sorted(path.name for path in results.iterdir()) == ["reference", "report"]


def test_controls_are_told_where_they_are_asked_for(monkeypatch, capsys, results):
    monkeypatch.setattr(show.pictures, "draw_lacking", lambda orders: 0)
    _, _, out = shown(monkeypatch, capsys, f"results={results}", "all=true")
    record = read_record(results, "quick", FIGURE, "reference")
    assert all(held["short"] in out for held in record.verdicts)
    assert "all=true" not in out


def test_one_s_own_results_stand_beside(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(show.pictures, "draw_lacking", lambda orders: 0)
    make(tmp_path, FIGURE, where="reference", verdicts=[verdict("reproduced", 0, confirmed=True)])
    make(tmp_path, FIGURE, verdicts=[verdict("undecided", 0)])
    make(tmp_path, FIGURE, name="quick+deficit=noise", verdicts=[verdict("reversed", 0)])
    make(tmp_path, FIGURE, name="smoke", where="reference", verdicts=[verdict("reproduced", 0)])
    _, _, out = shown(monkeypatch, capsys, f"results={tmp_path}")
    assert out.splitlines()[0].split() == ["figure", "leading", "claim", "quick,", "here", "quick"]
    assert "claim number 0" in out
    assert "? −6.2 pt" in out
    assert "✓! −6.2 pt" in out
    assert "There is also smoke, quick+deficit=noise: profile=NAME shows it" in out
    _, _, out = shown(monkeypatch, capsys, f"results={tmp_path}", "profile=quick+deficit=noise")
    assert "✗ −6.2 pt" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["figure=all"], "figure: there is no such setting; known: all, profile, results"),
        (["quick"], "'quick' is no setting; write key=value, e.g. profile=quick"),
        (["all=yes"], "all=yes: true or false"),
        (["profile=quikc"], "profile=quikc: there are no results of it; did you mean 'quick'?"),
        (["results=nowhere"], "show: there are no results in nowhere; make figures makes some"),
    ],
)
def test_what_is_no_setting_is_refused_in_a_line(monkeypatch, capsys, results, arguments, said):
    given = arguments if "results=" in arguments[0] else [f"results={results}", *arguments]
    status, lines, _ = shown(monkeypatch, capsys, *given)
    assert (status, lines) == (2, [f"error: {said}"])


def test_help_is_a_page(monkeypatch, capsys):
    status, lines, out = shown(monkeypatch, capsys, "--help")
    assert (status, lines) == (0, [])
    assert out.startswith("What do the committed results say?")
    assert "python -m experiments.show profile=quick all=true" in out


@pytest.mark.parametrize("folder", ["tables", "figures", "report", "runs", "logs"])
def test_git_does_not_see_what_commands_write(folder):
    root = CONF.parent
    if shutil.which("git") is None or not (root / ".git").exists():
        pytest.skip("no repository here")
    for name in ("quick", "quick+deficit=occlusion", "quick+seeds=20,21"):
        path = f"results/{folder}/{name}/iclr2019/deficit_removal.json"
        assert subprocess.run(["git", "check-ignore", "-q", path], cwd=root, check=False).returncode == 0, path


def test_a_clone_shows_what_is_committed(tmp_path):
    """With a process of its own, as `make show` starts it, and nothing but what git holds."""
    root = CONF.parent
    if shutil.which("git") is None or not (root / ".git").exists():
        pytest.skip("no repository here")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(root), str(clone)], check=True)
    # One figure is enough: each takes seconds to draw.
    for path in list((clone / "results/reference").rglob("*.json")):
        if path != clone / f"results/reference/quick/{FIGURE}.json":
            path.unlink()
    before = subprocess.run(["git", "status", "--short"], cwd=clone, check=True, capture_output=True, text=True).stdout
    done = subprocess.run([sys.executable, "-m", "experiments.show"], cwd=clone, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (clone / "results/report/quick/index.html").is_file()
    after = subprocess.run(["git", "status", "--short"], cwd=clone, check=True, capture_output=True, text=True).stdout
    assert after == before
