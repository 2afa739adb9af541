"""Families of figures: where their settings stand, and how messages name them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence

from critical.core.spec import SpecError

VISION = "vision"
"""The family of figures whose settings stand at the top of a profile; others have a key of their own."""
FAMILIES = ("two_streams", "modalities", "transformer")
"""The keys under which the settings of other families than vision stand."""
OF_A_FAMILY = ("data", "model", "deficit", "optimizer", "augmentation", "probes")
"""The groups that each family has for itself."""


def setting(family: str, key: str) -> str:
    """Returns a setting as it is typed for a family: `two_streams.model.heads`, `model@two_streams.model`.

    Args:
        family: The family.
        key: Where it stands for vision: `model.heads`, or `model` for the choice of one.
    """
    if family == VISION:
        return key
    return f"{family}.{key}" if "." in key else f"{key}@{family}.{key}"


@contextlib.contextmanager
def named_for(family: str, groups: Sequence[str] = OF_A_FAMILY) -> Iterator[None]:
    """Names settings as they are typed for a family in the messages of what is refused inside.

    What builds data, networks and runs knows of no families, and says `model.heads=true`.

    Args:
        family: The family.
        groups: Whose settings are meant.
    """
    try:
        yield
    except SpecError as error:
        if family != VISION:
            names = "|".join([*groups, "stabilizers"])
            said = re.sub(
                rf"(?<![\w.@/~])((?:{names})(?:\.\w+)*)=", lambda found: f"{setting(family, found[1])}=", str(error)
            )
            # What has no value, or a name that does not exist, begins a message.
            said = re.sub(rf"^((?:{names})(?:\.\w+)*)(?=:)", rf"{family}.\1", said)
            error.args = (said,)
        raise
