"""Every figure on fabricated tables: nothing here trains.

What the claims compare is spelled out in `test_claims_by_hand`; here stands whether they point the right way.
"""

import dataclasses
import functools
import re

import numpy as np
import pytest
import tiny
import worlds_of_alternation
import worlds_of_computed
import worlds_of_reconstruction
import worlds_of_splits
import worlds_of_training
import worlds_of_weights

from critical.core.spec import SpecError
from critical.inference.arms import Among, Pooled, Within
from critical.inference.claims import BATCHES
from critical.inference.verdicts import PROVISIONAL_ALPHA, verdicts
from critical.inference.verdicts import judged as word_of
from critical.probes import Accuracy, Fisher
from experiments.design import profile
from experiments.design.facts import DataFacts
from experiments.design.protocol import CONTINUE, DEFICIT, DOSE_MATCHED, FRESH
from experiments.design.rates import AgesAndRates
from experiments.design.registry import FIGURES
from experiments.output.composing import composed, designed
from experiments.output.drawing import draw
from experiments.output.headline import leaders
from experiments.output.recording import caption
from experiments.runs.needs import ELSEWHERE

SEEDS = BATCHES[0]
NAMES = list(FIGURES)
AGES = "controls/age_or_rate"
ABSENCES = ("none", "not greater")
CLAIMING = [name for name in NAMES if not name.endswith("strength")]


@functools.cache
def made(name):
    """Protocol and design of a figure, with windows that end after 2, 4 and 6 epochs."""
    config = tiny.composed(
        "figures", "profile=smoke", "device=cpu", "protocol.decay=0.8", "protocol.recovery=4",
        "protocol.longest_window=6", "protocol.points=3", f"protocol.seeds={list(SEEDS)}",
        "+figures={controls/blur_map:{lengths:[2,4,6]}}",
    )  # fmt: skip
    figure = FIGURES[name]
    protocol, parameters = profile.figure_settings(config, figure, profile.protocol(config, figure.family))
    return protocol, designed(figure, protocol, parameters)


# What each arm has more or less than the level of all, in a world in which every sentence is true.


def removal(tags):
    dose, slope = {"accuracy": 5.0 * (tags["role"] == DOSE_MATCHED)}, 2 if tags["schedule"] == CONTINUE else 1
    return {"accuracy": -slope * tags["removal"]} if tags["role"] == DEFICIT else dose


def window(tags):
    late = 0.0 if tags["schedule"] == CONTINUE else -5.0
    # A window of three epochs costs more than one of two by what matters.
    return {"accuracy": (tags["role"] == DEFICIT) * (-20.0 - 3 * tags["length"] if tags["onset"] == 0 else late)}


def ladder(tags):
    if tags["role"] != DEFICIT:
        return {}
    height, alpha = (4.4, 0.5) if tags["deficit"] == "label_permutation" else (40.0, 1.5 if tags["onset"] else 0.5)
    return {"accuracy": -height / tags["budget"] ** alpha}


def ages(tags):
    settled, high = "settled" in tags["schedule"], tags["schedule"].startswith("high")
    age = tags["onset"] - settled
    cost = (10.0 if high else 5.0) - 6.0 * age / 14 + 0.2 * settled + 0.5 * (tags["length"] > 2)
    if tags["role"] == FRESH:
        return {}
    return {"accuracy": -cost} if tags["role"] == DEFICIT else {
        "fisher_trace_window": 0.2 * cost, "fisher_trace_onset": 0.1 * cost}  # fmt: skip


def high_level(tags):
    anew = tags.get("drawn") == "drawn anew"
    costs = {"blur": 20.0, "noise": 5.0 if anew else 10.0, "occlusion": 8.0, "label_permutation": 3.0 * anew}
    dose = {"accuracy": 6.0 * (tags["role"] == DOSE_MATCHED)}
    return {"accuracy": 6.0 - costs.get(tags["deficit"], 0.0) * 2} if tags["role"] == DEFICIT else dose


def deeper(tags):
    layers = int(tags["variant"].split()[1].strip(","))
    return {"accuracy": -3.0 * layers * (tags["role"] == DEFICIT) + 3.0 * (tags["role"] == DOSE_MATCHED)}


def networks(tags):
    cost = 15.0 if tags["variant"].startswith("weight decay") else 10.0
    return {"accuracy": -cost * (tags["role"] == DEFICIT)}


def split(tags):
    if tags["role"] != DEFICIT:
        return {"accuracy": 5.0 if tags["role"] == DOSE_MATCHED else 0.0, "probe_untrained_maps_b": -40.0}
    cost = {"accuracy": {"dissociation": 2.0, "view_dropout": -2.0}.get(tags["deficit"], -5.0)}
    return {**cost, "probe_maps_b": -20.0, "probe_averaged_b": -15.0, "decoding_b": -30.0}


def variance(tags):
    ill = tags["role"] == DEFICIT
    return {"rsv_mean": 0.5 * ill, "rsv_polarised": 0.4 * ill, "information_b": -0.7 * ill}


def modality(tags):
    if tags["role"] != DEFICIT:
        return {"probe_untrained_maps_a": -40.0, "probe_untrained_maps_b": -40.0}
    early, view = 20.0 if tags["onset"] == 0 else 5.0, tags["label"].partition("of view ")[2][0]
    return {"accuracy": -early, f"decoding_{view}": -2 * early, f"probe_maps_{view}": -early,
            f"probe_averaged_{view}": -early, f"use_{view}": -30.0 if view == "b" else -10.0}  # fmt: skip


def prevention(tags):
    accuracy, probe, decoding = {"none": (10, 20, 30), "slow_trunk": (6, 12, 10)}.get(tags["stabilizer"], (3, 5, 2))
    ill = tags["role"] == DEFICIT
    return {"accuracy": -accuracy * ill, "probe_maps_b": -probe * ill, "probe_averaged_b": -probe * ill,
            "decoding_b": -decoding * ill}  # fmt: skip


def schedules(tags):
    """Dose-matched, deficit and fresh by schedule; the reset does nothing."""
    levels = {"continue": (0, -15, 0), "restart": (6, 0, 4), "hot_restart": (3, 0, 4), "cyclic": (5, 0, 4),
              "constant": (0, -10, 0)}  # fmt: skip
    return {"accuracy": float(levels[tags["schedule"]][(DOSE_MATCHED, DEFICIT, FRESH).index(tags["role"])])}


def blurs(tags):
    """Blur to a quarter ruins, blur to half helps; it is learnt the better the milder and the longer it is."""
    if tags["role"] != DEFICIT:
        clean = {"accuracy": 0.0, "accuracy_blurred": -20.0, "accuracy_noisy": -20.0}
        return clean if tags["role"] == DOSE_MATCHED else {**clean, "accuracy": -10.0}
    if tags["blur"] in ("sharpening", "shuffled"):
        level = -5.0 if tags["blur"] == "sharpening" else -10.0
        return {"accuracy": level, "accuracy_blurred": level, "accuracy_noisy": level}
    short = 6 - tags["length"]
    if tags["blur"] in ("to 1/3", "to 1/4"):
        return {"accuracy": -35.0 - short, "accuracy_deficient": -40.0 - short}
    return {"accuracy": -5.0 - 0.1 * short, "accuracy_blurred": -10.0, "accuracy_deficient": -0.1 * short,
            "accuracy_blur/2": -10.0}  # fmt: skip


def senses(tags):
    """A high rate does more damage, most of it early and to images; longer training repairs a part."""
    if tags["role"] != DEFICIT:
        return {"accuracy": {DOSE_MATCHED: 0.0, FRESH: -10.0}.get(tags["role"], -5.0)}
    damage = 0.25 if tags["schedule"] == "low rate" else 0.5 if tags["deficit"] == "label_permutation" else 1.0
    recovery = 12.0 if tags["budget"] == 4 else 7.0
    return {"accuracy": (-5.0 if tags["onset"] else -13.0) - damage * recovery}


WORLDS = {
    "iclr2019/deficit_removal": removal,
    "controls/age_or_rate": ages,
    "iclr2019/sensitivity_window": window,
    "iclr2019/high_level_deficits": high_level,
    "iclr2019/depth": deeper,
    "iclr2019/architectures": networks,
    "controls/permanence": ladder,
    "controls/schedules": schedules,
    "controls/blur_map": blurs,
    "controls/rate_and_sense": senses,
    "cvpr2023/split_removal": split,
    "cvpr2023/rsv_blur": variance,
    "multimodal/modality_dropout": modality,
    "stabilizers/prevention": prevention,
    **worlds_of_alternation.WORLDS,
    **worlds_of_computed.WORLDS,
    **worlds_of_reconstruction.WORLDS,
    **worlds_of_splits.WORLDS,
    **worlds_of_training.WORLDS,
    **worlds_of_weights.WORLDS,
}
SCORES = ("accuracy", "accuracy_blurred", "accuracy_noisy", "accuracy_deficient", "accuracy_blur/2")
LEVELS = {**tiny.MEASURED, **tiny.COMPUTED, **dict.fromkeys((*SCORES, "test_accuracy"), 80.0)}


def judged(name, sign, draw=0):
    _, design = made(name)

    def world(arm):
        deltas = WORLDS[name](arm.tags)
        levels = {column: LEVELS[column.partition("@")[0]] for column in deltas}
        return {**LEVELS, **{column: levels[column] + sign * delta for column, delta in deltas.items()}}

    found = verdicts(tiny.fabricated(design, SEEDS, world, draw=draw).runs, design.claims, SEEDS)
    return dict(zip(design.claims, (verdict.verdict for verdict in found), strict=True))


def absent(claim):
    """Words for an absence where there is nothing: what requires an effect says nothing then."""
    return ("reproduced", "premise failed") if claim.requires else ("reproduced",)


@pytest.mark.parametrize("name", CLAIMING)
def test_where_every_sentence_is_true_every_claim_is_reproduced(name):
    assert {claim.id: word for claim, word in judged(name, 1).items() if word != "reproduced"} == {}


@pytest.mark.parametrize("name", CLAIMING)
def test_where_the_opposite_is_true_they_are_reversed(name):
    """Absences stay; exponents, correlations and what happens at a peak have no opposite in a mirror."""
    found = {claim: word for claim, word in judged(name, -1).items()
             if not isinstance(claim.contrast, (Among, Pooled, Within))}  # fmt: skip
    assert {claim.id: word for claim, word in found.items()
            if word not in (absent(claim) if claim.direction in ABSENCES else ("reversed", "premise failed"))} == {}
    assert "reversed" in found.values()


@pytest.mark.parametrize("name", CLAIMING)
def test_where_nothing_does_anything_only_absences_are_reproduced(name):
    for claim, word in judged(name, 0).items():
        if claim.id.endswith(("learns", "at_chance", "to_lose")):  # a premise, of clean networks
            continue
        if isinstance(claim.contrast, (Among, Pooled, Within)):
            nothing = ("reproduced",) * claim.id.startswith("linear.exact")
            if word in ("reproduced", "reversed"):  # one correlation in twenty is, by chance; the same one is not twice
                word = judged(name, 0, draw=1)[claim]
            assert word in ("undecided", "negligible", "premise failed", *nothing), claim.id
        elif claim.direction in ABSENCES:
            assert word in absent(claim), claim.id
        else:
            assert word in ("negligible", "premise failed"), claim.id


@pytest.mark.parametrize("name", NAMES)
def test_a_failed_run_is_named_below_every_panel_that_lacks_it_and_the_rest_is_drawn(name):
    _, design = made(name)
    victim = design.shown[0].arms[-1]
    held = tiny.fabricated(design, SEEDS[:3], failures=[(victim, SEEDS[1])])
    drawing = draw(design, held)
    shown = [axis for axis in drawing.axes if axis.get_visible()]
    line = f"{victim}, seed {SEEDS[1]}: non-finite loss"
    for panel, axis in zip(design.shown, shown, strict=True):
        said = " ".join(" ".join(text.get_text() for text in axis.texts).split())
        assert (line in said) == (victim in panel.arms)
        assert axis.lines or axis.patches or axis.images, "what did not fail is drawn"


def test_one_seed_can_be_drawn():
    """In one figure for each kind of panel; the smoke profile draws all of them."""
    drawn = set()
    for name in NAMES:
        _, design = made(name)
        if {type(panel) for panel in design.shown} <= drawn:
            continue
        drawn |= {type(panel) for panel in design.shown}
        drawing = draw(design, tiny.fabricated(design, SEEDS[:1]))
        for axis, panel in zip([axis for axis in drawing.axes if axis.get_visible()], design.shown, strict=True):
            assert " ".join(axis.get_xlabel().split()).startswith(panel.xlabel.replace("\n", " "))
    assert len(drawn) > 5


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_says_what_is_seen(name):
    """Axes have units and a caption has a sentence for each panel."""
    protocol, design = made(name)
    said = caption(FIGURES[name], design, tiny.fabricated(design, SEEDS[:2]), protocol)
    assert said.startswith(FIGURES[name].question)
    assert "n = 2 seeds" in said
    for panel in design.shown:
        assert panel.xlabel
        assert panel.ylabel or panel.kind in ("dots", "heat map")
        assert panel.sentence() in said
        assert "against  " not in panel.sentence()
        assert not panel.sentence().startswith(" against")


@pytest.mark.parametrize("name", CLAIMING)
def test_the_claim_that_leads_is_that_of_the_headline(name):
    design = made(name)[1]
    held = [{"claim_id": claim.id, "source": claim.source} for claim in design.claims]
    assert leaders(held, design.leading)[0]["claim_id"] == design.lead.id


@pytest.mark.parametrize("name", CLAIMING)
def test_sentences_are_sentences_and_ids_begin_alike(name):
    claims = made(name)[1].claims
    assert len({claim.id.partition(".")[0].partition("_")[0] for claim in claims}) == 1
    assert all((claim.sentence.endswith(".") and claim.sentence[0].isupper()) or ": " in claim.sentence
               for claim in claims)  # fmt: skip
    assert len({claim.sentence for claim in claims}) == len(claims)


@pytest.mark.parametrize("name", CLAIMING)
def test_every_claim_has_a_short_name_that_says_something_beside_its_figure(name):
    """Those left out would be a part of the id: "harm continue"."""
    for claim in made(name)[1].claims:
        assert claim.short != claim.id.rpartition(".")[2].replace("_", " ")
        assert len(claim.short.split()) >= 3, claim.short
        assert not claim.short.endswith(".")


class TestAgeOrRate:
    @pytest.mark.parametrize("claim_id", ["age.follows_trace", "age.follows_trace_at_onset"])
    def test_a_correlation_is_rarely_reproduced_where_costs_know_nothing_of_traces(self, claim_id):
        """Traces differ by cell as they do in truth; costs are drawn anew in each cell of each seed."""
        (claim,) = [claim for claim in made(AGES)[1].claims if claim.id == claim_id]
        random, cells = np.random.default_rng(11), len(claim.contrast.parts) // 2
        of_cells, words = random.uniform(1, 3, cells), []
        for _ in range(400):
            costs = random.normal(5, 3, (len(SEEDS), cells))
            traces = of_cells + random.normal(0, 0.1, (len(SEEDS), cells))
            values = [claim.contrast.estimate(row) for row in np.hstack([costs, traces])]
            words.append(word_of(values, claim.smallest, claim.direction, PROVISIONAL_ALPHA))
        assert words.count("reproduced") <= 0.05 * len(words)
        assert words.count("reversed") <= 0.05 * len(words)

    def parameters(self, **changes):
        return AgesAndRates(**{"length": 2, "late_onsets": (7, 14), "settle": 1, **changes})

    def test_the_trace_is_measured_after_every_epoch_however_seldom_elsewhere(self):
        seldom = tiny.protocol(recovery=4)
        probes = (Accuracy(), Fisher(every=3, recovery_every=2))
        seldom = dataclasses.replace(seldom, parts=dataclasses.replace(seldom.parts, probes=probes))
        for arm in FIGURES[AGES].design(seldom, self.parameters()).trained:
            assert arm.run.probes == (Accuracy(), Fisher(every=1, recovery_every=2))

    @pytest.mark.parametrize(
        ("decay", "changes", "said"),
        [
            (0.8, {"late_onsets": (6, 14)}, r"^late_onsets=\[6, 14\]: .* to 0\.25 of itself: from epoch 7 on"),
            (1.0, {}, r"^late_onsets=\[7, 14\]: .*, with a decay below 1$"),
            # Six settled epochs and two more are as many low ones as four times two.
            (0.8, {"settle": 6}, r"^length=2: the clean networks of two windows are one"),
            (0.8, {"length": 3, "late_onsets": (9, 18)}, r"^length=3: the clean networks of two windows are one"),
        ],
    )
    def test_windows_that_cannot_be_told_apart_are_refused_in_one_line(self, decay, changes, said):
        with pytest.raises(SpecError, match=said) as raised:
            FIGURES[AGES].design(tiny.protocol(recovery=4, decay=decay), self.parameters(**changes))
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("deficit", ["occlusion", "inversion", "blur", "noise"])
def test_no_sentence_has_a_wrong_article(deficit):
    """Which one is right depends on the deficit that is chosen."""
    known = DataFacts("digits", 10)
    for name in ("iclr2019/deficit_removal", "iclr2019/sensitivity_window", "iclr2019/high_level_deficits", AGES,
                 "controls/permanence"):  # fmt: skip
        design = composed(name, "smoke", [*ELSEWHERE, f"deficit={deficit}"], known).design
        wrong = [claim.sentence for claim in design.claims if re.search(r"\b[Aa] [aeio]", claim.sentence)]
        assert not wrong
