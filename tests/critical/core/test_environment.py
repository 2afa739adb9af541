import json
import platform
import subprocess

import pytest
import torch

from critical.core import environment, instructions


@pytest.fixture(autouse=True)
def no_memory():
    """Each of them looks once a process; here every test is to look."""
    cached = (environment.machine, environment.processor, environment.commit, environment.versions)
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
    assert set(found) == {"machine", "processor", "cores", "instructions", "versions", "commit"}
    assert found["instructions"] == instructions.in_use()
    assert found["cores"] == environment.cores()


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


CPU = """processor\t: {0}
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: {1}
model name\t: AMD EPYC
stepping\t: 1
flags\t\t: fpu sse2 fma avx2 {2}
"""


@pytest.mark.parametrize(
    ("model", "flags", "text", "known"),
    [
        (1, "", "AMD EPYC (25/1/1, AVX2), ", ["avx2", "fma"]),
        (17, "avx512f", "AMD EPYC (25/17/1, AVX-512), ", ["avx2", "fma", "avx512f"]),
    ],
)
def test_processors_of_one_name_are_told_apart(monkeypatch, tmp_path, model, flags, text, known):
    monkeypatch.setattr(environment, "CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text("\n".join(CPU.format(core, model, flags) for core in (0, 1)))
    assert environment.processor() == {"name": "AMD EPYC", "family": 25, "model": model, "stepping": 1, "flags": known}
    assert environment.machine().startswith(text)


@pytest.mark.parametrize("text", [None, "Processor\t: ARMv8\n"], ids=["no file", "other keys"])
def test_a_processor_that_the_system_does_not_describe_has_a_name(monkeypatch, tmp_path, text):
    monkeypatch.setattr(environment, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "processor", lambda: "arm")
    if text:
        (tmp_path / "cpuinfo").write_text(text)
    assert environment.processor() == {"name": "arm", "flags": []}
    assert environment.machine().startswith(f"arm, {environment.cores()} cores")


def test_who_made_a_set_of_epochs():
    here = {"commit": "a", "machine": "one", "versions": {"torch": "2", "python": "3"}, "cores": 2}
    again = {"machine": "one", "versions": {"python": "3", "torch": "2"}, "commit": "a", "cores": 1}
    newer, nothing = {**here, "commit": "b"}, {}
    assert environment.merged([newer, here, nothing, again]) == [
        {"commit": "a", "machine": "one", "versions": here["versions"], "epochs": 2},
        {"commit": "b", "machine": "one", "versions": here["versions"], "epochs": 1},
        {"commit": "unknown", "machine": "unknown", "versions": {}, "epochs": 1},
    ]
    assert environment.merged([]) == []


def test_a_maker_is_commit_machine_and_versions():
    here = {"commit": "a", "machine": "one", "versions": {"torch": "2"}, "cores": 2}
    assert environment.same(here, {**here, "cores": 1, "seeds": [3]})
    for other in ({"commit": "a+"}, {"machine": "two"}, {"versions": {"torch": "3"}}):
        assert not environment.same(here, here | other)
    assert environment.same({}, {"commit": "unknown", "machine": "unknown", "versions": {}})


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
