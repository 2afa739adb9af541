"""What a design has to know about data, so that it can be composed again where the data are not."""

from __future__ import annotations

from dataclasses import dataclass

from critical.data import DataSpec, load


@dataclass(frozen=True)
class DataFacts:
    """The facts.

    Attributes:
        label: What figures call the data, with their size.
        classes: Number of classes.
    """

    label: str
    classes: int

    @classmethod
    def of(cls, data: DataSpec) -> DataFacts:
        """Returns those of data that are there, which are loaded for it.

        Raises:
            DataError: The data cannot be had.
        """
        held = load(data)
        return cls(held.label, len(held.classes))
