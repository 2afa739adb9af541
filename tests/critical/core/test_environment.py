import json
import os
import platform
import subprocess

import pytest
import torch

from critical.core import environment


@pytest.fixture(autouse=True)
def no_memory():
    """Each of them looks once a process; here every test is to look."""
    cached = (environment.machine, environment.commit, environment.versions)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


def answer(monkeypatch, answers):
    """Lets git answer: the first word of the command to its output, or an error."""

    def run(command, **_):
        found = answers[command[1]]
        if isinstance(found, Exception):
            raise found
        return subprocess.CompletedProcess(command, 0, found, "")

    monkeypatch.setattr(subprocess, "run", run)


def test_the_description_is_plain():
    found = json.loads(json.dumps(environment.describe()))
    assert set(found) == {"machine", "versions", "commit"}


def test_versions_are_those_installed():
    found = environment.versions()
    assert found["python"] == platform.python_version()
    # The installed package may name its build ("+cpu") where the metadata does not, or the other way.
    assert found["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert set(found) == {"python", *environment.PACKAGES}


def test_the_machine_has_cores_and_no_host_name(monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: "secret-host")
    text = environment.machine()
    assert f"{environment.cores()} cores" in text
    assert "secret-host" not in text
    assert "\n" not in text


def test_cores_are_those_this_process_may_use(monkeypatch):
    assert 1 <= environment.cores() <= os.cpu_count()
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 2, 5}, raising=False)
    assert environment.cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert environment.cores() == 6


class TestCommit:
    def test_of_a_clean_checkout(self, monkeypatch):
        answer(monkeypatch, {"status": "", "rev-parse": "0123456789ab\n"})
        assert environment.commit() == "0123456789ab"

    def test_of_a_changed_checkout(self, monkeypatch):
        answer(monkeypatch, {"status": " M critical/execution/plan.py\n", "rev-parse": "0123456789ab\n"})
        assert environment.commit() == "0123456789ab+"

    @pytest.mark.parametrize(
        "error", [FileNotFoundError("git"), subprocess.CalledProcessError(128, "git")], ids=["no git", "no checkout"]
    )
    def test_outside_git(self, monkeypatch, error):
        answer(monkeypatch, {"status": error, "rev-parse": error})
        assert environment.commit() == "unknown"
