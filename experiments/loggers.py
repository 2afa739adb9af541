"""Loggers: mirrors of what stands on disk. A logger's failure is a line, never the end of a run."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from critical.runs import RunSpec
from critical.spec import from_settings


@dataclass(frozen=True)
class Logger:
    """The logger that logs nothing: the record on disk is complete without one."""

    name: ClassVar[str] = "none"

    def log_run(self, spec: RunSpec, rows: Iterable[Mapping[str, Any]], tags: Mapping[str, Any]) -> None:
        """Mirrors a finished run.

        Args:
            spec: The run.
            rows: Its rows, an epoch each.
            tags: Where it belongs: `figure`, `profile`, `arm`, … .
        """

    def log_figure(self, name: str, picture: Path) -> None:
        """Mirrors a figure."""


@dataclass(frozen=True)
class WandbLogger(Logger):
    """Weights & Biases: series over `epoch`, the complete config, figures as images.

    Attributes:
        project: Project to log to.
        mode: `offline` (no account, no network; `wandb sync` later), `online` or `disabled`.
        folder: Where wandb writes its `wandb/` folder.
    """

    name: ClassVar[str] = "wandb"
    project: str = "critical-periods"
    mode: str = "offline"
    folder: str = "results"

    def log_run(self, spec: RunSpec, rows: Iterable[Mapping[str, Any]], tags: Mapping[str, Any]) -> None:
        """Sends a run under its own id, so that sending it twice makes no second one."""

        def send(wandb: Any) -> None:
            config = {**spec.describe(), **tags}
            group = str(tags.get("figure", "train"))
            with self._run(wandb, id=spec.run_id, config=config, group=group, job_type="run") as run:
                run.define_metric("epoch")
                run.define_metric("*", step_metric="epoch")
                for row in rows:
                    run.log({key: value for key, value in row.items() if value is not None})

        self._attempt(send, f"run {spec.run_id}")

    def log_figure(self, name: str, picture: Path) -> None:
        """Sends a figure as an image."""

        def send(wandb: Any) -> None:
            with self._run(wandb, id=f"figure-{name.replace('/', '-')}", group=name, job_type="figure") as run:
                run.log({"figure": wandb.Image(str(picture))})

        self._attempt(send, f"figure {name}")

    def _run(self, wandb: Any, **settings: Any) -> Any:
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        quiet = wandb.Settings(silent=True, init_timeout=20)
        return wandb.init(project=self.project, mode=self.mode, dir=self.folder, settings=quiet, **settings)

    def _attempt(self, send: Any, what: str) -> None:
        try:
            import wandb

            send(wandb)
        # Whatever a tracking service does, the run on disk is whole: say so and go on.
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            print(f"wandb: {what} was not logged ({reason}); the record on disk is complete", file=sys.stderr)


KINDS: dict[str, type[Logger]] = {kind.name: kind for kind in (Logger, WandbLogger)}


def logger(mapping: Mapping[str, Any]) -> Logger:
    """Builds a logger from its settings."""
    return from_settings(KINDS, mapping, "logger")


