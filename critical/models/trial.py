"""Networks from other libraries are tried before they train: what the suite relies on is measured, not assumed."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from critical.core.spec import SpecError
from critical.measures.fisher import trace_of_fisher


def try_network(network: nn.Module, shape: tuple[int, ...], classes: int, where: str) -> None:
    """Trains a copy on two random images and measures it, and leaves network and random state as they are.

    Tried are: logits of the right shape, a backward pass, an evaluation mode in which nothing is drawn at random
    (dropout that does not stop) and no example depends on another (batch normalisation without running statistics),
    an input that stays as it is, and the trace of the Fisher information.

    Args:
        network: On the CPU, called with one view (N, C, H, W) in [0, 1].
        shape: Of an image, (C, H, W).
        classes: Number of classes.
        where: Beginning of messages: `model=torchvision: arch=resnet18`.

    Raises:
        SpecError: Something is not so, in one line.
    """
    twin = copy.deepcopy(network)
    for name, layer in twin.named_modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.running_mean is None:
            raise SpecError(
                f"{where}: layer {name} normalises by its batch and keeps no running statistics, so examples depend on "
                "each other whatever the mode; choose another network"
            )
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.default_generator.manual_seed(0)
        images = torch.rand(2, *shape)
        given = images.clone()
        with _in_one_line(shape, where):
            logits = twin.train()(images)
            _check_logits(logits, classes, where)
            functional.cross_entropy(logits, torch.arange(2) % classes).backward()
            twin.eval()
            with torch.no_grad():
                first, again, alone = twin(images), twin(images), twin(images[:1])
        _check_logits(first, classes, where)
        if not torch.equal(images, given):
            raise SpecError(f"{where}: changes the images it is given; other parts of the suite still need them")
        if not torch.equal(first, again):
            raise SpecError(
                f"{where}: draws at random in evaluation mode (dropout that does not stop there?), so nothing measured "
                "would be of the network; choose another"
            )
        if not torch.allclose(first[:1], alone, rtol=1e-3, atol=1e-4 + 1e-3 * float(first.abs().max())):
            raise SpecError(
                f"{where}: the answer to an image depends on the others in its batch, in evaluation mode too; choose "
                "another network"
            )
        with _in_one_line(shape, where):
            trace_of_fisher(twin, [images], generator=torch.Generator().manual_seed(0), chunk=1)


@contextlib.contextmanager
def _in_one_line(shape: tuple[int, ...], where: str) -> Iterator[None]:
    """Turns what a network raises, which may be an error of any type, into one line."""
    try:
        yield
    except SpecError:
        raise
    except Exception as error:
        size, why = "×".join(map(str, shape)), f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise SpecError(
            f"{where}: cannot be trained on images of {size} ({why}); choose another network or data.resolution"
        ) from error


def _check_logits(logits: object, classes: int, where: str) -> None:
    if not isinstance(logits, torch.Tensor) or logits.shape != (2, classes):
        found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise SpecError(f"{where}: returns {found} for 2 images, not logits (2, {classes}); choose another network")
