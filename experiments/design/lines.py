"""Lines of panels over windows: what is seen of each, by what tells the windows apart, such as the epoch of removal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from critical.inference.arms import Arm
from critical.plots.panel import Look, Value, role, shades
from critical.plots.panels import Curves
from experiments.design.contrasts import WindowArms

Place = TypeVar("Place")
Seen = TypeVar("Seen")


def over(windows: Mapping[Place, WindowArms], seen: Callable[[WindowArms], Seen]) -> dict[Place, Seen]:
    """Returns what is seen of each window, such as its `cost`."""
    return {place: seen(held) for place, held in windows.items()}


def itself(arm: Arm) -> Value:
    """Returns the arm, of which accuracy is shown."""
    return arm


def of_arms(
    windows: Mapping[Any, WindowArms], names: Mapping[str, str], seen: Callable[[Arm], Value] = itself
) -> list[tuple[Look, dict[Any, Value]]]:
    """Returns a line for each of the arms that windows have, in its fixed colour.

    Args:
        windows: By what stands on the horizontal axis.
        names: Field of `WindowArms` → its name in the panel.
        seen: What is shown of an arm; accuracy when left out.
    """
    return [
        (role(arm, name), {place: seen(getattr(held, arm)) for place, held in windows.items()})
        for arm, name in names.items()
    ]


def curves_by_removal(windows: Mapping[int, WindowArms], clean: Arm, deficit: str, **words: Any) -> Curves:
    """Returns a panel of a column by epoch: the deficit until each removal, light to dark, and a clean run.

    Args:
        windows: From epoch 0 on, by their ends.
        clean: The clean run.
        deficit: Its name.
        **words: Fields of the panel, `column` among them.
    """
    looks = dict(zip(windows, shades([f"{deficit} until {end}" for end in windows]), strict=True))
    return Curves(
        lines=[(role("dose_matched", "clean"), clean), *((looks[end], held.deficit) for end, held in windows.items())],
        windows=[(look, 0, end) for end, look in looks.items()],
        **words,
    )
