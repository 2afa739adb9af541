"""What is to be seen on Weights & Biases besides curves: sample images, a figure with its tables, checkpoints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from critical.core.batch import VIEWS
from critical.data import load
from critical.deficits import NoDeficit
from critical.execution.store import RunStore
from critical.training.runs import RunSpec
from experiments.output import samples
from experiments.tracking.logger import DrawnFigure
from experiments.tracking.names import figure_id
from experiments.tracking.service import OpenRun

SAMPLES = 5
VERDICT_COLUMNS = ("short", "verdict", "confirmed", "effect", "low", "high", "unit", "p", "n", "smallest", "source",
                   "sentence", "claim_id", "reason")  # fmt: skip


def sample_images(run: RunSpec) -> list[tuple[str, Image.Image]]:
    """Returns what a run sees, a picture each: clean test images, and the same under each of its deficits.

    Raises:
        DataError: The data are not here.
    """
    acting = {
        samples.words(window.deficit): (window.deficit, window.start)
        for window in run.timeline.windows
        if not isinstance(window.deficit, NoDeficit)
    }
    found = []
    for label, batch in samples.seen(acting, load(run.data, run.seed), SAMPLES):
        for number, view in enumerate(batch.views):
            name = f"{label}, view {VIEWS[number]}" if len(batch.views) > 1 else label
            found.append((name, samples.sheet(view)))
    return found


def show_samples(run: OpenRun, seen: Sequence[tuple[str, Image.Image]]) -> None:
    """Logs sample images with the first epoch that a run is logged with; a run that goes on has them."""
    if seen and run.known == 0:
        import wandb

        run.show("samples", [wandb.Image(image.convert("RGB"), caption=label) for label, image in seen])


def log_checkpoints(run: OpenRun, spec: RunSpec, results: Path) -> None:
    """Uploads what the store keeps of a run's networks, at its removal and its end, as one artifact, if anything."""
    import wandb

    store = RunStore(results / "runs")
    epochs = sorted({spec.timeline.removal, spec.timeline.end} - {0})
    paths = {epoch: store.state_path(spec.keys[epoch]) for epoch in epochs}
    kept = {epoch: path for epoch, path in paths.items() if path.exists()}
    if not kept:
        return
    artifact = wandb.Artifact(f"checkpoints-{spec.run_id}", type="model", metadata={"run_id": spec.run_id})
    for epoch, path in kept.items():
        artifact.add_file(str(path), name=f"epoch-{epoch}.pt")
    run.run.log_artifact(artifact)


def log_figure(run: OpenRun, figure: DrawnFigure) -> None:
    """Logs a figure: its picture, its runs and verdicts as tables, and where its table lies as an artifact.

    The table of verdicts has the claims in the figure's order; that of runs is what the picture was drawn from.
    """
    import wandb

    shown: dict[str, Any] = {"figure": wandb.Image(str(figure.picture), caption=figure.question)}
    if figure.table.exists():
        shown["runs"] = wandb.Table(dataframe=runs_table(figure.table))
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", figure_id(figure.profile, figure.name))
        artifact = wandb.Artifact(f"table-{name}"[:128], type="table", description=figure.question)
        # A reference: the table stays where it is, and its checksum says whether it is the same.
        artifact.add_reference(figure.table.resolve().as_uri(), name=figure.table.name)
        run.run.log_artifact(artifact)
    if figure.verdicts:
        rows: list[Any] = [[verdict.get(column) for column in VERDICT_COLUMNS] for verdict in figure.verdicts]
        shown["verdicts"] = wandb.Table(columns=list(VERDICT_COLUMNS), data=rows)
        counts = pd.Series([str(verdict["verdict"]) for verdict in figure.verdicts]).value_counts()
        run.summarise({f"verdicts/{word}": int(count) for word, count in counts.items()})
    run.run.log(shown)


def runs_table(path: Path) -> pd.DataFrame:
    """Reads the table of a figure as it is shown: ids are text, and empty cells are None."""
    frame = pd.read_csv(path, dtype={"run_id": str, "arm_id": str, "failure": str})
    return frame.astype(object).where(frame.notna(), None)
