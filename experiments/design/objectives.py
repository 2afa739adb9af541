"""What a network of two views is trained for before its labels: labels already, or the redrawing of masked patches.

Every network has a first phase at a constant rate, in which an objective is trained, and then a fine-tuning of all its
weights with labels, from the same rate on, its optimiser emptied. A window of the first phase begins at some epoch, and
as many clean epochs follow it at every onset, at the rate that it had itself: neither the rate nor the steps after the
window differ between onsets or objectives.

With labels in the first phase, the heads of either view answer, on pairs that belong together in clean epochs, and the
head of both is trained in the fine-tuning alone, as it is after a first phase without labels. A clean first phase is as
long as those before it with a window, or shorter by the window, so a clean network serves several onsets: as the
dose-matched one of an onset, and as the one that skips the next one's window.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from critical.core.spec import SpecError
from critical.data import Glyphs, MovingGlyphs
from critical.data.motion import DIRECTIONS
from critical.deficits import Deficit, NoDeficit, RandomLabels, SplitHeads
from critical.inference.arms import Arm
from critical.models import TwoViewTransformer
from critical.probes import Accuracy, CodeProbe, Decoding
from critical.stabilizers import CrossSensorReconstruction, MaskedAutoencoder, SlowTrunk, Stabilizer, StabilizerWindow
from critical.training.schedules import Stages
from critical.training.timeline import Timeline, Window
from experiments.design.measuring import measuring
from experiments.design.parameters import Parameters, ascending, at_least
from experiments.design.protocol import DEFICIT, DOSE_MATCHED, FRESH, Protocol, WindowArms
from experiments.design.schedules import Rates

LABELS, ACROSS, APART = "labels", "reconstruction", "each view by itself"
AUXILIARY, SLOW = "auxiliary loss", "slow trunk"
LONG = "equal labelled steps"
"""Of a fine-tuning with as many labelled epochs as the network with labels has of clean ones; one more of `ACROSS`."""
NOISE = "random labels"
"""A network with labels that are random in the window, of pairs that belong together."""


@dataclass(frozen=True)
class FirstPhase(Parameters):
    """What a profile may set.

    Attributes:
        length: Epochs of the window.
        onsets: Its first epochs; ascending, at least two.
        after: Clean epochs of the first phase after the window.
        auxiliary: Weight of the auxiliary loss of cross-sensor reconstruction.
        slow: Learning rate of the slow trunk, as a share.
        motion_pairs: Pairs of frames of moving letters, a multiple of 20; 0: they are not trained on.
    """

    length: int
    onsets: tuple[int, ...]
    after: int
    auxiliary: float = 1.0
    slow: float = SlowTrunk.factor
    motion_pairs: int = 0

    def __post_init__(self) -> None:
        at_least(1, length=self.length, after=self.after)
        at_least(0, motion_pairs=self.motion_pairs)
        if self.motion_pairs % 20:
            raise SpecError(f"motion_pairs={self.motion_pairs}: a multiple of 20 is wanted, of letters and directions")
        ascending(0, 2, onsets=self.onsets)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the longest window at as many onsets as there are points, one behind the other."""
        length = protocol.longest_window
        onsets = tuple(length * number for number in range(max(2, protocol.points)))
        return {"length": length, "onsets": onsets, "after": 2 * length}

    @property
    def ends(self) -> tuple[int, ...]:
        """The first epoch after each window."""
        return tuple(onset + self.length for onset in self.onsets)

    def phase(self, onset: int) -> int:
        """Returns the epochs of a first phase with a window."""
        return onset + self.length + self.after

    def objectives(self) -> dict[str, Stabilizer | None]:
        """Returns what acts in the first phase, by objective; nothing beside plain labels."""
        return {
            LABELS: None,
            ACROSS: MaskedAutoencoder(),
            APART: MaskedAutoencoder(across=False),
            AUXILIARY: CrossSensorReconstruction(self.auxiliary),
            SLOW: SlowTrunk(self.slow),
        }


def measuring_ends(protocol: Protocol, parameters: FirstPhase) -> Protocol:
    """Returns a protocol that measures accuracy and code at the end of each window, too: what was learnt in it."""
    often = math.gcd(*parameters.ends)
    held = [probe for probe in protocol.parts.probes if isinstance(probe, (Accuracy, CodeProbe))]
    return measuring(protocol, *(replace(probe, every=math.gcd(probe.every, often)) for probe in held))


def windows(
    protocol: Protocol,
    parameters: FirstPhase,
    objective: str,
    onsets: tuple[int, ...],
    budget: int | None = None,
    acting: tuple[Deficit, ...] | None = None,
) -> dict[int, WindowArms]:
    """Returns the arms of a window in the first phase, by its onset.

    Args:
        protocol: The settings.
        parameters: The windows.
        objective: A key of `FirstPhase.objectives`.
        onsets: Some of the onsets.
        budget: Epochs of fine-tuning, in which the rate falls as far as in a standard recovery; that when left out.
        acting: What acts in the window, at once; the protocol's deficit when left out.

    Raises:
        SpecError: Another network, or one without heads for either view.
    """
    network = protocol.parts.model
    if not isinstance(network, TwoViewTransformer) or not network.heads:
        raise SpecError("transformer.model: its patches are masked; take two_view_transformer with heads=true")
    budget = protocol.recovery if budget is None else budget
    stabilizer = parameters.objectives()[objective]
    labelled = stabilizer is None or stabilizer.labels
    ill = (protocol.deficit,) if acting is None else acting
    nothing: Deficit = SplitHeads() if labelled else NoDeficit()
    decay = Rates(protocol.rate, protocol.decay, protocol.recovery).recovery_decay(budget)

    def trained(seen: list[tuple[Deficit, int, int]], phase: int, role: str, words: str, **tags: Any) -> Arm:
        later = ((float(phase), protocol.rate, decay),) if phase else ()
        rates = Stages(rate=protocol.rate, decay=1.0 if phase else decay, later=later,
                       reset_optimizer=protocol.reset_optimizer)  # fmt: skip
        held = tuple(Window(start, end, one) for one, start, end in seen if start < end)
        during = (StabilizerWindow(stabilizer, 0, phase),) if stabilizer and phase else ()
        run = protocol.parts.run(0, rates, Timeline(phase + budget, held), during)
        place = {"schedule": "constant rate, then decaying", "budget": budget, "phase": phase, **protocol.tags}
        said = f" ({place['variant']})" if "variant" in place else ""
        label = f"{words}, then {budget} epochs of labels{said}"
        return Arm(run, {"label": label, "role": role, "objective": objective, **place, **tags})

    def clean(phase: int) -> Arm:
        epochs = "epoch" if phase == 1 else "epochs"
        return trained([(nothing, 0, phase)], phase, DOSE_MATCHED, f"{objective}: {phase} clean {epochs}",
                       deficit="none", onset=0, length=phase, removal=phase)  # fmt: skip

    def deficient(onset: int) -> Arm:
        end, phase = onset + parameters.length, parameters.phase(onset)
        seen = [(nothing, 0, onset), *((one, onset, end) for one in ill), (nothing, end, phase)]
        name = "+".join(one.name for one in ill)
        return trained(seen, phase, DEFICIT, f"{objective}: {phase} epochs, {name} in [{onset}, {end})",
                       deficit=name, onset=onset, length=parameters.length, removal=end)  # fmt: skip

    fresh = trained([], 0, FRESH, "no first phase", deficit="none", onset=0, length=0, removal=0).but(objective="none")
    return {
        onset: WindowArms(
            deficit=deficient(onset), dose_matched=clean(parameters.phase(onset)), fresh=fresh, from_scratch=fresh,
            skip=clean(onset + parameters.after),
        )
        for onset in onsets
    }  # fmt: skip


def moving(protocol: Protocol, parameters: FirstPhase) -> Protocol:
    """Returns the protocol with moving letters, as easy as they get, and what is decoded of each frame."""
    given, like = protocol.parts.data, {}
    if isinstance(given, Glyphs):
        # Sizes of moving letters are multiples of 20.
        like = {"resolution": given.resolution, "test_size": max(20, given.test_size // 20 * 20), "seed": given.seed}
    data = MovingGlyphs(train_size=parameters.motion_pairs, contrast=0.9, noise=0.02, jitter=0.2, fonts=2,
                        root=given.root, **like)  # fmt: skip
    return measuring(protocol.variant("moving letters", data=data), Decoding(partners=10, every=0))


def of_motion(protocol: Protocol, parameters: FirstPhase, onset: int) -> dict[str, WindowArms]:
    """Returns the window on moving letters with labels, redrawing, and random labels in it.

    No frame tells the direction, so labels of dissociated pairs are noise to a network: so are random ones of
    pairs that belong together, of which the same heads answer.
    """
    moved = moving(protocol, parameters)
    random = (SplitHeads(), RandomLabels(classes=len(DIRECTIONS)))
    kinds = ((LABELS, LABELS, None), (NOISE, LABELS, random), (ACROSS, ACROSS, None))
    return {key: windows(moved, parameters, objective, (onset,), acting=acting)[onset]
            for key, objective, acting in kinds}  # fmt: skip
