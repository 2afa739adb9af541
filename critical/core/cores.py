"""How many cores this process may use: those that the system lets it run on, within the quota of a container."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

GROUPS = Path("/proc/self/cgroup")
"""In which control groups this process is, a line each: `number:controllers:path`."""
MOUNTED = Path("/sys/fs/cgroup")
"""Where the limits of control groups are found."""


def cores() -> int:
    """Returns how many cores this process may use, at least 1; a quota of one and a half is filled by two processes."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([allowed, *(math.ceil(quota) for quota in _quotas())]))


def _quotas() -> Iterator[float]:
    """Yields the quotas that bind this process, in cores: of its control groups and of those that these lie in.

    Both versions of Linux' control groups can be there at once. Within a container the path may be that of the host,
    which is not seen there: then what lies at the root is the container's own.
    """
    try:
        lines = GROUPS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            places = [MOUNTED, MOUNTED / "unified"]
        elif "cpu" in controllers.split(","):
            places = [MOUNTED / controllers, MOUNTED / "cpu"]
        else:
            continue
        inside = Path(path.strip("/"))
        for folder in (place / part for place in places for part in (inside, *inside.parents)):
            yield from _read(folder)


def _read(folder: Path) -> Iterator[float]:
    """Yields the quota of a control group, if it has one: microseconds in a period of so many."""
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            quota, period = " ".join((folder / name).read_text(encoding="ascii") for name in names).split()
            # `max`, and -1 of the first version: none.
            if quota != "max" and int(quota) > 0 and int(period) > 0:
                yield int(quota) / int(period)
        except (OSError, ValueError):
            continue
