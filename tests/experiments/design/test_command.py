"""What ends a command, and the command that is started again with other instructions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from critical.core import instructions
from critical.core.arithmetic import WrongInstructions
from critical.core.spec import SpecError
from critical.execution.pool import RunError
from experiments.design import command

ROOT = Path(__file__).resolve().parents[3]
needs_avx2 = pytest.mark.skipif(not instructions.possible(), reason="only x86-64 with AVX2 can be portable")


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (SpecError("seed=-1: no"), 2, "error: seed=-1: no"),
        (WrongInstructions("other ones"), 2, "error: other ones"),
        (RunError("a worker stopped"), 1, "error: a worker stopped"),
        (KeyboardInterrupt(), 1, command.STOPPED),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, BaseException) else "",
)
def test_what_a_person_can_mend_is_one_line(monkeypatch, capsys, error, status, line):
    @command.in_one_line
    def entry():
        raise error

    assert tiny.call(monkeypatch, capsys, entry) == (status, [line], "")


def test_a_status_is_passed_on_and_a_bug_is_not_hidden(monkeypatch, capsys):
    assert tiny.call(monkeypatch, capsys, command.in_one_line(lambda: 3))[0] == 3
    assert tiny.call(monkeypatch, capsys, command.in_one_line(lambda: None))[0] == 0
    with pytest.raises(ZeroDivisionError):
        command.in_one_line(lambda: 1 / 0)()


def test_a_test_is_not_started_again(monkeypatch):
    monkeypatch.delenv(instructions.SWITCH, raising=False)
    assert not command._may_start_again()
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", type("Spec", (), {"name": "experiments.train"}))
    assert command._may_start_again()
    monkeypatch.setenv(instructions.SWITCH, "native")
    assert not command._may_start_again(), "once is enough"


@needs_avx2
@pytest.mark.slow
@pytest.mark.parametrize("entry", ["experiments.train", "experiments.sweep"])
def test_native_ones_are_a_setting_like_any_other(entry, tmp_path):
    """The process begins as a portable one and is replaced; workers inherit what the new one has."""
    own = {name: value for name, value in os.environ.items() if name != instructions.SWITCH}
    given = [*tiny.MLP, "epochs=1", f"results={tmp_path}/r", "arithmetic.instructions=native"]
    if entry == "experiments.sweep":
        given += ["jobs=1"]
    done = subprocess.run([sys.executable, "-m", entry, *given], cwd=ROOT, capture_output=True, text=True, env=own)
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "r" / "runs" / "runs").glob("*/run.json")
    held = json.loads(path.read_text())
    assert held["arithmetic"]["instructions"] == held["environment"]["instructions"] == "native"
