"""A command's logger on Weights & Biases: what is announced, logged while it trains, and sent when it is finished.

A run of an arm is one run there, under its own id; a trunk that several runs share is none, and its epochs are the
first of each. A run that several figures have is in the group of the first of them.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from critical.core.files import WriteError
from critical.core.spec import SpecError
from critical.data.sources import no_downloads
from critical.execution import locks
from critical.execution.listening import ListenerFactory, Row
from critical.training.described import run_of
from critical.training.runs import RunSpec
from experiments.tracking import marker, pictures, rows
from experiments.tracking.courier import CannotLog, Courier
from experiments.tracking.live import Live, LiveListener, lock_of
from experiments.tracking.logger import DrawnFigure, Further, Logger, Place
from experiments.tracking.names import Named, figure_id, group_of, named
from experiments.tracking.service import OpenRun, in_a_sweep
from experiments.tracking.settings import CLOSE_SECONDS, ONLINE, NoTracking, Wandb, settings_of

AT_A_TIME = 4
"""Finished runs that are sent at a time: each waits for the service, mostly."""
OTHERS_SECONDS = 90.0
"""So long is waited for a worker that still has a run open."""
Samples = Sequence[tuple[str, Image.Image]]


def logger(mapping: Mapping[str, Any], results: Path) -> Logger:
    """Builds a logger from its settings.

    Args:
        mapping: `name` and settings; see `experiments.tracking.settings`.
        results: Folder of tables, figures and run store.

    Raises:
        SpecError: An unknown setting, or a value that cannot be.
    """
    settings = settings_of(mapping)
    return Logger() if isinstance(settings, NoTracking) else WandbLogger(settings, results)


class WandbLogger(Logger):
    """Logs to Weights & Biases.

    Args:
        settings: Where to.
        results: Folder of tables, figures and run store.
    """

    logs = True

    def __init__(self, settings: Wandb, results: Path) -> None:
        self.settings, self.results = settings, results
        self.courier, self._live = Courier(threads=AT_A_TIME), Courier()

    def announce(self, runs: Iterable[tuple[RunSpec, Place]]) -> None:
        """Notes where runs belong that are about to be trained, for who trains them and for `make sync`."""
        def note() -> None:
            refused = []
            for spec, place in runs:
                try:
                    marker.announce(marker.folder_of(self.results, spec.run_id), plain(place))
                # Another user owns this folder; go on with the rest.
                except WriteError as error:
                    refused.append(error)
            if refused:
                raise refused[0]

        if self._able():
            self.courier.do("where each run belongs", note)

    def listener(self) -> ListenerFactory | None:
        """Returns what makes in a worker who logs the epochs that it trains; None where nothing can be logged."""
        return Live(self.settings, self.results) if self._able() else None

    def live(self, further: Further | None = None) -> LiveListener | None:
        """Returns who logs the epochs that this process trains; None where nothing can be logged."""
        made = LiveListener(self.settings, self.results, self._live, further)
        return made if self._able() else None

    def log_run(self, folder: Path, place: Place, effects: Mapping[str, float] | None = None) -> None:
        """Sends a finished run, or what is missing of it, in the background."""
        what = f"run {folder.name}"
        if what in self._live.failed:
            # It was said already; another attempt would hold up the end of the command.
            return
        samples = () if self.courier.given_up else self._samples(folder)
        self.courier.put(what, functools.partial(self.send, folder, plain(place), effects or {}, samples))

    def log_figure(self, figure: DrawnFigure) -> None:
        """Sends a figure, in the background."""
        self.courier.put(f"figure {figure.name}", functools.partial(self._figure, figure))

    def close(self) -> None:
        """Waits until all is sent, while anything arrives."""
        self.courier.close(CLOSE_SECONDS)

    def send(
        self, folder: Path, place: Mapping[str, Any], effects: Mapping[str, float], samples: Samples = ()
    ) -> bool:
        """Sends a finished run, unless it is there; returns whether the service was asked."""
        record = json.loads((folder / "run.json").read_bytes())
        held = rows.csv_rows(folder / "epochs.csv")
        with self._alone(folder.name):
            known = self._entry(folder).get("effects", {})
            there, every = self.there(folder, len(held)), {**known, **effects}
            if there and every == known:
                return False
            if there and self.settings.mode_here == ONLINE:
                self._add(folder, every)
            else:
                # A file that was written is not opened again, and one with effects alone would take its place.
                marker.announce(folder, place)
                self._send_rows(folder, record, held, every, samples)
            return True

    def send_cut(self, folder: Path, record: Mapping[str, Any], held: Sequence[Row]) -> bool:
        """Sends the epochs of a run that was cut, unless they are there; returns whether the service was asked.

        Raises:
            TimeoutError: Somebody has it open, so it is not cut any more.
        """
        with self._alone(folder.name, patience=0):
            if self.there(folder, len(held)):
                return False
            self._send_rows(folder, record, held, {}, finished=False)
            return True

    def _send_rows(
        self, folder: Path, record: Mapping[str, Any], held: Sequence[Row], effects: Mapping[str, float],
        samples: Samples = (), finished: bool = True,
    ) -> None:  # fmt: skip
        """Sends the epochs of a run that the service has not got.

        Args:
            folder: The run's.
            record: Its settings.
            held: Its first epochs, none left out.
            effects: What its summary is to hold besides.
            samples: What it saw.
            finished: Whether these are all.
        """
        spec = _spec(record)
        run = self._open(folder, record)
        run.mark(folder, closed=False)
        pictures.show_samples(run, samples)
        for row in held:
            run.log(rows.point(record, row))
        if finished:
            run.summarise({**rows.summary(held, spec), **effects})
            if self.settings.checkpoints and spec is not None:
                pictures.log_checkpoints(run, spec, self.results)
        run.finish(failed=not finished or bool(held and held[-1].get("failure")))
        run.mark(folder, epochs=len(held), closed=True, effects=dict(effects))

    def there(self, folder: Path, epochs: int) -> bool:
        """Returns whether the first epochs of a run are where this logger sends to, after what is known here."""
        entry = self._entry(folder)
        return bool(entry.get("closed")) and entry.get("epochs", 0) >= epochs

    def in_a_sweeps(self, folder: Path, epochs: int) -> bool:
        """Returns whether a sweep's own run in this project has the first epochs of a run."""
        found = marker.read(folder).get("sweeps", {}).values()
        here = [held for held in found if held.get("project") == self.settings.project and held["closed"]]
        return any(held["epochs"] >= epochs for held in here)

    def _samples(self, folder: Path) -> Samples:
        """Returns what a run saw, unless it was sent: not in a thread, since data are kept for one alone."""
        with contextlib.suppress(SpecError, OSError, ValueError, KeyError, RuntimeError), no_downloads():
            if not self.there(folder, len(rows.csv_rows(folder / "epochs.csv"))):
                return pictures.sample_images(run_of(json.loads((folder / "run.json").read_bytes())))
        return ()

    def _entry(self, folder: Path) -> dict[str, Any]:
        if in_a_sweep():
            # The sweep's own run, and not one that another command has made of the same.
            return marker.swept(folder, os.environ.get("WANDB_RUN_ID", ""))
        if self.settings.mode_here == ONLINE:
            return marker.sent_to(folder, self.settings.project)
        return marker.written(folder)

    def _open(self, folder: Path, record: Mapping[str, Any]) -> OpenRun:
        said = named(record, marker.place_of(folder), self.settings.tags)
        return OpenRun(self.settings, self.results, said, None if in_a_sweep() else self._entry(folder).get("id"))

    def _add(self, folder: Path, effects: Mapping[str, float]) -> None:
        run = self._open(folder, json.loads((folder / "run.json").read_bytes()))
        run.summarise(effects)
        run.finish()
        run.mark(folder, effects=dict(effects))

    def _figure(self, figure: DrawnFigure) -> bool:
        place = {"figure": figure.name, "profile": figure.profile}
        tags = (figure.name, figure.profile, "figure", *self.settings.tags)
        said = Named(figure_id(figure.profile, figure.name), f"{figure.name} · {figure.profile}", group_of(place),
                     "figure", tuple(tag[:64] for tag in tags), figure.question, place)  # fmt: skip
        run = OpenRun(self.settings, self.results, said, said.id, series=False)
        pictures.log_figure(run, figure)
        run.finish()
        return True

    def _able(self) -> bool:
        """Returns whether anything can be logged here; says once why not."""
        def refuse() -> None:
            if reason := self.settings.why_not(self.results):
                raise CannotLog(reason)

        return not self.courier.given_up and self.courier.do("the logger", refuse)

    @contextlib.contextmanager
    def _alone(self, run_id: str, patience: float | None = None) -> Iterator[None]:
        """Holds a run, and waits for a worker that has it open still, `OTHERS_SECONDS` unless said otherwise."""
        end = time.monotonic() + (OTHERS_SECONDS if patience is None else patience)
        while (lock := locks.lock(lock_of(self.results, run_id))) is None:
            if time.monotonic() > end:
                raise TimeoutError("another process has it open")
            time.sleep(0.05)
        try:
            yield
        finally:
            lock.release()


def plain(place: Place) -> dict[str, Any]:
    """Returns where a run belongs in values that JSON has."""
    return {key: value.item() if hasattr(value, "item") else value for key, value in place.items()}


def _spec(record: Mapping[str, Any]) -> RunSpec | None:
    """Returns the run of a record; None where this version cannot build it."""
    try:
        return run_of(record)
    except (SpecError, KeyError):
        return None
