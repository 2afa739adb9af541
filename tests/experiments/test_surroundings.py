"""Folders of results that cannot be written, and a disk that fills up: one line, and nothing is lost."""

import errno
import os
from pathlib import Path

import pytest
import tiny
from helpers import assert_as_from_scratch

from critical.execution.store import RunStore
from critical.training.loop import Trainer
from experiments import sweep, train

RUN = (*tiny.MLP, "epochs=3")
COMMANDS = {
    "train": (train.main, RUN),
    "sweep": (sweep.main, ("-m", *RUN, "seed=0,1", "jobs=1")),
    "figures": (tiny.figures_main, ("profile=smoke", "figure=iclr2019/deficit_removal", "device=cpu", "jobs=1")),
}


def file_itself(results):
    results.write_text("")
    return f"{results} is a file, and a folder belongs there; move it away, or choose another folder"


def file_below(results):
    (results / "runs").mkdir(parents=True)
    return file_itself(results / "runs" / "records")


def dangling(results):
    results.symlink_to("gone")
    return f"{results} is a link to gone, which is not there; make that folder, or remove the link"


@pytest.mark.parametrize(("name", "spoil"), [("train", file_below), ("sweep", file_itself), ("figures", dangling)])
def test_what_cannot_be_a_folder_of_results_is_refused_before_training(name, spoil, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(Trainer, "train_epoch", lambda *_: pytest.fail("something was trained"))
    entry, given = COMMANDS[name]
    said = spoil(tmp_path / "r")
    assert tiny.call(monkeypatch, capsys, entry, *given, f"results={tmp_path}/r") == (1, [f"error: {said}"], "")


@pytest.mark.parametrize(("name", "place"), [("sweep", "tables/sweeps"), ("figures", "report/smoke/figures")])
def test_a_file_in_the_place_of_a_table_or_picture_is_refused_too(name, place, monkeypatch, capsys, tmp_path):
    (tmp_path / place).parent.mkdir(parents=True)
    said = file_itself(tmp_path / place)
    entry, given = COMMANDS[name]
    assert tiny.call(monkeypatch, capsys, entry, *given, f"results={tmp_path}") == (1, [f"error: {said}"], "")


@pytest.mark.parametrize(("number", "where"), [(errno.ENOSPC, "states"), (errno.EIO, "runs/runs")])
def test_a_disk_that_fails_midway_loses_nothing(number, where, monkeypatch, capsys, tmp_path):
    """While a checkpoint is written, or the record of a finished run."""
    write = Path.write_bytes

    def failing(path, content):
        if where in str(path):
            raise OSError(number, os.strerror(number))
        return write(path, content)

    given = (*RUN, "deficit=blur", "deficit.factor=2", "deficit.size=null", "deficit.end=1")
    spec = train.run_spec(tiny.composed("train", *given))
    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", failing)
        status, lines, _ = tiny.call(full, capsys, train.main, *given, f"results={tmp_path}/r")
    assert status == 1
    assert len(lines) == 1
    assert lines[0].startswith(f"error: {tmp_path}/r/runs/")
    assert f" cannot be written: {os.strerror(number)}; " in lines[0]
    assert tiny.call(monkeypatch, capsys, train.main, *given, f"results={tmp_path}/r")[0] == 0
    assert_as_from_scratch(RunStore(tmp_path / "r" / "runs"), spec)
