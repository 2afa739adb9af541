"""Cores that a process may use, with control groups that are made up."""

import os

import pytest

from critical.core import cores, environment
from critical.core.arithmetic import Arithmetic
from critical.execution.pool import default_jobs


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Writes the groups of this process and the files of their limits, on a machine of eight cores."""

    def write(groups, limits):
        (tmp_path / "groups").write_text(groups)
        for name, text in limits.items():
            path = tmp_path / "mounted" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    monkeypatch.setattr(cores, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(cores, "MOUNTED", tmp_path / "mounted")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    return write


SECOND, FIRST = "0::/a/b\n", "3:cpuset:/\n2:cpu,cpuacct:/a\n0::/\n"
QUOTA, PERIOD = "cpu.cfs_quota_us", "cpu.cfs_period_us"


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "1600000 100000\n"}, 8),
        (SECOND, {"a/b/cpu.max": "max 100000", "a/cpu.max": "300000 100000"}, 3),
        (SECOND, {"cpu.max": "400000 100000"}, 4),
        ("0::/../other\n", {"cpu.max": "400000 100000"}, 4),
        (FIRST, {f"cpu,cpuacct/a/{QUOTA}": "250000\n", f"cpu,cpuacct/a/{PERIOD}": "100000\n"}, 3),
        (FIRST, {f"cpu/{QUOTA}": "50000\n", f"cpu/{PERIOD}": "100000\n"}, 1),
        (FIRST, {f"cpu/a/{QUOTA}": "-1\n", f"cpu/a/{PERIOD}": "100000\n"}, 8),
        (FIRST, {f"cpuset/{QUOTA}": "50000\n", f"cpuset/{PERIOD}": "100000\n"}, 8),
        (FIRST, {"unified/cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "half\n"}, 8),
        ("0::/\n", {"cpu.max": "0 0\n"}, 8),
        ("nonsense\n", {}, 8),
    ],
)
def test_a_quota_binds(system, groups, limits, expected):
    system(groups, limits)
    assert cores.cores() == expected


def test_half_a_core_is_one_worker(system):
    system("0::/\n", {"cpu.max": "50000 100000\n"})
    assert default_jobs(Arithmetic()) == 1
    assert environment.describe()["cores"] == 1


def test_affinity_binds_within_a_quota(system, monkeypatch):
    system("0::/\n", {"cpu.max": "400000 100000\n"})
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {5}, raising=False)
    assert cores.cores() == 1


def test_where_there_are_neither_groups_nor_affinity(system, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert cores.cores() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores.cores() == 1
