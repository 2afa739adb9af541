"""The networks of torchvision and timm, by their names there, with new weights and a stem for small images."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from critical.core.spec import SpecError, closest
from critical.models.base import OneView, Shape, SingleView
from critical.models.trial import try_network


@dataclass(frozen=True)
class _Zoo(OneView):
    """What torchvision and timm have in common.

    Attributes:
        arch: Name of the network there.
        small_stem: For images of 32 pixels or so: the first convolution gets 3×3 and stride 1 instead of 5×5 or 7×7
            and stride 2, and a max pooling behind it is left out, as ResNets for CIFAR have it.
    """

    name: ClassVar[str]
    arch: str = "resnet18"
    small_stem: bool = False

    @property
    def _where(self) -> str:
        return f"model={self.name}: arch={self.arch}"

    @abstractmethod
    def _network(self, channels: int, classes: int) -> nn.Module:
        """Returns the network of the library."""

    def add_layers(self, network: SingleView, shape: Shape, classes: int) -> None:
        """Appends `network`, with new weights; none are downloaded."""
        made = self._network(shape[0], classes)
        if self.small_stem:
            make_stem_small(made, self._where)
        network.add_module("network", made)

    def build(self, views: Sequence[Shape], classes: int, *given: Any, **named: Any) -> SingleView:
        """Builds the network as others do, and tries whether it does what the suite relies on (`try_network`)."""
        made = super().build(views, classes, *given, **named)
        key = (self, tuple(views[0]), classes)
        if key not in _TRIED:
            try_network(made, views[0], classes, self._where)
            _TRIED.add(key)
        return made


_TRIED: set[tuple[_Zoo, Shape, int]] = set()


@dataclass(frozen=True)
class TorchVision(_Zoo):
    """A classifier of torchvision, such as `resnet18`, `densenet121`, `vgg11_bn` or `mobilenet_v3_small`.

    Where images have not three channels, the first convolution is made for as many.

    Attributes:
        arch: See `torchvision.models.list_models(module=torchvision.models)`.
        small_stem: Whether the stem is made for small images.
    """

    name: ClassVar[str] = "torchvision"

    def _network(self, channels: int, classes: int) -> nn.Module:
        from torchvision import models

        known = models.list_models(module=models)
        if self.arch not in known:
            raise SpecError(f"{self._where}: torchvision has none of that name; {_like(self.arch, known)}")
        network = models.get_model(self.arch, weights=None, num_classes=classes)
        if channels != 3:
            first = _first_convolution(network, self._where)
            first.in_channels = channels
            _new_weight(first, first.kernel_size)
        return network


@dataclass(frozen=True)
class Timm(_Zoo):
    """A classifier of timm (`pip install 'critical[timm]'`), such as `resnet18`, `resnetv2_50` or `convnext_atto`.

    Attributes:
        arch: See `timm.list_models()`.
        small_stem: Whether the stem is made for small images.
    """

    name: ClassVar[str] = "timm"

    def _network(self, channels: int, classes: int) -> nn.Module:
        try:
            import timm
        except ImportError as error:
            raise SpecError(f"model={self.name}: timm is not installed; pip install timm") from error
        if not timm.is_model(self.arch):
            raise SpecError(f"{self._where}: timm has none of that name; {_like(self.arch, timm.list_models())}")
        return timm.create_model(self.arch, pretrained=False, num_classes=classes, in_chans=channels)


def _like(arch: str, known: Iterable[str]) -> str:
    """Ends a message: the closest name, or a few of those that begin alike; there are hundreds."""
    names = sorted(known)
    said = closest(arch, names)
    if said.startswith("did"):
        return said
    return f"known are {', '.join([name for name in names if name[:3] == arch[:3]][:5] or names[:5])}, …"


def make_stem_small(network: nn.Module, where: str) -> None:
    """Lets the first layers of a network keep the size of the images.

    Raises:
        SpecError: It does not begin with a convolution of stride 2, or has no such stem.
    """
    first = _first_convolution(network, where)
    kernel, stride = first.kernel_size, first.stride
    if max(stride) > 2 or max(kernel) > 7:
        raise SpecError(
            f"{where}: begins with a convolution of {kernel[0]}×{kernel[1]} and stride {stride[0]}, not with a stem "
            "that could be made small; set small_stem=false"
        )
    pool = _early_pooling(network)
    if max(stride) == 1 and pool is None:
        raise SpecError(f"{where}: has no stem that makes images smaller; set small_stem=false")
    if max(kernel) > 3:
        _new_weight(first, (3, 3))
        first.padding = (1, 1)
    first.stride = (1, 1)
    if pool is not None:
        parent, _, name = pool.rpartition(".")
        setattr(network.get_submodule(parent), name, nn.Identity())


def _first_convolution(network: nn.Module, where: str) -> nn.Conv2d:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            return layer
    raise SpecError(f"{where}: has no convolution at its beginning")


def _early_pooling(network: nn.Module) -> str | None:
    """Returns the name of the max pooling of a stem: the one before the second convolution, or called so."""
    convolutions = 0
    for name, layer in network.named_modules():
        convolutions += isinstance(layer, nn.Conv2d)
        if isinstance(layer, nn.MaxPool2d) and (convolutions == 1 or name == "maxpool"):
            return name
    return None


def _new_weight(layer: nn.Conv2d, kernel: tuple[int, ...]) -> None:
    """Draws new weights of another kernel or for other channels; the layer stays the kind it is."""
    layer.kernel_size = kernel
    weight = torch.empty(layer.out_channels, layer.in_channels // layer.groups, *kernel)
    layer.weight = nn.Parameter(nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu"))
