"""What has been trained, in Python: tables of runs and epochs, their data, their networks.

    from critical import Results

    results = Results("results")
    runs = results.runs()                              # a row a run
    epochs = results.epochs(runs.run_id[0])            # a row an epoch
    network = results.model(runs.run_id[0])            # as it was at the end
    trainer = results.trainer(runs.run_id[0], epoch=20)
    with trainer.arithmetic.applied():
        for acting in trainer.spec.epoch_specs[20:]:   # goes on from there
            trainer.train_epoch(acting)

A run may be named by any beginning of its id that no other has. Tables need neither the data nor torch.
"""

from __future__ import annotations

import dataclasses
import functools
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from critical.core.spec import SpecError, closest, places
from critical.execution.catalogue import Catalogue

if TYPE_CHECKING:
    from torch import nn

    from critical.data import Dataset
    from critical.execution.store import RunStore
    from critical.training.loop import Trainer
    from critical.training.runs import RunSpec


class Results:
    """The runs below a folder of results. Nothing is changed there.

    Args:
        folder: The folder that commands call `results`.
        **data_places: Where data lie now, if not where they lay: `root` of what is downloaded, `path` of one's own, and
            other fields of theirs that say where. Those that a run's data have not are for other runs.

    Raises:
        SpecError: Nothing was trained there.
    """

    def __init__(self, folder: Path | str = "results", **data_places: Path | str) -> None:
        self.folder = Path(folder)
        self.root = self.folder / "runs"
        self._places = {name: str(place) for name, place in data_places.items()}
        if not self.root.is_dir():
            raise SpecError(f"results={folder}: there are no runs below it; train some, or name another folder")
        self._catalogue = Catalogue(self.root)

    @functools.cached_property
    def _store(self) -> RunStore:
        from critical.execution.store import RunStore

        return RunStore(self.root)

    def runs(self) -> pd.DataFrame:
        """Returns a row a run, the last ones first.

        Columns: `run_id`; `state` (`finished`, `failed`, `running` or `unfinished`); `date` (UTC, empty where the
        record is of an earlier version); `data`, `model`, `deficit` (`none` where nothing acted), `view` (that it
        acts on, where it is said), `onset` and `removal` (of its windows, in epochs), `stabilizer`, `schedule`, `rate`
        (in epoch 0), `rate_at_onset` (in the first epoch of the windows), `seed`, `epochs` (of the whole run),
        `trained` (of them), `accuracy` (percent, on the test images, at the end), `loss` (nats), `device`, `commit`,
        `command` and `failure` (empty if fine). A damaged record warns, and its run is left out.
        """
        records, damaged = self._catalogue.records()
        table = self._catalogue.table(records, damaged)
        for line in damaged:
            warnings.warn(line, stacklevel=2)
        return table

    def ids(self) -> list[str]:
        """Returns the ids of all runs, in order."""
        return sorted(self._catalogue.ids())

    def row(self, run_id: str) -> dict[str, Any]:
        """Returns the row that a run has in `runs`, by column."""
        record = self.record(run_id)
        held = self._catalogue.table({record["run_id"]: record}).iloc[0]
        return {str(name): value for name, value in held.items()}

    def find(self, run: str) -> str:
        """Returns the whole id of a run that is named by a beginning of it.

        Raises:
            SpecError: No run has it, or several.
        """
        return self._catalogue.find(run)

    def record(self, run_id: str) -> dict[str, Any]:
        """Returns all that is held about a run: settings, keys, and what `critical.execution.published` lists.

        Raises:
            SpecError: There is no such run, or its record is damaged.
        """
        return self._catalogue.record(self.find(run_id))

    def epochs(self, run_id: str) -> pd.DataFrame:
        """Returns a row an epoch.

        Returns:
            `epoch` (1 … the last), `deficit` (what acted in it), `rate`, `train_loss`, `train_accuracy`, and what was
            measured after it; NaN where a probe was not due. Of an unfinished run, the epochs that there are.
        """
        run_id = self.find(run_id)
        if self._catalogue.finished(run_id):
            return self._catalogue.epochs(run_id)
        spec, rows = self.spec(run_id), []
        self._store.refresh()
        for epoch in range(1, spec.timeline.end + 1):
            row = self._store.row(spec, epoch)
            if row is None:
                break
            rows.append(row)
        return pd.DataFrame(rows, columns=None if rows else ["epoch", "deficit", "rate"])

    def spec(self, run_id: str) -> RunSpec:
        """Returns the run as it was planned.

        Raises:
            SpecError: Another version of the suite made it, or no data have a place that was given.
        """
        from critical.data import KINDS
        from critical.training.described import run_of

        known = {name for kind in KINDS.values() for name in places(kind())}
        for name in self._places:
            if name not in known:
                raise SpecError(f"Results({name}=…): no data have a place of that name; {closest(name, known)}")
        record = self.record(run_id)
        spec = run_of(record)
        held = {**places(spec.data), **record.get("places", {}), **self._places}
        there: dict[str, Any] = {name: held[name] for name in places(spec.data)}
        return dataclasses.replace(spec, data=dataclasses.replace(spec.data, **there))

    def dataset(self, run_id: str) -> Dataset:
        """Returns the data of a run, with its draw of training examples.

        Returns:
            As `critical.data.load`: the same object for the same data and draw, so never change it in place.

        Raises:
            DataError: They cannot be had.
        """
        from critical.data import load

        spec = self.spec(run_id)
        return load(spec.data, spec.seed)

    def model(self, run_id: str, epoch: int | None = None) -> nn.Module:
        """Returns the network of a run, on the CPU and in evaluation mode.

        Args:
            run_id: The run.
            epoch: After so many epochs; at the end when left out.

        Raises:
            SpecError: That state is not stored.
        """
        from critical.training.loop import built

        spec = self.spec(run_id)
        epoch = _epoch(spec, epoch)
        if epoch and not self._store.has_state(spec.keys[epoch]):
            raise SpecError(
                f"run {spec.run_id}: its state after {epoch} epochs is not stored; "
                f"trainer(run_id, epoch={epoch}).state.model trains them again"
            )
        # In fp32 where it was trained in a precision that a CPU has not.
        precision = spec.arithmetic.precision.replace("tf32", "fp32")
        here = dataclasses.replace(spec.arithmetic, device="cpu", precision=precision)
        network = here.prepare(built(spec.model, self.dataset(run_id), spec.seed))
        if epoch:
            network.load_state_dict(self._state(spec, epoch, "cpu")["model"])
        return network.eval()

    def trainer(self, run_id: str, epoch: int | None = None) -> Trainer:
        """Returns a trainer that stands before an epoch of a run; on a CPU what it trains has the run's own bits.

        Args:
            run_id: The run.
            epoch: The next one, counted from 0: so many are trained. The end of the run when left out.

        Returns:
            The trainer; where that state is not stored, the epochs from the last stored one on are trained again, and
            a warning says so.

        Raises:
            SpecError: There is no such epoch, or its device is not here.
        """
        from critical.core.arithmetic import available_device
        from critical.training.loop import Trainer

        spec = self.spec(run_id)
        epoch = _epoch(spec, epoch)
        available_device(spec.arithmetic.device)
        stored = next((one for one in range(epoch, 0, -1) if self._store.has_state(spec.keys[one])), 0)
        trainer = Trainer(spec)
        if stored:
            trainer.state.load_state_dict(self._state(spec, stored, spec.arithmetic.device))
        if stored < epoch:
            warnings.warn(f"run {spec.run_id}: its state after {epoch} epochs is not stored; training epochs {stored} "
                          f"to {epoch - 1} again", stacklevel=2)  # fmt: skip
            with spec.arithmetic.applied():
                for acting in spec.epoch_specs[stored:epoch]:
                    trainer.train_epoch(acting)
        return trainer

    def _state(self, spec: RunSpec, epoch: int, device: str) -> dict[str, Any]:
        path = self._store.state_path(spec.keys[epoch])
        try:
            return dict(self._store.read_state(spec.keys[epoch], device)["state"])
        except Exception as error:
            raise SpecError(f"checkpoint {path} cannot be read ({type(error).__name__}); remove it: it is trained "
                            "again where it is needed") from error  # fmt: skip


def _epoch(spec: RunSpec, epoch: int | None) -> int:
    epoch = spec.timeline.end if epoch is None else epoch
    if not 0 <= epoch <= spec.timeline.end:
        raise SpecError(f"epoch={epoch}: the run {spec.run_id} has {spec.timeline.end} epochs; give 0 to that")
    return epoch
