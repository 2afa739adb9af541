"""Layers of a network by their depth, from nothing but the names of its modules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

PARTS = ("bottom", "middle", "top")
"""The thirds of a network, from the images to the answer."""

_NORMALISATION = re.compile(r"(^|\.)((bn|norm|gn|ln)\d*|downsample\.1)$")


def layers(modules: Iterable[str]) -> dict[str, list[str]]:
    """Groups modules with weights into layers: a normalisation belongs to what stands before it.

    It is known by its name, as in the networks here and in ResNets of torchvision; one that is only numbered, as in the
    `features` of VGG, counts as a layer.

    Args:
        modules: Names, in order of definition.

    Returns:
        First module of each layer → its modules, in the same order.
    """
    found: dict[str, list[str]] = {}
    for module in modules:
        if found and _NORMALISATION.search(module):
            found[next(reversed(found))].append(module)
        else:
            found[module] = [module]
    return found


def by_layer(values: Mapping[str, float]) -> dict[str, float]:
    """Adds up the values of modules to those of layers."""
    return {layer: sum(values[module] for module in modules) for layer, modules in layers(values).items()}


def shares_by_part(values: Mapping[str, float]) -> dict[str, float]:
    """Returns the share that the layers of each third of the depth have in the sum of all.

    Args:
        values: Module → value >= 0, in order of definition.

    Returns:
        `bottom`, `middle`, `top` → share, 1 together; empty where the sum is 0 or no number. Where the number of layers
        is no multiple of three, lower thirds get more.
    """
    summed = list(by_layer(values).values())
    total, found = sum(summed), dict.fromkeys(PARTS, 0.0)
    if not 0 < total < float("inf"):
        return {}
    for number, value in enumerate(summed):
        found[PARTS[3 * number // len(summed)]] += value / total
    return found
