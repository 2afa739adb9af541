"""Where a result comes from: versions, machine, commit. It stands in records, never in identities."""

from __future__ import annotations

import functools
import json
import platform
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from critical.core import instructions
from critical.core.cores import cores

PACKAGES = ("torch", "torchvision", "numpy", "pandas", "matplotlib", "hydra-core")
CPUINFO = Path("/proc/cpuinfo")
FLAGS = ("avx2", "fma", "avx512f")
"""What processors differ by in the kernels that are chosen for them."""


@functools.cache
def processor() -> dict[str, Any]:
    """Returns what tells processors apart.

    Returns:
        `name` as its maker writes it, `family`, `model` and `stepping` (numbers; left out where the system does not
        say), and which of `FLAGS` it has.
    """
    first = CPUINFO.read_text().split("\n\n", 1)[0] if CPUINFO.exists() else ""
    said = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
    numbers = {"family": "cpu family", "model": "model", "stepping": "stepping"}
    flags = said.get("flags", "").split()
    return {
        "name": said.get("model name") or platform.processor() or platform.machine(),
        **{name: int(said[key]) for name, key in numbers.items() if said.get(key, "").isdigit()},
        "flags": [flag for flag in FLAGS if flag in flags],
    }


@functools.cache
def machine() -> str:
    """Names the machine as a reader wants it: processor, cores, system, GPU; no host name.

    Makers sell several processors under one name ("AMD EPYC"), so family, model and stepping stand behind it, and the
    widest vectors where they are known: "AMD EPYC (25/1/1, AVX2), 2 cores, Linux".
    """
    held = processor()
    told = "/".join(str(held[key]) for key in ("family", "model", "stepping") if key in held)
    widest = "AVX-512" if "avx512f" in held["flags"] else "AVX2" if "avx2" in held["flags"] else ""
    details = ", ".join(part for part in (told, widest) if part)
    name = f"{held['name']} ({details})" if details else held["name"]
    text = f"{name}, {cores()} cores, {platform.system()}"
    return f"{text}, {torch.cuda.get_device_name()}" if torch.cuda.is_available() else text


@functools.cache
def commit() -> str:
    """Returns the commit of the checkout, with `+` when it was changed; `unknown` outside git."""
    folder = Path(__file__).resolve().parents[2]

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        code = ("critical", "experiments", "conf")
        changed = git("status", "--porcelain", "--", *code)
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


@functools.cache
def versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        found[package] = metadata.version(package)
    return found


def command() -> str:
    """Returns the command line that started this process, without the path of its Python."""
    return shlex.join(["python", *sys.orig_argv[1:]])


def describe() -> dict[str, Any]:
    """Returns machine, processor, cores, kind of instructions in use, versions and commit for a record."""
    return {
        "machine": machine(),
        "processor": processor(),
        "cores": cores(),
        "instructions": instructions.in_use(),
        "versions": versions(),
        "commit": commit(),
    }


def merged(descriptions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Says who made a set of epochs.

    Args:
        descriptions: What `describe` gave for each epoch; older ones may lack something, or all.

    Returns:
        `commit`, `machine`, `versions` and the number of `epochs` of each maker, those of most first. What is not
        known is `unknown`, or no versions.
    """
    plain = ({"commit": "unknown", "machine": "unknown", "versions": {}} | dict(one) for one in descriptions)
    counted = Counter(
        json.dumps({key: one[key] for key in ("commit", "machine", "versions")}, sort_keys=True) for one in plain
    )
    makers = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return [{**json.loads(text), "epochs": count} for text, count in makers]


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Returns whether two descriptions are of one maker: commit, machine and versions, as `merged` tells them apart."""
    first, second = (merged([held])[0] for held in (one, other))
    return first == second
