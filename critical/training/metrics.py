"""What an epoch of training adds up to."""

from __future__ import annotations

import torch

from critical.core.batch import Batch


class EpochMetrics:
    """Sums over an epoch, kept on the device so that no step waits for them."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.loss = torch.zeros((), device=device)
        self.correct = torch.zeros((), dtype=torch.int64, device=device)
        self.extra: torch.Tensor | None = None
        self.objective: torch.Tensor | None = None
        self.seen = 0

    def add(self, batch: Batch, logits: torch.Tensor, loss: torch.Tensor, extra: list[torch.Tensor]) -> None:
        """Counts a batch."""
        self.loss += loss * len(batch)
        self.correct += (logits.argmax(1) == batch.labels).sum()
        self.seen += len(batch)
        if extra:
            before = torch.zeros((), device=self.device) if self.extra is None else self.extra
            self.extra = before + torch.stack(extra).sum() * len(batch)

    def add_objective(self, batch: Batch, objective: torch.Tensor) -> None:
        """Counts a batch that was trained without labels."""
        self.seen += len(batch)
        self.objective = objective * len(batch) + (0.0 if self.objective is None else self.objective)

    @property
    def finite(self) -> bool:
        """Whether every loss was a number."""
        return all(bool(torch.isfinite(held)) for held in (self.loss, self.extra, self.objective) if held is not None)

    def means(self) -> dict[str, float]:
        """Returns the columns of the epoch; of one without labels `objective` alone."""
        if self.objective is not None:
            return {"objective": self.objective.item() / self.seen}
        found = {
            "train_loss": self.loss.item() / self.seen,
            "train_accuracy": 100.0 * self.correct.item() / self.seen,
        }
        return found if self.extra is None else {**found, "stabilizer_loss": self.extra.item() / self.seen}
