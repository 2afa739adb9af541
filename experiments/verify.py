"""Are the committed tables what this machine gives? `python -m experiments.verify` (`make verify`), a few minutes.

One figure of each kind, or those that `figure` names, is trained anew for one seed (or `seeds`) in a temporary folder
and compared with its reference table: bit for bit (as the table holds it, ten digits), or by how much not, and whether
a verdict turns. A table that was made on an accelerator has bits that a CPU does not give: it is skipped, in one line.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from critical.core import environment
from critical.core.arithmetic import DEVICES, PRECISIONS
from critical.core.spec import SpecError
from critical.execution.plan import plan
from critical.execution.pool import default_jobs, run_all
from critical.execution.store import RunStore
from critical.inference.verdicts import verdicts
from experiments.design import command, profile, registry
from experiments.design import config as configuration
from experiments.design.figure import Design, Figure
from experiments.design.help import help_text
from experiments.design.protocol import Protocol
from experiments.output import pipeline, tables
from experiments.runs.printing import counted

KINDS = ("iclr2019/sensitivity_window", "cvpr2023/rsv_blur", "multimodal/modality_dropout", "cvpr2023/rsv_transformer")
"""A small figure of each family."""


@dataclass(frozen=True)
class Comparison:
    """What training anew says about a reference table.

    Attributes:
        figure: Its name.
        seed: The seed that was trained.
        rows: Runs compared.
        differing: Of them, those in which any number differs.
        points: The largest difference of accuracies, in points.
        turned: Sentences of claims whose verdict is another with the new rows.
    """

    figure: str
    seed: int
    rows: int
    differing: int
    points: float
    turned: tuple[str, ...]

    def __str__(self) -> str:
        where = f"{self.figure}, seed {self.seed}"
        if not self.differing:
            return f"{where}: {counted(self.rows, 'runs')}, bit for bit"
        turned = "no verdict turns" if not self.turned else "turned: " + "; ".join(self.turned)
        return f"{where}: {self.differing} of {self.rows} runs differ, by up to {self.points:.2f} points; {turned}"


def compared(figure: Figure, design: Design, held: pd.DataFrame, new: pd.DataFrame, seed: int) -> Comparison:
    """Compares the rows of a seed.

    Args:
        figure: The figure.
        design: Its design.
        held: The reference table.
        new: The rows of the seed, as a table holds them.
        seed: The seed.

    Raises:
        SpecError: The reference lacks runs of the seed.
    """
    ids = [arm.id for arm in design.trained]
    # What was measured: words may change with the code.
    words = ["run_id", "label", "role", "deficit", "schedule"]
    before, after = (
        table[table["seed"] == seed].set_index("arm_id").reindex(ids).drop(columns=words, errors="ignore")
        for table in (held, new)
    )
    if before.isna().all(axis=None):
        raise SpecError(f"verify: {figure.name} has no runs of seed {seed} in its reference table; make it first")
    columns = [name for name in after if name in before]
    equal = (before[columns].eq(after[columns]) | (before[columns].isna() & after[columns].isna())).all(axis=1)
    gap = (before["accuracy"] - after["accuracy"]).abs() if "accuracy" in columns else pd.Series([0.0])
    seeds = sorted(set(held["seed"]))
    mixed = pd.concat([held[held["seed"] != seed], new], ignore_index=True)
    old_words, new_words = (
        {found.sentence: found.verdict for found in verdicts(table, design.claims, seeds)} for table in (held, mixed)
    )
    turned = tuple(sentence for sentence, word in old_words.items() if new_words[sentence] != word)
    return Comparison(figure.name, seed, len(ids), int((~equal).sum()), float(np.nanmax(gap)), turned)


def made_on(design: Design, held: pd.DataFrame) -> str | None:
    """Returns the device on which a table's runs were trained, which their ids tell; None where none fits.

    Layout and precision may be others than the design's: an accelerator has better ones of its own.
    """
    seed = [int(held["seed"].min())]
    runs = [item.spec for item in tables.planned(design, seed)]
    there = set(held["run_id"]) if runs else set()
    for device, precision, last in itertools.product(DEVICES, PRECISIONS, (True, False)):
        with contextlib.suppress(SpecError):
            changes: dict[str, Any] = {"device": device, "precision": precision, "channels_last": last}
            if any(replace(run, arithmetic=replace(run.arithmetic, **changes)).run_id in there for run in runs):
                return device
    return None


def anew(design: Design, seed: int, name: str, jobs: int) -> pd.DataFrame:
    """Trains the runs of a seed in a temporary folder, or computes them; returns their rows as a table holds them."""
    with tempfile.TemporaryDirectory() as folder:
        root, items = Path(folder), tables.planned(design, [seed])
        if design.table is not None:
            tables.write(tables.computed(design, [seed]), root, name)
            return tables.read(root, name).runs
        run_all(plan(item.spec for item in items), RunStore(root / "runs"), jobs, name, root / "logs")
        tables.write(tables.collect(items, RunStore(root / "runs")), root, name)
        return tables.read(root, name).runs


def verify(config: DictConfig) -> list[Comparison]:
    """Verifies reference tables of a profile, those of one figure of each kind where `figure` names none.

    Raises:
        SpecError: A figure that is named has no reference table, or the profile has none of a kind.
    """
    folder, found = Path(config.results) / "reference" / (config.name or config.profile), []
    skipped = False
    named = config.figure != "headline"
    asked = configuration.plain(config.figure)
    names = [figure.name for figure in registry.chosen(asked, ())] if named else list(KINDS)
    wanted = None if config.seeds is None else profile.seeds(configuration.plain(config.seeds), "seeds")
    for name in names:
        held = tables.read(folder, name).runs
        if held.empty and named:
            raise SpecError(f"verify: {name} has no reference table of profile {config.profile} in {folder}")
        if held.empty:
            continue
        figure = registry.FIGURES[name]
        settings: tuple[Protocol, Any] = profile.figure_settings(
            config, figure, profile.protocol(config, figure.family)
        )
        design = pipeline.designed(figure, *settings)
        maker = made_on(design, held)
        if maker not in (None, "cpu", settings[0].parts.arithmetic.device):
            skipped = True
            print(f"{name}: its table was made on {maker}, whose bits no CPU gives; skipped", flush=True)
            continue
        if not {arm.id for arm in design.trained} & set(held["arm_id"]):
            raise SpecError(f"verify: {name}: the table in {folder} has none of these runs; its settings were others, "
                            "which its record names")  # fmt: skip
        jobs = default_jobs(settings[0].parts.arithmetic) if config.jobs is None else int(config.jobs)
        for seed in wanted or (int(held["seed"].min()),):
            found.append(compared(figure, design, held, anew(design, seed, name, jobs), seed))
            print(found[-1], flush=True)
    if not found and not skipped:
        raise SpecError(f"verify: none of {', '.join(names)} has a reference table of profile {config.profile} in "
                        f"{folder}; name one that has, as in FIGURE=controls/age_or_rate")  # fmt: skip
    return found


@command.by_settings("figures", help=lambda: help_text("figures", __doc__ or "", command="verify"))
def main(config: DictConfig) -> None:
    """Verifies, and ends with status 1 where a table is not what this machine gives."""
    found = verify(config)
    print(f"on {environment.machine()}")
    if any(comparison.differing for comparison in found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
