"""Records, verdicts and small pictures made up for the tests of the report."""

import functools
import math
import shutil
import tempfile
from pathlib import Path

import pandas as pd

from critical.core.files import write_atomically
from critical.inference.claims import OURS
from critical.plots import marks
from critical.plots import style as plotting
from experiments.output.records import FigureRecord, write_record
from experiments.output.report import build_report
from experiments.output.words import VERDICTS

TRICKY = 'Blur <script>alert("x")</script> & "quotes" until t < 40'
LONG = "python -m experiments figure=iclr2019/deficit_removal profile=quick " + " ".join(
    f"deficit.removals.{number}=0.{number:040d}" for number in range(12)
)


def verdict(word, number=0, **changes):
    held = {
        "claim_id": f"claim-{number}",
        "source": "Achille et al. (2019), figure 1",
        "sentence": "The longer the blur lasts, the lower the final accuracy after the same recovery.",
        "direction": "less",
        "effect": -6.24,
        "low": -8.1,
        "high": -4.4,
        "p": 0.03125,
        "n": 6,
        "spread": 1.2,
        "smallest": 2.0,
        "unit": "points",
        "ratio": False,
        "verdict": word,
        "confirmed": False,
        "batches": [word],
        "reason": "6 seeds give it at α = 0.05.",
        "differs": "",
        "short": f"claim number {number}",
        "paper_effect": None,
        "lacking": [],
    }
    return {**held, **changes}


def who(**changes):
    versions = {"torch": "2.14.1", "critical": "0.1.0"}
    held = {"commit": "0123abcd", "machine": "2 cores", "versions": versions, "seeds": [0, 1, 2, 3, 4, 5]}
    return {**held, **changes}


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SAMPLE = {"label": "clean", "classes": ["A", "B"],
          "views": [{"name": "", "png": PIXEL, "width": 34, "height": 16}]}  # fmt: skip


def timeline(role, windows, end, removal=None):
    removal = windows[0][1] if windows else removal or 0
    held = {"label": f"{role} of {end} epochs", "role": role, "end": end, "windows": windows, "removal": removal}
    later = [[removal, 0.05, 0.8]] if 0 < removal < end else []
    return {**held, "stages": [[0, 0.05, 0.8], *later], "stabilizers": []}


def record(figure="iclr2019/deficit_removal", **changes):
    held = {
        "figure": figure,
        "title": "Accuracy against the epoch in which the blur is removed",
        "caption": "Test accuracy after the same recovery. Dots are seeds, lines means, bands 95 % limits.",
        "alt": "Accuracy falls from 90 to 78 percent with the deficit and rises without it.",
        "command": "python -m experiments figure=iclr2019/deficit_removal profile=quick",
        "data": "glyphs, 16×16, 4,000 training images",
        "schedule": "restart",
        "seeds": [0, 1, 2, 3, 4, 5],
        "made_by": [who()],
        "wall_seconds": 192.4,
        "runs": 42,
        "epochs_needed": 900,
        "epochs_separate": 2100,
        "table": f"tables/quick/{figure}.csv",
        "created": "2026-01-31",
        "deviations": ["Glyphs instead of CIFAR-10.", "A network of width 12."],
        "profile": "quick",
        "settings": ["device=cpu", "arithmetic.instructions=portable"],
        "data_facts": {"label": "glyphs, 16×16, 4,000 training images", "classes": 10},
        "timelines": [timeline("deficit", [[0, 10, "blur"]], 15), timeline("dose_matched", [], 15, 10),
                      timeline("fresh", [], 5)],
        "samples": [SAMPLE, {**SAMPLE, "label": "blur"}],
    }
    return FigureRecord(**{**held, **changes})


@functools.cache
def table():
    """Three arms over the epoch of removal, a run of which failed; not to be changed."""
    rows = pd.DataFrame(
        [
            {"arm": arm, "removal": x, "seed": seed, "accuracy": 90 + slope * x + (seed * 7919 % 5) - 2,
             "failure": ""}
            for arm, slope in (("fresh", 0.0), ("deficit", -0.4), ("dose_matched", 0.1))
            for x in (0, 10, 20, 30)
            for seed in range(4)
        ]
    )  # fmt: skip
    rows.loc[31, ["accuracy", "failure"]] = [math.nan, "non-finite loss at epoch 7"]
    return rows


def make(results, figure, columns=1, name="quick", where="tables", **changes):
    """Writes a table, a record and, where it is one's own, a small picture."""
    path = results / where / name / f"{figure}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    table().to_csv(path, index=False)
    changes = {"table": f"{where}/{name}/{figure}.csv", **changes}
    if where == "tables":
        for ending, content in pictures(columns).items():
            write_atomically(results / "figures" / name / f"{figure}.{ending}", content)
    write_record(record(figure, **changes), results, name, where)


@functools.cache
def pictures(columns):
    """The files of the picture by their endings: drawn once, since drawing takes longer than what most tests ask."""
    with tempfile.TemporaryDirectory() as folder:
        plotting.save(drawing(columns, dark=False), Path(folder), "one")
        plotting.save_svg(drawing(columns, dark=True), Path(folder, "one.dark.svg"))
        return {path.name.partition(".")[2]: path.read_bytes() for path in Path(folder).iterdir()}


def drawing(columns, dark):
    with plotting.style(dark):
        drawn, axes = plotting.figure(1, columns, sharey=True)
        for axis in axes.flat:
            for arm, rows in table().groupby("arm"):
                marks.seeds_and_interval(
                    axis, rows, "removal", "accuracy", colour=plotting.arm_colour(arm), label=arm
                )
            axis.set_xlabel("epoch of removal")
        axes[0, 0].set_ylabel("test accuracy (%)")
        plotting.legend(drawn)
        return drawn


def everything(results):
    """Makes a profile with every kind of verdict, here and as reference, a failed run, hostile text, a long command."""
    words = list(VERDICTS)
    first = [verdict(word, number, paper_effect=-5.0 if number == 0 else None) for number, word in enumerate(words[:4])]
    make(results, "iclr2019/deficit_removal", verdicts=first)
    make(results, "iclr2019/deficit_removal", where="reference", verdicts=[
        verdict("reproduced", 0), verdict("undecided", 1), verdict("negligible", 2, confirmed=True),
        verdict("reversed", 3, effect=9.0, low=8.0, high=10.0),
    ])  # fmt: skip
    make(
        results,
        "iclr2019/window",
        columns=3,
        title="A window of blur " + TRICKY,
        caption=TRICKY,
        alt=TRICKY,
        command=LONG,
        made_by=[who(machine="x" * 200, commit="", seeds=[0, 1, 2]), who(seeds=[3, 4])],
        failures=["deficit, seed 3: non-finite loss at epoch 7"],
        deviations=[],
        samples=[],
        verdicts=[
            verdict("premise failed", 4, sentence=TRICKY, reason=TRICKY, short=TRICKY[:34]),
            verdict("unfinished", 5, effect=math.nan, low=math.nan, high=math.nan, p=math.nan, n=0),
            verdict("undecided", 6, low=math.nan, high=math.nan, p=0.0001),
            verdict("reproduced", 7, differs="Glyphs.", confirmed=True, ratio=True, unit="×", effect=math.log(1.5),
                    low=math.log(1.25), high=math.log(2), smallest=math.log(1.2), source=OURS),
        ],
    )
    # A figure whose runs all failed has a record and a table, and no picture.
    shutil.copytree(results / "tables/quick/iclr2019", results / "tables/quick/controls")
    for path in (results / "tables/quick/controls").glob("*.json"):
        path.unlink()
    write_record(record("controls/window", failures=["a", "b"], timelines=[]), results, "quick")
    make(results, "iclr2019/deficit_removal", name="laptop", where="reference", profile="laptop", verdicts=[
        verdict("reproduced", 0, confirmed=True)
    ])  # fmt: skip
    make(results, "iclr2019/deficit_removal", name="quick+deficit=occlusion", verdicts=first[:2])
    for name in ("quick", "laptop", "quick+deficit=occlusion"):
        build_report(results, name)
    return results
