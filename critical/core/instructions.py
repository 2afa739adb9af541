"""Which CPU instructions a process uses: chosen by environment variables, before torch and NumPy are imported.

Sums of floating-point numbers depend on their order, and the order on how many fit into a register. So libraries that
choose their kernels by the processor give other bits on another processor. `portable` pins all of them:

| variable | what it pins |
| --- | --- |
| ATEN_CPU_CAPABILITY=avx2 | torch's own vectorised operations (SLEEF, softmax, attention) |
| ONEDNN_MAX_CPU_ISA=AVX2 | convolutions |
| MKL_CBWR=COMPATIBLE | torch's matrix products, `exp`, `erf`, `linalg`: nothing above SSE2 |
| OPENBLAS_CORETYPE=Haswell | matrix products and `linalg` of NumPy, SciPy and scikit-learn |
| NPY_DISABLE_CPU_FEATURES=… | NumPy's `exp`, `log`, powers |

MKL takes other kernels on AMD than on Intel, and MKL_CBWR=AVX2 and MKL_ENABLE_INSTRUCTIONS change nothing on AMD; only
COMPATIBLE gives both the same bits. libm (Python's `math`), `torch.sum`, batch normalisation and random draws had the
same bits with and without any of this.

Equality was seen with torch 2.14, NumPy 2.4 and SciPy 1.17 on Linux: on a Xeon with AVX-512 (family 6, model 167),
and on the same Xeon where the instruction CPUID answers as that of a Haswell Xeon, or of an AMD EPYC of Zen 3, does
(features, vendor, cache sizes): operations, and every measured column of two epochs of All-CNN, MLP, the two-stream
ResNet and the network of two modalities. `benchmarks/portable_bits.py` repeats it and prints hashes by which machines
can be compared. No AMD processor itself was tried with all five variables. Other versions of the libraries, other
systems and accelerators have other bits. What portable bits cost stands in docs/performance.md.
"""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path

KINDS = ("portable", "native")
SWITCH = "CRITICAL_INSTRUCTIONS"
"""Environment variable: `portable` or `native`; what is best here when it is not set."""
PINNED = "CRITICAL_PINNED"
"""Environment variable by which a process tells its children which variables are not a person's."""

CHECKED = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "COMPATIBLE"}
"""What the bits of runs depend on."""


def further() -> dict[str, str]:
    """Returns what the numbers derived from runs depend on; pinned like the others, but not insisted on."""
    try:
        version = tuple(int(part) for part in metadata.version("numpy").split(".")[:2])
    except (metadata.PackageNotFoundError, ValueError):
        version = (0, 0)
    # NumPy warns of names that it does not know.
    old = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
    features = "X86_V4 AVX512_ICL AVX512_SPR" if version >= (2, 4) else old
    return {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": features}


def cpu_flags() -> frozenset[str]:
    """Returns the features of the processor as Linux lists them; nothing where it cannot be known."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    return next((frozenset(line.split(":", 1)[1].split()) for line in lines if line.startswith("flags")), frozenset())


def possible() -> bool:
    """Returns whether this processor can be `portable`: x86-64 with AVX2."""
    flags = cpu_flags()
    return platform.machine().lower() in ("x86_64", "amd64") and (not flags or "avx2" in flags)


def chosen() -> str:
    """Returns what `auto` means on the CPU: what the switch says, else `portable` wherever that is possible."""
    wanted = os.environ.get(SWITCH)
    return wanted if wanted in KINDS else "portable" if possible() else "native"


def pin() -> None:
    """Sets the variables of `portable`, unless `native` is wanted or torch is imported already.

    What a person set stays. Called when `critical` is imported; children inherit the variables.
    """
    own = [name for name in os.environ.get(PINNED, "").split(",") if name]
    if "torch" in sys.modules:
        pass
    elif chosen() == "native":
        for name in (PINNED, *own):
            os.environ.pop(name, None)
    else:
        new = {name: value for name, value in {**CHECKED, **further()}.items() if name not in os.environ}
        os.environ.update(new)
        os.environ[PINNED] = ",".join([*own, *new])
    _seen.clear()
    _seen.update({name: os.environ.get(name, "") for name in CHECKED})


def in_use() -> str:
    """Returns which kind this process runs: `portable` where every variable that counts was set in time."""
    return "portable" if possible() and not _unlike() else "native"


def problem(wanted: str) -> str:
    """Says in one line why this process cannot run a kind, and what to do; empty where it can.

    Args:
        wanted: `portable` or `native`.
    """
    where = f"arithmetic.instructions={wanted}"
    if os.environ.get(SWITCH, "native") not in KINDS:
        return f"{SWITCH}={os.environ[SWITCH]}: one of {', '.join(KINDS)}"
    if wanted == in_use():
        return ""
    if wanted == "native":
        if os.environ.get(SWITCH) == "native":
            return f"{where}: {', '.join(CHECKED)} are set to what is portable; unset them"
        return f"{where}: this process runs portable ones; set {SWITCH}=native before Python starts"
    if not possible():
        return f"{where}: needs an x86-64 processor with AVX2; use arithmetic.instructions=native"
    if os.environ.get(SWITCH) == "native":
        return f"{where}: {SWITCH}=native is set; unset it, or use arithmetic.instructions=native"
    name = next(iter(_unlike()))
    if _seen[name]:
        return f"{where}: {name}={_seen[name]} is set, {CHECKED[name]} is portable; unset it, or use {SWITCH}=native"
    return f"{where}: torch was imported before critical; import critical first, or set {SWITCH}=native"


def variables(kind: str) -> dict[str, str]:
    """Returns the environment of a child that is to run a kind: a person's variables, without what was pinned here."""
    own = {PINNED, *os.environ.get(PINNED, "").split(",")}
    return {**{name: value for name, value in os.environ.items() if name not in own}, SWITCH: kind}


def _unlike() -> list[str]:
    """Returns the variables that were not as `portable` wants them when torch was imported."""
    return [name for name, value in CHECKED.items() if _seen.get(name, "").lower() != value.lower()]


_seen: dict[str, str] = {}
"""The variables as torch sees them."""
