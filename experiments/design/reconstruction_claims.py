"""What is claimed of networks that redraw masked patches before they learn labels, and of those with labels alone."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from critical.inference.arms import Contrast
from critical.inference.claims import Claim
from experiments.design.objectives import ACROSS, APART, AUXILIARY, LABELS, LONG, SLOW
from experiments.design.premises import at_chance, learns
from experiments.design.protocol import WindowArms, age, cost, damage
from experiments.design.sources import CVPR2023, OURS

IDS = {LABELS: "labels", ACROSS: "redrawing", LONG: "equal", APART: "apart", AUXILIARY: "auxiliary", SLOW: "slow"}
"""How ids of claims call an objective."""
STEPS = "Rates are constant, and as many clean epochs follow a window whatever its onset; the paper's total is fixed."
RATIO = "The paper pre-trains for 800 epochs without labels and trains 120 with them; here both have as many."

make = functools.partial(Claim, direction="greater")


def named(*ids: str) -> tuple[str, ...]:
    """Returns the ids of claims of this figure."""
    return tuple(f"reconstruction.{id}" for id in ids)


BOTH = named("supervised_cost", "first_phase_helps")
"""That there is something to prevent, and something to lose."""


def premises(first: Mapping[str, WindowArms], classes: int) -> list[Claim]:
    """Returns that each network learns, and that redrawing gives something; `first` has the early window."""
    redrawn = first[ACROSS]
    return [
        *(learns(f"reconstruction.{IDS[key]}_learns", one.dose_matched, classes, f"The network of '{key}'",
                 f"{key}: it learns") for key, one in first.items()),
        make("reconstruction.first_phase_helps", OURS, redrawn.dose_matched - redrawn.fresh,
             sentence="Redrawing first gives more than the fine-tuning alone: there is something to lose.",
             short="redrawing first helps", requires=named("redrawing_learns")),
    ]  # fmt: skip


def of_the_paper(labels: Mapping[int, WindowArms], redrawn: Mapping[int, WindowArms]) -> list[Claim]:
    """Returns the paper's claims, about windows by their onsets."""
    early, *_, late = labels
    saved = {onset: cost(labels[onset]) - cost(redrawn[onset]) for onset in labels}
    mean = 1 / len(saved) * functools.reduce(Contrast.__add__, saved.values())
    return [
        make("reconstruction.supervised_cost", CVPR2023, cost(labels[early]), differs=RATIO,
             sentence=f"A dissociation from epoch {early} on costs accuracy of a network that is trained with labels.",
             short="labels: costs accuracy", requires=named("labels_learns")),
        make("reconstruction.supervised_early", CVPR2023, age(labels[early], labels[late]), differs=STEPS,
             sentence=f"With labels it costs more from epoch {early} on than from epoch {late} on.",
             short="labels: costs more early", requires=named("supervised_cost")),
        make("reconstruction.costs_less", CVPR2023, saved[early], differs=RATIO, requires=BOTH,
             sentence=f"From epoch {early} on it costs less of a network that redraws patches of both views first.",
             short="reconstruction: costs less"),
        Claim("reconstruction.costs_little", CVPR2023, cost(redrawn[early]), "not greater", differs=RATIO,
              sentence="Of that network it costs no accuracy that matters.", short="reconstruction: costs nothing",
              requires=BOTH),
        make("reconstruction.costs_less_everywhere", CVPR2023, mean, differs=STEPS, requires=BOTH,
             sentence="Averaged over all onsets, it costs less of the network that redraws than of that with labels.",
             short="reconstruction: less at all onsets"),
        make("reconstruction.supervised_damage", OURS, damage(labels[early]), requires=named("labels_learns"),
             sentence="With labels, a network that skips the early window ends above: what it costs is damage, too.",
             short="labels: damage is done"),
        make("reconstruction.supervised_damage_early", OURS, damage(labels[early]) - damage(labels[late]),
             sentence="With labels, the early window does more damage than the late one.",
             short="labels: more damage early", requires=named("supervised_damage")),
    ]  # fmt: skip


def controls(first: Mapping[str, WindowArms], probe: str) -> list[Claim]:
    """Returns what else may give the same numbers; `probe` is the column of a linear probe before the fine-tuning."""
    labels, redrawn, equal, apart, auxiliary, slow = (first[key] for key in IDS)
    share = {key: one.deficit.log("error") - one.dose_matched.log("error") for key, one in first.items()}
    rows: list[tuple[str, Contrast, str, str, tuple[str, ...]]] = [
        ("share", share[LABELS] - share[ACROSS],
         "It multiplies the error by more with labels: it is not only that clean networks end at different levels.",
         "reconstruction: errors too", BOTH),
        ("equal_labels", cost(labels) - cost(equal),
         "With as many labelled steps, too, it costs less of the network that redraws first.",
         "equal labelled steps: costs less", (*BOTH, *named("equal_learns"))),
        ("ends_above", equal.deficit - labels.deficit,
         "After it, the network that redraws first and has as many labelled steps ends above that with labels alone.",
         "equal labelled steps: ends above", named("supervised_cost", "equal_learns")),
        ("supervised_probe", cost(labels, probe),
         "Before the fine-tuning, a linear probe reads less from the encoder that labels trained.",
         "labels: a probe reads less", named("labels_learns")),
        ("probe_costs_less", cost(labels, probe) - cost(redrawn, probe),
         "A linear probe loses less of the encoder that redraws: it is not the fine-tuning that mends it.",
         "reconstruction: probe loses less", named("supervised_probe", "first_phase_helps")),
        ("apart_costs_less", cost(labels) - cost(apart),
         "It costs less of a network that redraws each view by itself, too: to do without labels is enough.",
         "each view by itself: costs less", named("supervised_cost", "apart_learns")),
        ("across_costs_less", cost(apart) - cost(redrawn),
         "It costs less where both views are redrawn from each other than where each is by itself.",
         "both views: costs less than each", (*BOTH, *named("apart_learns"))),
        ("across_helps", redrawn.dose_matched - apart.dose_matched,
         "Clean networks end higher where both views are redrawn from each other than where each is by itself.",
         "both views: clean ends higher", named("redrawing_learns")),
        ("auxiliary_costs_less", cost(labels) - cost(auxiliary),
         "It costs less with reconstruction as an auxiliary loss of labels than with labels alone.",
         "auxiliary loss: costs less", named("supervised_cost", "auxiliary_learns")),
        ("auxiliary_beyond_slowing", cost(slow) - cost(auxiliary),
         "It costs less with the auxiliary loss than where the trunk learns labels slowly.",
         "auxiliary loss: beats slow trunk", named("auxiliary_costs_less", "slow_learns")),
        ("beyond_slowing", cost(slow) - cost(redrawn),
         "It costs less of the network that redraws than where the trunk learns labels slowly.",
         "reconstruction: beats slow trunk", named("costs_less", "slow_learns")),
    ]  # fmt: skip
    found = [make(f"reconstruction.{id}", OURS, contrast, sentence=sentence, short=short, requires=requires)
             for id, contrast, sentence, short, requires in rows]  # fmt: skip
    price = Claim("reconstruction.price", OURS, labels.dose_matched - equal.dose_matched, "not greater",
                  "To redraw first costs clean networks nothing where labelled steps are as many.",
                  short="redrawing first: clean unharmed", requires=named("labels_learns"))  # fmt: skip
    return [*found, price]


def of_motion(labels: WindowArms, redrawn: WindowArms, classes: int, early: int) -> list[Claim]:
    """Returns the same of moving letters, whose direction no frame tells by itself."""
    pair, needs = {LABELS: labels, ACROSS: redrawn}, named("motion_cost", "motion_helps")
    return [
        *(learns(f"reconstruction.motion_{IDS[key]}_learns", one.dose_matched, classes,
                 f"The network of '{key}' on moving letters", f"motion, {key}: it learns")
          for key, one in pair.items()),
        at_chance("reconstruction.motion_at_chance", labels.dose_matched, classes, "The network with labels on moving "
                  "letters", "motion: one frame tells nothing"),
        make("reconstruction.motion_helps", OURS, redrawn.dose_matched - redrawn.fresh,
             sentence="On moving letters, redrawing first gives more than the fine-tuning alone.",
             short="motion: redrawing first helps", requires=named("motion_redrawing_learns")),
        make("reconstruction.motion_cost", CVPR2023, cost(labels),
             sentence=f"On moving letters, a dissociation from epoch {early} on costs accuracy with labels.",
             short="motion, labels: costs accuracy", requires=named("motion_labels_learns", "motion_at_chance")),
        make("reconstruction.motion_costs_less", CVPR2023, cost(labels) - cost(redrawn),
             sentence="On moving letters, it costs less of the network that redraws first.", requires=needs,
             short="motion: reconstruction costs less"),
        Claim("reconstruction.motion_costs_little", CVPR2023, cost(redrawn), "not greater",
              "On moving letters, it costs that network no accuracy that matters.", requires=needs,
              short="motion: reconstruction: nothing"),
    ]  # fmt: skip
