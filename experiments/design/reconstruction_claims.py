"""What is claimed of networks that redraw masked patches before they learn labels, and of those with labels alone."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from critical.inference.arms import Arm, Contrast, Within, mean
from critical.inference.claims import Claim
from experiments.design.objectives import ACROSS, APART, AUXILIARY, LABELS, LONG, NOISE, SLOW
from experiments.design.premises import at_chance, learns
from experiments.design.protocol import WindowArms, age, cost, damage, missed, opportunity
from experiments.design.sources import CVPR2023, OURS

IDS = {LABELS: "labels", ACROSS: "redrawing", LONG: "equal", APART: "apart", AUXILIARY: "auxiliary", SLOW: "slow"}
"""How ids of claims call an objective."""
STEPS = "Rates are constant, and as many clean epochs follow each window, early or late; the paper's total is fixed."
RATIO = "The paper pre-trains for 800 epochs without labels and trains 120 with them; here both have as many."
NOISY = ("No frame tells the direction, so to a network with labels those of dissociated pairs are noise; an "
         "auto-encoder sees none.")  # fmt: skip

make = functools.partial(Claim, direction="greater")
Row = tuple[str, Contrast | Within, str, str, tuple[str, ...]]


def named(*ids: str) -> tuple[str, ...]:
    """Returns the ids of claims of this figure."""
    return tuple(f"reconstruction.{id}" for id in ids)


BOTH = named("labels_lose", "first_phase_helps")
"""That there is something to prevent, and something to lose."""
EQUAL = (*BOTH, *named("equal_learns", "equal_helps"))


def premises(first: Mapping[str, WindowArms], classes: int) -> list[Claim]:
    """Returns that each network learns, what a first phase gives and what labels lose; `first` has early windows."""
    labels, redrawn, equal = first[LABELS], first[ACROSS], first[LONG]
    return [
        *(learns(f"reconstruction.{IDS[key]}_learns", one.dose_matched, classes, f"The network of '{key}'",
                 f"{key}: it learns") for key, one in first.items()),
        make("reconstruction.labels_lose", OURS, cost(labels), requires=named("labels_learns"),
             sentence="With labels, a dissociation costs accuracy that matters: there is something to prevent.",
             short="labels: something to prevent"),
        make("reconstruction.first_phase_helps", OURS, opportunity(redrawn),
             sentence="Redrawing first gives more than the fine-tuning alone: there is something to lose.",
             short="redrawing first helps", requires=named("redrawing_learns")),
        make("reconstruction.equal_helps", OURS, opportunity(equal),
             sentence="It gives more than fine-tuning alone where that is as long as labels have clean epochs, too.",
             short="equal labelled steps: helps, too", requires=named("equal_learns")),
    ]  # fmt: skip


def of_the_paper(labels: Mapping[int, WindowArms], redrawn: Mapping[int, WindowArms]) -> list[Claim]:
    """Returns the paper's claims and those on damage and age, about windows by their onsets."""
    early, *_, late = labels
    saved = {onset: cost(labels[onset]) - cost(redrawn[onset]) for onset in labels}
    ages = [age(held[early], held[late]) for held in (labels, redrawn)]
    aged = (*BOTH, *named("supervised_early"))
    return [
        # Figure 8: up to 20 points.
        make("reconstruction.supervised_cost", CVPR2023, cost(labels[early]), paper_effect=20.0,
             differs=f"{RATIO} Up to 20 points is the paper's largest cost of any onset.",
             sentence=f"A dissociation from epoch {early} on costs accuracy of a network that is trained with labels.",
             short="labels: costs accuracy", requires=named("labels_learns")),
        make("reconstruction.supervised_early", CVPR2023, ages[0], differs=STEPS,
             sentence=f"With labels it costs more from epoch {early} on than from epoch {late} on.",
             short="labels: costs more early", requires=named("labels_lose")),
        make("reconstruction.costs_less", CVPR2023, saved[early], differs=RATIO, requires=BOTH,
             sentence=f"From epoch {early} on it costs less of a network that redraws patches of both views first.",
             short="reconstruction: costs less"),
        Claim("reconstruction.costs_little", CVPR2023, cost(redrawn[early]), "not greater", differs=RATIO,
              sentence="A network that redraws first loses no accuracy that matters by a dissociation.",
              short="reconstruction: costs nothing", requires=BOTH),
        make("reconstruction.costs_less_everywhere", CVPR2023, mean(saved.values()), differs=STEPS, requires=BOTH,
             sentence="Averaged over all onsets, it costs less of the network that redraws than of that with labels.",
             short="reconstruction: less at all onsets"),
        Claim("reconstruction.redrawing_ageless", CVPR2023, ages[1], "not greater", differs=STEPS, requires=aged,
              sentence=f"Of the network that redraws it costs no more from epoch {early} on than from epoch {late} on.",
              short="reconstruction: no more early"),
        make("reconstruction.less_by_age", OURS, ages[0] - ages[1], requires=aged,
             sentence="The early window costs more than the late one by less where a network redraws than with labels.",
             short="reconstruction: less by age"),
        make("reconstruction.supervised_damage", OURS, damage(labels[early]), requires=named("labels_learns"),
             sentence="With labels, a network that skips the early window ends above: what it costs is damage, too.",
             short="labels: damage is done"),
        make("reconstruction.supervised_damage_early", OURS, damage(labels[early]) - damage(labels[late]),
             sentence="With labels, the early window does more damage than the late one.",
             short="labels: more damage early", requires=named("supervised_damage")),
        make("reconstruction.less_damage", OURS, damage(labels[early]) - damage(redrawn[early]),
             sentence="The early window does less damage to the network that redraws than to that with labels.",
             short="reconstruction: less damage", requires=named("supervised_damage", "first_phase_helps")),
        make("reconstruction.redrawing_missed", OURS, missed(redrawn[early]), requires=named("redrawing_learns"),
             sentence="Clean epochs of redrawing in the window's place give something that a dissociation could cost.",
             short="reconstruction: epochs give"),
    ]  # fmt: skip


def controls(first: Mapping[str, WindowArms], probe: str, untrained: Arm) -> list[Claim]:
    """Returns what else may give the same numbers.

    Args:
        first: The early window by objective.
        probe: The column of a linear probe before the fine-tuning.
        untrained: An arm that has the same of the untrained network, `probe_untrained_code`.
    """
    labels, redrawn, equal, apart, auxiliary, slow = (first[key] for key in IDS)
    trained = {key: first[key].dose_matched[probe] - untrained["probe_untrained_code"] for key in (LABELS, ACROSS)}
    given = {key: (cost(first[key]), opportunity(first[key])) for key in (LABELS, ACROSS, SLOW)}
    rows: list[Row] = [
        ("share", _spared(given[LABELS], given[ACROSS]),
         "It costs a smaller share of what the first phase gave: it is not only that clean networks end apart.",
         "reconstruction: smaller share", (*BOTH, *named("labels_learns"))),
        ("ends_above", redrawn.deficit - labels.deficit,
         "After it, the network that redraws first ends above that with labels alone, of as many epochs in all.",
         "reconstruction: ends above", named("labels_lose", "redrawing_learns")),
        ("equal_costs_less", cost(labels) - cost(equal),
         "It costs less of the network that redraws first where clean labelled epochs are as many, too.",
         "equal labelled steps: costs less", EQUAL),
        ("equal_ends_above", equal.deficit - labels.deficit,
         "After it, the network that redraws first and has as many clean labelled epochs ends above that with labels.",
         "equal labelled steps: ends above", EQUAL),
        ("supervised_probe", cost(labels, probe),
         "Before the fine-tuning, a linear probe reads less from the encoder that labels trained.",
         "labels: a probe reads less", named("labels_learns")),
        ("code_trained", trained[ACROSS],
         "Before the fine-tuning, a linear probe reads more from the encoder that redraws than from an untrained one.",
         "reconstruction: code is trained", named("redrawing_learns")),
        ("probe_costs_less", cost(labels, probe) - cost(redrawn, probe),
         "A linear probe loses less of the encoder that redraws: it is not the fine-tuning that mends it.",
         "reconstruction: probe loses less", named("supervised_probe", "code_trained")),
        ("probe_share", _spared((cost(labels, probe), trained[LABELS]), (cost(redrawn, probe), trained[ACROSS])),
         "A linear probe loses a smaller share of what it reads beyond an untrained encoder.",
         "reconstruction: probe, by share", named("supervised_probe", "code_trained")),
        ("across_helps", redrawn.dose_matched - apart.dose_matched,
         "Clean networks end higher where both views are redrawn from each other than where each is by itself.",
         "both views: clean ends higher", named("redrawing_learns")),
        ("auxiliary_costs_less", cost(labels) - cost(auxiliary),
         "It costs less with reconstruction as an auxiliary loss of labels than with labels alone.",
         "auxiliary loss: costs less", named("labels_lose", "auxiliary_learns")),
        ("auxiliary_beyond_slowing", cost(slow) - cost(auxiliary),
         "It costs less with the auxiliary loss than where the trunk learns labels slowly.",
         "auxiliary loss: beats slow trunk", named("auxiliary_costs_less", "slow_learns")),
        ("beyond_slowing", cost(slow) - cost(redrawn),
         "It costs less of the network that redraws than where the trunk learns labels slowly.",
         "reconstruction: beats slow trunk", named("costs_less", "slow_learns")),
        ("beyond_slowing_share", _spared(given[SLOW], given[ACROSS]),
         "It costs a smaller share of what the first phase gave than where the trunk learns labels slowly.",
         "beats slow trunk: smaller share", named("share", "slow_learns")),
    ]  # fmt: skip
    found = [make(f"reconstruction.{id}", OURS, contrast, sentence=sentence, short=short, requires=requires)
             for id, contrast, sentence, short, requires in rows]  # fmt: skip
    return [
        *found,
        Claim("reconstruction.price", OURS, labels.dose_matched - redrawn.dose_matched, "not greater",
              "To redraw first costs clean networks nothing where epochs are as many in all.",
              short="redrawing first: clean unharmed", requires=named("labels_learns")),
        # Its loss is a sum over single views, and a dissociation exchanges views as they are.
        Claim("reconstruction.apart_unaware", OURS, cost(apart), "none",
              "Where each view is redrawn by itself a dissociation costs nothing, which is so by construction.",
              short="each view by itself: unaware", requires=named("apart_learns")),
        Claim("reconstruction.across_no_dearer", OURS, cost(redrawn) - cost(apart), "not greater",
              "To relate the views in redrawing them makes a network no more sensitive than to redraw each by itself.",
              short="both views: no more than each", requires=(*BOTH, *named("apart_unaware"))),
    ]  # fmt: skip


def of_motion(held: Mapping[str, WindowArms], classes: int, early: int) -> list[Claim]:
    """Returns the same of moving letters, whose direction no frame tells by itself."""
    labels, redrawn, needs = held[LABELS], held[ACROSS], named("motion_cost", "motion_helps")
    return [
        *(learns(f"reconstruction.motion_{IDS[key]}_learns", one.dose_matched, classes,
                 f"The network of '{key}' on moving letters", f"motion, {key}: it learns")
          for key, one in ((LABELS, labels), (ACROSS, redrawn))),
        at_chance("reconstruction.motion_at_chance", labels.dose_matched, classes, "The network with labels on moving "
                  "letters", "motion: one frame tells nothing"),
        make("reconstruction.motion_helps", OURS, opportunity(redrawn),
             sentence="On moving letters, redrawing first gives more than the fine-tuning alone.",
             short="motion: redrawing first helps", requires=named("motion_redrawing_learns")),
        make("reconstruction.motion_cost", CVPR2023, cost(labels), differs=NOISY,
             sentence=f"On moving letters, a dissociation from epoch {early} on costs accuracy with labels.",
             short="motion, labels: costs accuracy", requires=named("motion_labels_learns", "motion_at_chance")),
        make("reconstruction.motion_beyond_noise", OURS, cost(labels) - cost(held[NOISE]),
             sentence="On moving letters, it costs more than random labels of whole pairs: noise is not all of it.",
             short="motion, labels: beyond their noise", requires=named("motion_cost")),
        make("reconstruction.motion_costs_less", CVPR2023, cost(labels) - cost(redrawn), differs=NOISY,
             sentence="On moving letters, it costs less of the network that redraws first.", requires=needs,
             short="motion: reconstruction costs less"),
        Claim("reconstruction.motion_costs_little", CVPR2023, cost(redrawn), "not greater",
              "On moving letters, it costs that network no accuracy that matters.", requires=needs,
              short="motion: reconstruction: nothing"),
    ]  # fmt: skip


def _spared(other: tuple[Contrast, Contrast], redrawn: tuple[Contrast, Contrast]) -> Within:
    """Returns by how much another network loses more of what its first phase gave; pairs of what is lost and given."""
    return Within((*other, *redrawn), _less_lost, "share", "The first phase of a clean network gave nothing.")


def _less_lost(held: NDArray[np.float64]) -> float:
    lost, given = held[::2], held[1::2]
    return float(np.dot((1, -1), lost / given)) if (given > 0).all() else float("nan")
