"""What ends a command, and the command that is started again with other instructions."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
import torch

from critical.core import instructions, memory
from critical.core.arithmetic import WrongInstructions
from critical.core.files import WriteError
from critical.core.memory import LackOfMemory
from critical.core.spec import SpecError
from critical.execution.pool import RunError
from experiments import train
from experiments.design import command

ROOT = Path(__file__).resolve().parents[3]
needs_avx2 = pytest.mark.skipif(not instructions.possible(), reason="only x86-64 with AVX2 can be portable")


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (SpecError("seed=-1: no"), 2, "error: seed=-1: no"),
        (WrongInstructions("other ones"), 2, "error: other ones"),
        (RunError("a worker stopped"), 1, "error: a worker stopped"),
        (WriteError("x cannot be written"), 1, "error: x cannot be written"),
        (LackOfMemory("run x: too little"), 1, "error: run x: too little"),
        (MemoryError(), 1, f"error: {memory.said('this command')}"),
        (RuntimeError("CPU: can't allocate memory"), 1, f"error: {memory.said('this command')}"),
        (OSError(errno.EMFILE, "Too many", "x"), 1, "error: x: Too many; allow more open files (ulimit -n 4096)"),
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
    with pytest.raises(FileNotFoundError):
        command.in_one_line(lambda: Path("nowhere").read_text())()
    with pytest.raises(RuntimeError):
        command.in_one_line(lambda: torch.ones(2) @ torch.ones(3))()


def test_a_test_is_not_started_again(monkeypatch):
    monkeypatch.delenv(instructions.SWITCH, raising=False)
    assert not command._may_start_again()
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", type("Spec", (), {"name": "experiments.train"}))
    assert command._may_start_again()
    monkeypatch.setenv(instructions.SWITCH, "native")
    assert not command._may_start_again(), "once is enough"


@needs_avx2
def test_a_run_that_wants_other_ones_starts_again(monkeypatch, capsys, tmp_path):
    other = "portable" if instructions.chosen() == "native" else "native"
    monkeypatch.setattr(command, "_may_start_again", lambda: True)
    monkeypatch.setattr(command, "_start_again", lambda: sys.exit(77))
    given = [*tiny.MLP, "epochs=1", f"results={tmp_path}/r", f"arithmetic.instructions={other}"]
    status, lines, _ = tiny.call(monkeypatch, capsys, train.command, *given)
    assert (status, lines) == (77, [])
    assert not (tmp_path / "r").exists(), "nothing is trained before"


@needs_avx2
@pytest.mark.slow
def test_native_ones_are_a_setting_like_any_other(tmp_path):
    """The process begins as a portable one and is replaced; workers inherit what the new one has."""
    own = {name: value for name, value in os.environ.items() if name != instructions.SWITCH}
    given = [*tiny.MLP, "epochs=1,2", f"results={tmp_path}/r", "arithmetic.instructions=native", "jobs=1"]
    entry = [sys.executable, "-m", "experiments.sweep"]
    done = subprocess.run([*entry, *given], cwd=ROOT, capture_output=True, text=True, env=own)
    assert done.returncode == 0, done.stderr
    paths = list((tmp_path / "r" / "runs" / "runs").glob("*/run.json"))
    assert len(paths) == 2
    for path in paths:
        held = json.loads(path.read_text())
        assert held["arithmetic"]["instructions"] == held["environment"]["instructions"] == "native"
