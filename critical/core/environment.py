"""Where a result comes from: versions, machine, commit. It stands in records, never in identities."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("torch", "torchvision", "numpy", "pandas", "matplotlib", "hydra-core")


def cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def machine() -> str:
    """Names the machine as a reader wants it: processor, cores, GPU; no host name."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = models[0].split(":", 1)[1].strip() if models else name
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


def describe() -> dict[str, Any]:
    """Returns machine, versions and commit for a record."""
    return {"machine": machine(), "versions": versions(), "commit": commit()}
