"""What changes the bits of a result without changing its meaning: device, threads, precision, layout."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import torch

from critical.core import instructions as cpu
from critical.core.spec import SpecError, execution

DEVICES = ("cpu", "cuda", "mps")
PRECISIONS = {"fp32": None, "tf32": None, "bf16": torch.bfloat16}


def available_device(wanted: str) -> str:
    """Resolves `auto` to CUDA, then MPS, then the CPU; refuses a device that is not there.

    Args:
        wanted: `auto`, `cpu`, `cuda` or `mps`.

    Returns:
        One of `cpu`, `cuda`, `mps`.

    Raises:
        SpecError: If the device is unknown or not available on this machine.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if there[device])
    if wanted not in there:
        raise SpecError(f"device={wanted}: not a device; known: auto, {', '.join(there)}")
    if not there[wanted]:
        raise SpecError(f"device={wanted}: torch finds none on this machine; use device=auto or device=cpu")
    return wanted


class WrongInstructions(SpecError):
    """This process runs other CPU instructions than a run wants; another process could run it."""


def available_instructions(wanted: str, device: str) -> str:
    """Resolves `auto`: `portable` on an x86-64 CPU with AVX2, unless CRITICAL_INSTRUCTIONS says otherwise.

    Args:
        wanted: `auto`, `portable` or `native`.
        device: `cpu`, `cuda` or `mps`.

    Returns:
        `portable` or `native`.

    Raises:
        SpecError: If the kind is unknown or cannot be had on this machine.
    """
    if wanted == "auto":
        return cpu.chosen() if device == "cpu" else "native"
    if wanted not in cpu.KINDS:
        raise SpecError(f"arithmetic.instructions={wanted}: one of auto, {', '.join(cpu.KINDS)}")
    if wanted == "portable" and device != "cpu":
        raise SpecError(f"arithmetic.instructions=portable: device={device} has bits of its own; use auto or native")
    if wanted == "portable" and not cpu.possible():
        raise SpecError(cpu.problem(wanted))
    return wanted


@dataclass(frozen=True)
class Arithmetic:
    """Device, threads and number formats: part of a run's identity, since they change its bits.

    Attributes:
        device: `cpu`, `cuda` or `mps` (resolved, never `auto`).
        threads: Threads of a run on the CPU; results differ in the last bits between 1 and 2
            threads, so it is 1 unless told otherwise, and the cores are filled with runs.
        precision: `fp32`; `tf32`, where CUDA's convolutions round their inputs to ten bits; or `bf16` for autocast
            of the forward pass.
        channels_last: Memory layout of the convolutions.
        compile: Whether the network goes through `torch.compile`.
        instructions: Of the CPU: `portable` (AVX2 at most, so that all x86-64 machines of the last ten years give the
            same bits; see `critical.core.instructions`) or `native` (whatever the processor has). On an accelerator
            always `native`: its bits are its own, whatever the CPU beside it does.
        graphs: Whether the steps of an epoch on CUDA are replays of one graph, see `critical.training.graphs`: with
            SGD, without `compile`, and where no stabiliser acts. The kernels, and so the bits, are the same; a network
            that decides in Python by what changes from batch to batch needs false.
    """

    name: ClassVar[str] = "arithmetic"
    device: str = "cpu"
    threads: int = 1
    precision: str = "fp32"
    channels_last: bool = True
    compile: bool = False
    instructions: str = field(default_factory=cpu.chosen)
    graphs: bool = execution(True)

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise SpecError(f"device={self.device}: not one of {', '.join(DEVICES)}")
        if self.threads < 1:
            raise SpecError(f"arithmetic.threads={self.threads}: at least 1")
        if self.instructions not in cpu.KINDS:
            raise SpecError(f"arithmetic.instructions={self.instructions}: one of {', '.join(cpu.KINDS)}")
        if self.device != "cpu":
            # One identity for one computation.
            object.__setattr__(self, "instructions", "native")
        if self.precision not in PRECISIONS:
            raise SpecError(f"arithmetic.precision={self.precision}: one of {', '.join(PRECISIONS)}")
        if self.precision == "tf32" and self.device != "cuda":
            raise SpecError(f"arithmetic.precision=tf32: device={self.device} has none; use fp32")

    def check(self) -> None:
        """Refuses a process that runs other CPU instructions than these.

        Raises:
            WrongInstructions: It does; says what to do, in one line.
        """
        if self.device != "cpu":
            return
        reason = cpu.problem(self.instructions)
        if not reason and self.instructions == "portable":
            capability = torch.backends.cpu.get_cpu_capability()
            if capability != "AVX2":
                reason = (f"arithmetic.instructions=portable: torch runs {capability}, not AVX2; import critical "
                          f"before whatever uses torch, or set {cpu.SWITCH}=native")  # fmt: skip
        if reason:
            raise WrongInstructions(reason)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Sets the thread count of this process for a block and restores it.

        On CUDA cuDNN takes the same kernels in every process, and `fp32` means single precision, not torch's TF32.

        Raises:
            WrongInstructions: As `check`.
        """
        self.check()
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            with _same_kernels(self.precision == "tf32") if self.device == "cuda" else contextlib.nullcontext():
                yield
        finally:
            torch.set_num_threads(before)

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Returns the autocast context of the forward pass (a null context for fp32)."""
        dtype = PRECISIONS[self.precision]
        return torch.autocast(self.device, dtype=dtype) if dtype else contextlib.nullcontext()

    def place(self, views: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """Lays out images (N, C, H, W) as the network wants them; other views pass."""
        if not self.channels_last:
            return views
        return tuple(
            view.contiguous(memory_format=torch.channels_last) if view.ndim == 4 else view for view in views
        )

    def prepare(self, model: torch.nn.Module) -> torch.nn.Module:
        """Moves a network to the device, in the chosen layout."""
        model = model.to(self.device)
        if self.channels_last:
            model = model.to(memory_format=torch.channels_last)
        return model


@contextlib.contextmanager
def _same_kernels(tf32: bool) -> Iterator[None]:
    """Sets cuDNN's switches for a block and restores them."""
    wanted = {"deterministic": True, "benchmark": False, "allow_tf32": tf32}
    before = {name: getattr(torch.backends.cudnn, name) for name in wanted}
    try:
        for name, value in wanted.items():
            setattr(torch.backends.cudnn, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(torch.backends.cudnn, name, value)
