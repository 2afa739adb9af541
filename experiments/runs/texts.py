"""What the commands print: tables by rich, or CSV; curves as a line of blocks."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from critical.core.files import write_atomically
from critical.execution.catalogue import FAILED, FINISHED
from critical.execution.verification import Verification
from critical.results import Results
from experiments.runs.filters import places
from experiments.runs.printing import counted, csv, show

BLOCKS, LONGEST = "▁▂▃▄▅▆▇█", 60
CURVES = {"accuracy": ("test_accuracy", "%"), "loss": ("test_loss", "nats"), "trace": ("fisher_trace", "")}
SETTINGS = ("data", "model", "optimizer", "augmentation", "schedule", "stabilizers", "probes", "arithmetic", "seed")


def listed(results: Results, asked: Any) -> None:
    """Prints the table of runs."""
    runs: pd.DataFrame = asked.table
    if asked.csv:
        csv(runs)
        return
    size = _short(results.ids())
    names = ("run", "state", "data", "model", "deficit", "rate at onset", "stabilizer", "seed", "epochs", "accuracy",
             "date", "figure")  # fmt: skip
    rows = [_cells(row.to_dict(), size) for _, row in runs.iterrows()]
    columns = {name: [row[name] for row in rows] for name in names}
    if not (runs["stabilizer"] != "none").any():
        del columns["stabilizer"]
    if runs["rate_at_onset"].nunique() < 2:
        del columns["rate at onset"]
    numbers, spare = ("rate at onset", "seed", "epochs", "accuracy"), ("date", "model", "data", "figure")
    left_out = show(columns, numbers, spare) if rows else []
    states = ", ".join(f"{number} {state}" for state, number in runs["state"].value_counts().items())
    said = f"; too wide for here: {', '.join(left_out)} (--csv has all)" if left_out else ""
    print(counted(len(runs), "runs") + (f": {states}" if states else "") + said)


def _cells(row: Mapping[Any, Any], size: int) -> dict[str, str]:
    """Returns a row of `listed`."""
    first, *more = row["figures"].split(";")
    done = row["state"] in (FINISHED, FAILED)
    return {
        **{name: row[name] for name in ("state", "data", "model", "stabilizer")},
        "run": row["run_id"][:size],
        "deficit": acting(row),
        "rate at onset": "" if pd.isna(row["rate_at_onset"]) else f"{row['rate_at_onset']:.3g}",
        "seed": str(row["seed"]),
        "epochs": str(row["epochs"]) if done else f"{row['trained']}/{row['epochs']}",
        "accuracy": "" if pd.isna(row["accuracy"]) else f"{row['accuracy']:.2f} %",
        "date": row["date"][:16].replace("T", " "),
        "figure": first + (f" and {len(more)} more" if more else ""),
    }


def acting(row: Mapping[Any, Any]) -> str:
    """Says which deficit acted and when: `blur [0, 10)`, `blur of view b [0, 10)`."""
    nothing = row["deficit"] == "none" and not row["removal"]
    view = f" of view {row['view']}" if row["view"] else ""
    return "none" if nothing else f"{row['deficit']}{view} [{row['onset']}, {row['removal']})"


def _short(ids: Sequence[str] | pd.Series) -> int:
    """Returns how many digits of the ids tell them apart, at least eight."""
    return next(size for size in range(8, 17) if size == 16 or len({one[:size] for one in ids}) == len(ids))


def shown(results: Results, asked: Any) -> None:
    """Prints the settings of a run and its curves."""
    run = results.find(asked.run)
    epochs, record = results.epochs(run), results.record(run)
    if asked.csv:
        csv(epochs)
        return
    row = results.row(run)
    print(f"run {run}: {row['state']}, {row['trained']} of {row['epochs']} epochs"
          + (f", written {row['date']}" if row["date"] else ""))  # fmt: skip
    if row["failure"]:
        print(f"  failure     {row['failure']}")
    for name in ("command", "forked_from"):
        if held := record.get(name):
            print(f"  {name.replace('_', ' '):11} {held if name == 'command' else _fork(held)}")
    for maker in record.get("made_by", []):
        versions = ", ".join(f"{name} {version}" for name, version in maker["versions"].items())
        print(f"  made by     commit {maker['commit']}, {maker['epochs']} epochs, {maker['machine']} ({versions})")
    if tables := places(results.folder).get(run):
        print(f"  in tables   {', '.join(tables)}")
    print("\nsettings")
    for window in record["timeline"]["windows"]:
        print(f"  {'deficit':13} [{window['start']}, {window['end']}) {_words(window['deficit'])}")
    for name in SETTINGS:
        held = record.get(name)
        for one in held if isinstance(held, list) else [held]:
            print(f"  {name:13} {_words(one).removeprefix(f'{name}: ')}")
    print("\n" + "\n".join(curves(epochs, record)))


def _fork(held: Mapping[str, Any]) -> str:
    return f"the state after {held['epoch']} epochs, {held['key']}, may be shared"


def _words(held: Any) -> str:
    """Returns settings as a line: `blur: size=8`."""
    if not isinstance(held, dict):
        return str(held)
    if "stabilizer" in held:
        end = "end" if held["end"] is None else held["end"]
        return f"[{held['start']}, {end}) {_words(held['stabilizer'])}"
    rest = ", ".join(f"{key}={json.dumps(value)}" for key, value in held.items() if key != "name")
    return f"{held.get('name', '')}: {rest}".strip(": ") if rest else str(held.get("name", ""))


def curves(epochs: pd.DataFrame, record: Mapping[str, Any]) -> list[str]:
    """Returns the curves of a run as lines of blocks, and a line that marks the windows of its deficits.

    Args:
        epochs: A row an epoch.
        record: The record of the run.
    """
    end = len(epochs)
    if not end:
        return ["curves: no epoch is trained yet"]
    size = math.ceil(end / LONGEST)
    lines = [f"curves, epochs 1 to {end}" + (f", {size} a sign" if size > 1 else "")]
    for name, (column, unit) in CURVES.items():
        known = epochs[column].dropna() if column in epochs else pd.Series(dtype=float)
        if known.empty:
            continue
        bins = epochs[column].groupby(epochs.index // size).mean()
        ends = f"{known.iloc[0]:.4g} → {known.iloc[-1]:.4g} {unit}".rstrip()
        lines.append(f"  {name:10} {blocks(bins)}  {ends}")
    for window in record["timeline"]["windows"]:
        marks = "".join(
            "█" if any(window["start"] <= epoch < window["end"] for epoch in range(first, first + size)) else "·"
            for first in range(0, end, size)
        )
        lines.append(f"  {'window':10} {marks}  {window['deficit']['name']} [{window['start']}, {window['end']})")
    return lines


def blocks(values: pd.Series) -> str:
    """Returns numbers as blocks of eight heights, from the least to the most; a space where there is none."""
    finite = values[values.abs() < math.inf]
    low, high = finite.min(), finite.max()
    steps = (len(BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(BLOCKS[round((value - low) * steps)] if math.isfinite(value) else " " for value in values)


def compared(results: Results, asked: Any) -> None:
    """Prints what differs between two runs: settings, results, makers, and how far they are one."""
    ids = [results.find(asked.run), results.find(asked.other)]
    first, second = (differing(results, run) for run in ids)
    keys = dict.fromkeys([*first, *second])
    rows = [(key, first.get(key), second.get(key)) for key in keys if first.get(key) != second.get(key)]
    if asked.csv:
        csv(pd.DataFrame(rows, columns=["what", *ids]))
        return
    if ids[0] == ids[1]:
        print(f"{ids[0]} is one and the same run")
        return
    short = [run[: _short(ids)] for run in ids]
    told = [[key, *_told(*values)] for key, *values in rows]
    show(dict(zip(("", *short), zip(*told, strict=True), strict=True)))
    past = common_past(*(results.record(run)["keys"] for run in ids))
    if past is None:
        print("no past in common: data, network, optimiser, formats or seed differ")
    else:
        print(f"epochs in common, trained once: {past}" if past else "begun alike, and other from the first epoch on")


def _told(first: Any, second: Any) -> list[str]:
    """Returns two values that differ as words that do; numbers with six digits where these are enough."""
    short, whole = (
        ["–" if value is None else f"{value:{form}}" if isinstance(value, float) else str(value)
         for value in (first, second)]
        for form in (".6g", "")
    )  # fmt: skip
    return whole if short[0] == short[1] else short


def common_past(first: Sequence[str], second: Sequence[str]) -> int | None:
    """Returns how many epochs two runs have in common by their keys; None where not even the beginning is."""
    same = [one == other for one, other in zip(first, second, strict=False)]
    return next((epoch for epoch, equal in enumerate(same) if not equal), len(same)) - 1 if same[0] else None


def differing(results: Results, run: str) -> dict[str, Any]:
    """Returns all that may differ between runs, flat: settings, results, who made them."""
    record = results.record(run)
    row = results.row(run)
    found: dict[str, Any] = {}
    for name in (*SETTINGS, "timeline"):
        _flatten(name, record.get(name), found)
    for name in ("state", "accuracy", "loss", "failure"):
        value = row[name]
        found[name] = None if value == "" or pd.isna(value) else value
    for number, maker in enumerate(record.get("made_by", [])):
        _flatten(f"made_by.{number}" if number else "made_by", {**maker}, found)
    return found


def _flatten(name: str, held: Any, found: dict[str, Any]) -> None:
    parts = held.items() if isinstance(held, dict) else enumerate(held) if isinstance(held, list) else None
    if parts is None:
        found[name] = held
        return
    for key, value in parts:
        _flatten(f"{name}.{key}", value, found)


def exported(results: Results, asked: Any) -> None:
    """Writes all that is known of runs as CSV: a row a run, or a row an epoch."""
    table: pd.DataFrame = asked.table
    if asked.epochs:
        parts = [results.epochs(run).assign(run_id=run) for run in table["run_id"]]
        table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["run_id", "epoch"])
        table = table[["run_id", *(name for name in table if name != "run_id")]]
    if asked.to is None:
        csv(table)
        return
    write_atomically(Path(asked.to), table.to_csv(index=False).encode())
    print(f"{len(table)} rows: {asked.to}")


def verified(found: Verification) -> str:
    """Sums up a verification in a line."""
    said = ", ".join(counted(number, kind) for kind, number in found.checked.items()) or "nothing is there"
    old = ", ".join(counted(number, kind) for kind, number in found.unverifiable.items() if number)
    said += f"; no checksum, since of an earlier version: {old}" if old else ""
    if found.damaged:
        return (f"{len(found.damaged)} damaged ({said}); remove damaged files in runs/, the other ones are made again "
                "where they are needed")  # fmt: skip
    return f"nothing is damaged: {said}"
