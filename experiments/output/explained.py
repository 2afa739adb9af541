"""What a reader is told of results besides what was found: of which profile they are, and how to make them again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from experiments.output.naming import changes
from experiments.output.records import FigureRecord

PROFILES = {
    "smoke": "A few epochs, to test that everything runs. Nothing here says anything about a paper.",
    "quick": "Small networks on small embedded data, in minutes and with nothing to download. It shows how "
    "each experiment works; what it finds holds for this data and need not hold for the papers'.",
    "laptop": "Reduced photographs and networks, several seeds.",
    "laptop_fashion": "As laptop, on Fashion-MNIST.",
    "paper": "The papers' data and networks, and their hyper-parameters where they are known.",
}
"""What a reader should know about a profile, the small ones first."""
FOUND = ("device=cpu", "arithmetic.instructions=", "data.fingerprint=")
"""Settings that are found on a machine and change nothing that a reader has to know."""
GPU = "device=cuda"
PATHS = {"folder": "FOLDER", "arrays": "FILE", "folder_and_table": "FOLDER", "multi_feature": "FOLDER"}
"""What stands for the path of data of one's own, which no record has."""


def about(name: str, records: Sequence[FigureRecord]) -> str:
    """Says what results are: those of a profile, or of one with changes.

    Args:
        name: The name of the results.
        records: Theirs; may be empty.

    Returns:
        Text such as "Profile laptop, on a GPU: device=cuda, data=folder. Reduced photographs and networks, …", empty
        where nothing is known.
    """
    if name in PROFILES or not records:
        return PROFILES.get(name, "")
    profile = records[0].profile
    # What all figures have in common: one of them may have been made with a setting of its own.
    changed = [held for held in records[0].settings
               if not held.startswith(FOUND) and all(held in record.settings for record in records)]  # fmt: skip
    changed.sort(key=lambda held: held != GPU)
    said = f"Profile {profile}" + ", on a GPU" * (GPU in changed) + (f": {', '.join(changed)}" if changed else "")
    return f"{said}. {PROFILES.get(profile, '')}".rstrip()


def command_of(figure: str, profile: str, settings: Sequence[str], name: str = "") -> str:
    """Returns the command that makes a figure among one's own results, whoever made it first, as a person types it.

    Args:
        figure: The figure.
        profile: The profile.
        settings: Those of its record.
        name: Of the results; empty where it follows from the profile and the settings.
    """
    words = [f"figure={figure}", f"profile={profile}", *([f"name={name}"] if name else [])]
    words += [text for text in changes(settings) if not text.startswith("arithmetic.instructions=")]
    for text in tuple(words):
        key, _, kind = text.partition("=")
        group = key.rpartition("@")[2]  # data@two_streams.data is of two_streams.data
        if group.rpartition(".")[2] == "data" and kind in PATHS:
            words.append(f"{group}.path={PATHS[kind]}")
        elif group.endswith(".source") and kind in PATHS:
            words.append(f"{group.removesuffix('source')}path={PATHS[kind]}")
    return " ".join(["python", "-m", "experiments", *map(_typed, words)])


def _typed(word: str) -> str:
    """Quotes a word of a shell where that is needed; in double quotes where it has single ones."""
    return f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)


def recipe(command: str) -> str:
    """Returns the line that makes a figure again: of the Makefile, where figure and profile say all.

    Args:
        command: That of its record, "python -m experiments figure=… profile=… …".
    """
    head, _, rest = command.partition(" figure=")
    words = shlex.split(f"figure={rest}")
    if head == "python -m experiments" and [word.partition("=")[0] for word in words] == ["figure", "profile"]:
        figure, profile = (word.partition("=")[2] for word in words)
        return f"make figures FIGURE={figure} PROFILE={profile}"
    return f".venv/bin/{command}" if command.startswith("python ") else command
