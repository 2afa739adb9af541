"""What is claimed of networks of two unlike modalities, one of them cut off early or late at equal rates."""

from __future__ import annotations

from collections.abc import Mapping

from critical.core.batch import VIEWS
from critical.inference.claims import Claim
from experiments.design.modalities import Modalities, in_ids, with_article
from experiments.design.protocol import RESTART_AT_ONSET, SCHEDULE_WORDS, WindowArms, age, cost, harm
from experiments.design.sources import CVPR2023, JUMP, OURS
from experiments.design.two_streams import stream_claims, untrained


def cut_off_claims(
    view: str, name: str, parameters: Modalities, windows: Mapping[tuple[str, int], WindowArms], classes: int
) -> list[Claim]:
    """Returns what is claimed of the absence of a modality, early and late at equal rates.

    Args:
        view: The one that is absent.
        name: What it is called.
        parameters: Length of windows, and their two onsets.
        windows: By the modality that is absent and the onset.
        classes: Number of classes of the data.
    """
    early, late = (windows[view, onset] for onset in parameters.onsets)
    the, id, rates = with_article(name), in_ids(name), SCHEDULE_WORDS[RESTART_AT_ONSET]
    seen, stream = f"decoding_{view}", f"probe_maps_{view}"
    what = f"The absence of {the} in the first {parameters.length} epochs"
    return [
        *stream_claims(f"modality.{id}_", CVPR2023, early, view, what, rates, f"{name} cut off",
                       places=False, floor=untrained(early.fresh, stream), classes=classes),
        Claim(f"modality.{id}_early", CVPR2023, age(early, late, seen), "greater",
              f"The absence of {the} costs the network more of it early than in a late window of the same rates.",
              differs=JUMP, short=f"{name} cut off: early costs more"),
        Claim(f"modality.{id}_early_impaired", OURS, age(early, late, stream), "greater",
              f"The absence of {the} costs its stream more early than in a late window of the same rates: a "
              "linear probe reads less.", differs=JUMP, short=f"{name} stream: early costs more"),
        Claim(f"modality.{id}_decoded_harm", OURS, harm(early, seen), "greater",
              f"{what} leaves less that the network tells from {the} alone than a fresh network does.",
              short=f"{name} cut off: damage, decoded"),
        Claim(f"modality.{id}_impaired_harm", OURS, harm(early, stream), "greater",
              f"{what} leaves less for a linear probe in its stream than a fresh network has there.",
              short=f"{name} cut off: damage, stream"),
        Claim(f"modality.{id}_cost", OURS, cost(early), "greater", f"{what} costs accuracy from both.",
              short=f"{name} cut off: costs accuracy"),
    ]  # fmt: skip


def hard_and_easy(easy: str, first: Mapping[str, WindowArms], names: Mapping[str, str]) -> list[Claim]:
    """Returns what is claimed of the harder modality beside the easier one; `first` has the early windows."""
    hard = next(view for view in VIEWS if view != easy)
    lost = {view: cost(held, f"use_{view}") for view, held in first.items()}
    return [
        Claim("modality.hard_matters", OURS, lost[hard] - lost[easy], "greater",
              f"The harder one ({names[hard]}) loses more of its use than the easier one when it is cut off.",
              short="harder one loses more of its use"),
        *(Claim(f"modality.{which}", OURS, harm(first[view]), "greater",
                f"A network without {with_article(names[view])} in its first epochs ends below a fresh one.",
                short=f"no {names[view]}: below a fresh network")
          for which, view in (("harm", hard), ("easy_harm", easy))),
    ]  # fmt: skip
