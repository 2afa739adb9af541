"""The names of results: the profile, and what a person has changed of it: `quick+deficit=occlusion`.

Tables, pictures and pages lie under their name, so nothing that is run with other settings overwrites anything. The
setting `name=…` overrides it; a name that holds results of other settings is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from critical.core.spec import SpecError

NEUTRAL = ("profile", "name", "figure", "headline", "results", "data_root", "jobs", "dry", "reference", "logger")
"""Settings of a command that cannot change what a run finds: the first word of their key. All others count."""
PLACES = ("path", "root")
"""The last word of keys that say where data lie."""
DEFAULTS = {"device": ("cpu", "auto"), "seeds": ("null",)}
"""Values that a name does not mention."""
LONGEST = 120
"""Letters of a name: what folders and files below it are called has to fit too."""
_SAFE = r"A-Za-z0-9_.,=+@~\-"


def changes(given: Iterable[str], reference: bool = False) -> list[str]:
    """Returns the overrides that change results, sorted by their keys; of several of a key the last one.

    Args:
        given: Overrides as Hydra takes them: `deficit=occlusion`, `+a.b=1`, `~c`.
        reference: Whether committed tables are made: their seeds come in several sittings, and are no change.
    """
    held: dict[str, str] = {}
    for text in given:
        key, _, value = text.lstrip("+").partition("=")
        first, last = re.split(r"[.@/]", key.lstrip("~"))[0], key.rpartition(".")[2]
        if first in (*NEUTRAL, "hydra") or (last in PLACES and "data" in key):
            continue
        if value in DEFAULTS.get(key, ()) or (reference and key == "seeds"):
            held.pop(key, None)
        else:
            held[key] = text
    return [held[key] for key in sorted(held)]


def results_name(profile: str, overrides: Iterable[str]) -> str:
    """Returns the name of results: the profile, and what was changed of it.

    Args:
        profile: "quick", "laptop", …
        overrides: Those of the command line; what cannot change a result is left out.

    Returns:
        Letters, digits and `_.,=+@~-`, at most 120 of them. Where that loses anything, a hash keeps names apart.
    """
    exact = "+".join([profile, *(text.lstrip("+") for text in changes(overrides))])
    said = re.sub(r"\[([^\[\]]*)\]", lambda found: found[1].replace(" ", ""), exact)
    # A slash in a key stands between a group or a figure and its name: nothing else is called that.
    parts = [re.sub(r"^[^=]*", lambda found: found[0].replace("/", "-"), part) for part in said.split("+")]
    safe = re.sub(rf"[^{_SAFE}]+", "-", "+".join(parts))
    if safe == "+".join(parts) and len(safe) <= LONGEST:
        return safe
    return f"{safe[: LONGEST - 9].rstrip('-+=,')}~{hashlib.sha256(exact.encode()).hexdigest()[:8]}"


def checked(name: str, what: str = "name") -> str:
    """Returns a name of results, or refuses what cannot be one.

    Raises:
        SpecError: It holds something else than letters, digits and `_.,=+@~-`, begins with a dot, or is too long.
    """
    if len(name) > LONGEST:
        raise SpecError(f"{what}={name[:20]}…: {len(name)} letters; at most {LONGEST} are a name")
    if not re.fullmatch(rf"[A-Za-z0-9_][{_SAFE}]*", name):
        raise SpecError(f"{what}={name!r}: letters, digits and _.,=+@~- are expected")
    return name


def chosen(given: str | None, profile: str, overrides: Sequence[str], reference: bool, profiles: Iterable[str]) -> str:
    """Returns the name under which the results of a command go.

    Args:
        given: The setting `name`.
        profile: The profile.
        overrides: The command's.
        reference: Whether committed tables are made.
        profiles: The names of all profiles.

    Raises:
        SpecError: Committed tables of changed settings without a name, or a name that belongs to a profile.
    """
    changed = changes(overrides, reference)
    if given is not None:
        if given != profile and given in profiles:
            raise SpecError(f"name={given}: is a profile's own; choose another, e.g. name={profile}_{given}")
        if given == profile and changed:
            raise SpecError(f"name={given}: is the profile's own, and {changed[0]} differs from it; choose another")
        return checked(str(given))
    if reference and changed:
        short = re.sub(r"[^A-Za-z0-9]+", "_", changed[0].rpartition("=")[2]).strip("_") or "changed"
        raise SpecError(f"reference: {changed[0]} differs from profile {profile}, whose committed tables stay as they "
                        f"are; give these a name of their own, e.g. name={profile}_{short}")  # fmt: skip
    return profile if reference else results_name(profile, overrides)


def refuse_other(name: str, now: Iterable[str], before: Iterable[str]) -> None:
    """Refuses to write results over those of other settings.

    Args:
        name: The name of the results.
        now: The settings of the command, as its record will hold them, its profile among them.
        before: Those of what lies under the name. Which seeds were trained does not matter, and folders of data that
            the other has not used do not.

    Raises:
        SpecError: They differ.
    """
    new, old = (
        {text.partition("=")[0]: text for text in (one.lstrip("+") for one in held)} for held in (now, before)
    )
    for key in sorted({*new, *old} - {"seeds"}):
        unknown = key.endswith(".fingerprint") and not (key in new and key in old)
        if new.get(key) != old.get(key) and not unknown:
            other = f"with {old[key]}" if key in old else f"without {new[key]}"
            raise SpecError(f"name={name}: holds results {other}, and nothing is overwritten; choose another name=…")
