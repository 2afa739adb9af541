"""What a design has to know about data, so that it can be composed again where the data are not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from critical.core.spec import SpecError
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

    @property
    def side(self) -> int:
        """Pixels along the shorter side of the images, as the label says; that of CIFAR's where nothing is known.

        Raises:
            SpecError: The label has no size.
        """
        if not self.label:
            return 32
        # The last two of 3×16×16.
        found = re.findall(r"(\d+)×(\d+)(?![\d×])", self.label)
        if not found:
            raise SpecError(f"data: '{self.label}' does not say the size of its images; set data.resolution")
        return min(map(int, found[0]))

    @classmethod
    def of(cls, data: DataSpec) -> DataFacts:
        """Returns those of data that are there, which are loaded for it.

        Raises:
            DataError: The data cannot be had.
        """
        held = load(data)
        return cls(held.label, len(held.classes))
