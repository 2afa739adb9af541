"""What stands between a layer with weights and its ReLU: batch, layer or group normalisation, or nothing.

| kind    | normalises over                     | running statistics |
| ------- | ----------------------------------- | ------------------ |
| `batch` | examples and places, map by map     | yes                |
| `layer` | all maps and places of an example   | no                 |
| `group` | groups of maps, and their places    | no                 |
| `none`  | nothing                             | no                 |

Sources: Ioffe and Szegedy (2015); Ba, Kiros and Hinton (2016), of maps as in Wu and He, *Group Normalization* (2018).
"""

from __future__ import annotations

from torch import nn

from critical.core.spec import SpecError, closest

KINDS = ("batch", "layer", "group", "none")
MOST_GROUPS, LEAST_MAPS = 32, 4
"""Groups as in Wu and He, but of at least so many maps: a map by itself would be instance normalisation."""


def check(kind: str, model: str) -> None:
    """Raises SpecError (one line) where there is no such normalisation."""
    if kind not in KINDS:
        raise SpecError(f"model={model}: normalization={kind}: there is none of that name; {closest(kind, KINDS)}")


def groups(maps: int) -> int:
    """Returns the number of groups of so many maps: it divides them."""
    most = max(1, min(MOST_GROUPS, maps // LEAST_MAPS))
    return max(count for count in range(1, most + 1) if maps % count == 0)


def add_normalised(network: nn.Sequential, number: int, label: str, layer: nn.Conv2d | nn.Linear, kind: str) -> None:
    """Appends a layer with weights, its normalisation (`bn…`, or `norm…` of other kinds) and its ReLU (`relu…`).

    Without a normalisation nothing keeps the size of activations, which PyTorch's initial weights shrink by √6 a layer.
    So weights are drawn anew as He et al. (2015) have them: normal, of variance 2 / inputs. The layer's bias, which it
    must have then, begins at 0.
    """
    units = layer.out_channels if isinstance(layer, nn.Conv2d) else layer.out_features
    network.add_module(label, layer)
    if kind == "batch":
        of_batch = nn.BatchNorm2d if isinstance(layer, nn.Conv2d) else nn.BatchNorm1d
        network.add_module(f"bn{number}", of_batch(units))
    elif kind == "none":
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)
    else:
        network.add_module(f"norm{number}", nn.GroupNorm(1 if kind == "layer" else groups(units), units))
    network.add_module(f"relu{number}", nn.ReLU(inplace=True))
