"""Records made anew from the committed tables: `python -m experiments.output.remake [NAME …] [key=value …]`.

For when claims, words or the record itself have changed. Nothing is trained and no table is written; who made the runs,
when and at what price stays as it was. The device is not needed, nor are the data where the record says what is known
of them. Of a record of an earlier version that says less, give what it lacks:

    python -m experiments.output.remake laptop_cuda profile=laptop device=cuda data=folder classes=10
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from critical.core.spec import SpecError, closest
from critical.data.images import DataError
from experiments.design.command import in_one_line
from experiments.design.facts import DataFacts
from experiments.output import tables
from experiments.output.composing import Composed, composed
from experiments.output.explained import command_of
from experiments.output.naming import changes
from experiments.output.pipeline import planned_seeds
from experiments.output.record_checks import check_fields
from experiments.output.recording import recorded
from experiments.output.records import REFERENCE, FigureRecord, names, write_record
from experiments.output.samples import samples_or

KEPT = ("seeds", "data", "table", "made_by", "wall_seconds", "created")
"""Fields of a record that stay as they were."""


def remake(
    results: Path, name: str, figure: str, given: Sequence[str] = (), classes: int | None = None
) -> FigureRecord:
    """Makes the record of a committed figure anew.

    Args:
        results: The folder of results.
        name: The name of the committed results.
        figure: The figure.
        given: `profile=…` and settings, for what the record does not say; where data lie, for new sample images.
        classes: Number of classes, likewise.

    Raises:
        SpecError: The settings lead to other arms than those of the table.
    """
    path = results / REFERENCE / name / f"{figure}.json"
    before = _before(path)
    profile = before.get("profile") or next((text[8:] for text in given if text.startswith("profile=")), name)
    given = [text for text in given if not text.startswith("profile=")]
    places = [text for text in given if not (text.startswith("device=") or changes([text]))]
    settings = before.get("settings") or _complete([text for text in given if text not in places])
    known = DataFacts(**before["data_facts"]) if "data_facts" in before else DataFacts(before["data"], classes or 10)
    made = composed(figure, profile, settings, known, places)
    if "data_facts" not in before and classes is None:
        made = composed(figure, profile, settings, _facts(made, known), places)
    collected = tables.read_shown(results / REFERENCE / name, figure, before["seeds"])
    _refuse_other_arms(made, set(collected.runs["arm_id"]), path)
    record = recorded(
        made.figure, made.design, made.protocol, collected, planned_seeds(made.design, made.protocol),
        profile=profile,
        settings=settings,
        command=command_of(figure, profile, settings, "" if name == profile else name),
        table=before["table"],
        made_by=before["made_by"],
        wall_seconds=before["wall_seconds"],
        created=before["created"],
        samples=samples_or(lambda: before.get("samples", ()), made.design, made.protocol),
    )  # fmt: skip
    write_record(record, results, name, REFERENCE)
    return record


def _before(path: Path) -> dict[str, Any]:
    """Reads a record, whichever version wrote it.

    Raises:
        SpecError: It is none, or lacks what tables cannot tell.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it holds no mapping")
        if missing := [name for name in KEPT if name not in content]:
            raise ValueError(f"it lacks {', '.join(missing)}")
        if any("cpu_seconds" not in who for who in content["made_by"]):
            raise ValueError("made_by: it lacks cpu_seconds")
        check_fields({name: value for name, value in content.items() if name != "verdicts"})
    except OSError as error:
        raise SpecError(f"{path} cannot be read ({error.strerror or error}); mend its rights, or remove it") from error
    except (ValueError, TypeError) as error:
        raise SpecError(f"{path} is no record of a figure ({error}); take it from git again") from error
    return content


def _complete(given: Sequence[str]) -> list[str]:
    """Adds the device and its instructions, where they were not given: committed tables are those of a CPU."""
    keys = {text.partition("=")[0]: text.partition("=")[2] for text in given}
    device = keys.get("device", "cpu")
    found = {"device": device, "arithmetic.instructions": "portable" if device == "cpu" else "native"}
    return [*given, *(f"{key}={value}" for key, value in found.items() if key not in keys)]


def _facts(made: Composed, known: DataFacts) -> DataFacts:
    try:
        return DataFacts.of(made.protocol.parts.data)
    except DataError:
        return known


def _refuse_other_arms(made: Composed, there: set[str], path: Path) -> None:
    arms = {arm.id: arm for arm in made.design.trained}
    if lacking := [arm for key, arm in arms.items() if key not in there]:
        raise SpecError(f"{path}: its table has no arm ({lacking[0]}) as these settings make it; give the settings it "
                        "was made with, such as device=cuda data=folder data.fingerprint=…")  # fmt: skip


def _classes(given: Sequence[str]) -> int | None:
    if given and not (given[-1].isdecimal() and int(given[-1]) > 1):
        raise SpecError(f"classes={given[-1]}: a whole number from 2 on")
    return int(given[-1]) if given else None


@in_one_line
def main(arguments: Sequence[str] | None = None) -> None:
    """Makes records anew and names them."""
    parser = argparse.ArgumentParser(prog="python -m experiments.output.remake",
                                     description="Makes committed records anew from their tables.")  # fmt: skip
    parser.add_argument("words", nargs="*", metavar="NAME or key=value",
                        help="committed results (default: all); settings that old records lack")  # fmt: skip
    parser.add_argument("--results", type=Path, default=Path("results"), help="the folder of results")
    options = parser.parse_args(arguments)
    given = [word for word in options.words if "=" in word]
    settings = [word for word in given if not word.startswith("classes=")]
    classes = _classes([word[8:] for word in given if word.startswith("classes=")])
    known = names(options.results, REFERENCE)
    for name in [word for word in options.words if "=" not in word] or known:
        if name not in known:
            raise SpecError(f"remake: there are no committed results '{name}'; {closest(name, known)}")
        folder = options.results / REFERENCE / name
        for path in sorted(folder.rglob("*.json")):
            figure = path.relative_to(folder).with_suffix("").as_posix()
            remake(options.results, name, figure, settings, classes)
            print(path)


if __name__ == "__main__":
    main()
