"""Networks that redraw masked patches: what every epoch of an arm is, and what claims compare, written by hand.

In these windows of one epoch at 0 and at 2, with one clean epoch after them, `d` is a dissociated epoch of the first
phase, `r` one with random labels and `c` a clean one: `ccdc` has the late window, `cccc` as many clean epochs, `ccc`
skips it.
"""

import dataclasses
from functools import partial

import numpy as np
import pandas as pd
import pytest
import tiny
from test_claims_by_hand import DECAY, RECOVERY, SEED, design

from critical.core.spec import SpecError
from critical.inference.arms import Within
from critical.models import SplitAllCNN
from critical.stabilizers import CrossSensorReconstruction, MaskedAutoencoder, SlowTrunk
from experiments.design import profile
from experiments.design.objectives import ACROSS, LABELS, FirstPhase, measuring_ends, windows
from experiments.design.registry import FIGURES

NAME = "cvpr2023/cross_sensor_reconstruction"
RATE = 0.01
ACTING = {
    "labels": None, "redrawn": MaskedAutoencoder(), "apart": MaskedAutoencoder(across=False),
    "auxiliary": CrossSensorReconstruction(1.0), "slow": SlowTrunk(0.15),
}  # fmt: skip
PROBE = "probe_code@2"


def of(arm):
    """The data of an arm, and of each epoch: deficits, stabilisers, the rate, and whether the optimiser is emptied."""
    epochs = tuple(
        ("+".join(one.name for one in spec.deficits), spec.stabilizers, f"{spec.rate:.6g}", spec.reset_optimizer)
        for spec in arm.run.epoch_specs
    )
    return arm.run.data.name, epochs


def key(objective, phase, budget=RECOVERY, data="two_eyes"):
    """An arm by hand."""
    acting = ACTING[objective]
    clean = "" if objective in ("redrawn", "apart") else "split_heads"
    held = () if acting is None else (acting,)
    seen = {"d": "dissociation", "r": "split_heads+random_labels", "c": clean}
    first = [(seen[epoch], held, f"{RATE:.6g}", False) for epoch in phase]
    decay = DECAY ** (RECOVERY / budget)
    tuned = [("", (), f"{RATE * decay**epoch:.6g}", epoch == 0 and bool(phase)) for epoch in range(budget)]
    return data, (*first, *tuned)


def cost(objective, column="accuracy", deficit="dc", clean="cc", sign=1.0, **rest):
    return {(key(objective, clean, **rest), column): sign, (key(objective, deficit, **rest), column): -sign}


def plus(*parts):
    total = {}
    for part in parts:
        for term, weight in part.items():
            total[term] = total.get(term, 0.0) + weight
    return {term: weight for term, weight in total.items() if weight}


def of_two(more, less):
    return {(more, "accuracy"): 1.0, (less, "accuracy"): -1.0}


early, late = cost, partial(cost, deficit="ccdc", clean="cccc")
damage, late_damage = partial(cost, clean="c"), partial(cost, deficit="ccdc", clean="ccc")
LONG = {"budget": 1 + RECOVERY}
MOVING = {"data": "moving_glyphs"}
FRESH = key("labels", "")
UNTRAINED = (key("labels", "", **LONG), "probe_untrained_code")
BY_HAND = {
    "labels_lose": early("labels"),
    "first_phase_helps": of_two(key("redrawn", "cc"), FRESH),
    "equal_helps": of_two(key("redrawn", "cc", **LONG), key("labels", "", **LONG)),
    "supervised_cost": early("labels"),
    "supervised_early": plus(early("labels"), late("labels", sign=-1)),
    "costs_less": plus(early("labels"), early("redrawn", sign=-1)),
    "costs_little": early("redrawn"),
    "costs_less_everywhere": plus(early("labels", sign=0.5), late("labels", sign=0.5), early("redrawn", sign=-0.5),
                                  late("redrawn", sign=-0.5)),
    "redrawing_ageless": plus(early("redrawn"), late("redrawn", sign=-1)),
    "less_by_age": plus(early("labels"), late("labels", sign=-1), early("redrawn", sign=-1), late("redrawn")),
    "supervised_damage": damage("labels"),
    "supervised_damage_early": plus(damage("labels"), late_damage("labels", sign=-1)),
    "less_damage": plus(damage("labels"), damage("redrawn", sign=-1)),
    "redrawing_missed": of_two(key("redrawn", "cc"), key("redrawn", "c")),
    "ends_above": of_two(key("redrawn", "dc"), key("labels", "dc")),
    "equal_costs_less": plus(early("labels"), early("redrawn", sign=-1, **LONG)),
    "equal_ends_above": of_two(key("redrawn", "dc", **LONG), key("labels", "dc")),
    "price": of_two(key("labels", "cc"), key("redrawn", "cc")),
    "supervised_probe": early("labels", PROBE),
    "code_trained": {(key("redrawn", "cc"), PROBE): 1.0, UNTRAINED: -1.0},
    "probe_costs_less": plus(early("labels", PROBE), early("redrawn", PROBE, sign=-1)),
    "apart_unaware": early("apart"),
    "across_no_dearer": plus(early("redrawn"), early("apart", sign=-1)),
    "across_helps": of_two(key("redrawn", "cc"), key("apart", "cc")),
    "auxiliary_costs_less": plus(early("labels"), early("auxiliary", sign=-1)),
    "auxiliary_beyond_slowing": plus(early("slow"), early("auxiliary", sign=-1)),
    "beyond_slowing": plus(early("slow"), early("redrawn", sign=-1)),
    "motion_helps": of_two(key("redrawn", "cc", **MOVING), key("labels", "", **MOVING)),
    "motion_cost": early("labels", **MOVING),
    "motion_beyond_noise": of_two(key("labels", "rc", **MOVING), key("labels", "dc", **MOVING)),
    "motion_costs_less": plus(early("labels", **MOVING), early("redrawn", sign=-1, **MOVING)),
    "motion_costs_little": early("redrawn", **MOVING),
}  # fmt: skip
SHARES = {
    "share": [early("labels"), of_two(key("labels", "cc"), FRESH), early("redrawn"),
              of_two(key("redrawn", "cc"), FRESH)],
    "beyond_slowing_share": [early("slow"), of_two(key("slow", "cc"), FRESH), early("redrawn"),
                             of_two(key("redrawn", "cc"), FRESH)],
    "probe_share": [part for who in ("labels", "redrawn")
                    for part in (early(who, PROBE), {(key(who, "cc"), PROBE): 1.0, UNTRAINED: -1.0})],
}  # fmt: skip
LEARN = {
    "labels": key("labels", "cc"), "redrawing": key("redrawn", "cc"), "equal": key("redrawn", "cc", **LONG),
    "apart": key("apart", "cc"), "auxiliary": key("auxiliary", "cc"), "slow": key("slow", "cc"),
    "motion_labels": key("labels", "cc", **MOVING), "motion_redrawing": key("redrawn", "cc", **MOVING),
}  # fmt: skip
NOTHING = {"costs_little", "redrawing_ageless", "price", "across_no_dearer", "motion_costs_little",
           "motion_at_chance"}  # fmt: skip
CLAIMS = {claim.id.removeprefix("reconstruction."): claim for claim in design(NAME).claims}


def named(contrast):
    return {(of(term.arm), term.column): weight for term, weight in contrast.items()}


def test_every_claim_is_written_by_hand():
    assert set(CLAIMS) == {*BY_HAND, *SHARES, *(f"{name}_learns" for name in LEARN), "motion_at_chance"}
    assert {name for name, claim in CLAIMS.items() if claim.direction == "not greater"} == NOTHING
    assert {name for name, claim in CLAIMS.items() if claim.direction == "none"} == {"apart_unaware"}
    assert not any(claim.direction == "less" for claim in CLAIMS.values())


@pytest.mark.parametrize("name", BY_HAND)
def test_a_claim_contrasts_the_epochs_that_its_sentence_names(name):
    assert named(CLAIMS[name].contrast) == pytest.approx(BY_HAND[name])
    assert not any(term.logarithm for term in CLAIMS[name].contrast.terms)


@pytest.mark.parametrize("name", SHARES)
def test_a_share_is_what_is_lost_of_what_the_first_phase_gave(name):
    contrast = CLAIMS[name].contrast
    assert [named(part) for part in contrast.parts] == SHARES[name]
    assert contrast.unit == "share"
    assert contrast.estimate(np.array([15.0, 30.0, 2.0, 8.0])) == pytest.approx(0.25)
    for nothing in ([15.0, 0.0, 2.0, 8.0], [15.0, 30.0, 2.0, -1.0]):
        assert np.isnan(contrast.estimate(np.array(nothing)))


def test_only_the_paper_states_an_effect():
    assert {name: claim.smallest for name, claim in CLAIMS.items() if claim.paper_effect} == {"supervised_cost": 10.0}


@pytest.mark.parametrize("name", LEARN)
def test_a_network_that_learns_is_the_clean_one_of_its_claims(name):
    claim = CLAIMS[f"{name}_learns"]
    assert isinstance(claim.contrast, Within)
    ((term,),) = [part.terms for part in claim.contrast.parts]
    assert (of(term.arm), term.column) == (LEARN[name], "accuracy")


def test_what_one_frame_tells_is_the_mean_of_both_less_chance():
    claim = CLAIMS["motion_at_chance"]
    arm = next(term.arm for term in claim.contrast.terms)
    assert of(arm) == key("labels", "cc", **MOVING)
    assert "decoding" in [probe.name for probe in arm.run.probes]
    table = pd.DataFrame([{"arm_id": arm.id, "seed": SEED, "failure": "", "decoding_a": 31.0, "decoding_b": 25.0}])
    assert claim.contrast.per_seed(table)[SEED] == pytest.approx(3.0)


def test_letters_move_before_easy_backgrounds_and_random_labels_are_of_directions():
    moving = [arm.run for arm in design(NAME).trained if arm.run.data.name == "moving_glyphs"]
    easy = {(run.data.contrast, run.data.noise, run.data.jitter, run.data.fonts, run.data.train_size) for run in moving}
    assert easy == {(0.9, 0.02, 0.2, 2, 40)}
    random = {(one.classes, one.resample) for run in moving for window in run.timeline.windows
              if (one := window.deficit).name == "random_labels"}  # fmt: skip
    assert random == {(4, False)}


def test_premises_come_before_what_rests_on_them():
    order = list(CLAIMS)
    for name, claim in CLAIMS.items():
        required = [held.removeprefix("reconstruction.") for held in claim.requires]
        assert set(required) <= set(order), name
        assert all(order.index(held) < order.index(name) for held in required), name
    needed = {"reconstruction.labels_lose", "reconstruction.first_phase_helps"}
    for name in ("costs_less", "costs_little", "costs_less_everywhere", "redrawing_ageless", "less_by_age", "share",
                 "equal_costs_less", "equal_ends_above", "across_no_dearer"):  # fmt: skip
        assert needed <= set(CLAIMS[name].requires), name
    for name, wanted in (("equal_costs_less", "equal_helps"), ("equal_ends_above", "equal_helps"),
                         ("redrawing_ageless", "supervised_early"), ("probe_costs_less", "code_trained"),
                         ("less_damage", "supervised_damage"), ("motion_beyond_noise", "motion_cost")):  # fmt: skip
        assert f"reconstruction.{wanted}" in CLAIMS[name].requires, name


def test_as_many_epochs_follow_a_window_whatever_its_onset_and_objective():
    after, clean = set(), {}
    for arm in design(NAME).trained:
        specs = arm.run.epoch_specs
        acting = [epoch for epoch, spec in enumerate(specs) if any(one.name == "dissociation" for one in spec.deficits)]
        if acting:
            first = specs[: arm.tags["phase"]]
            after.add((arm.tags["phase"] - acting[-1] - 1, len({spec.rate for spec in first})))
            labels = [epoch for epoch, spec in enumerate(specs) if all(one.labels for one in spec.stabilizers)]
            clean[arm.tags["objective"], arm.tags["budget"], arm.tags["onset"]] = len(set(labels) - set(acting))
    assert after == {(1, 1)}, "one clean epoch, at the rate of the window"
    assert clean["labels", RECOVERY, 0] == clean["reconstruction", 1 + RECOVERY, 0] == 1 + RECOVERY
    assert clean["reconstruction", RECOVERY, 0] == RECOVERY


def test_what_was_learnt_in_each_window_is_measured_at_its_end():
    made = design(NAME)
    assert made.at == {"probe_code": (2, 1, 3), "test_accuracy_deficient": (1, 3)}
    for arm in made.trained:
        if arm.tags["deficit"] == "dissociation":
            end = arm.tags["onset"] + 1
            assert {"accuracy", "code_probe"} <= {probe.name for probe in arm.run.measured(end)}
            assert arm.run.epoch_specs[end - 1].deficits, "the epoch just trained"
    wide = FirstPhase(length=4, onsets=(2, 8), after=3)
    assert {probe.every for probe in measuring_ends(protocol(), wide).parts.probes} == {6}


def test_the_untrained_network_is_read_in_the_arm_that_claims_name():
    made = design(NAME)
    read = [arm for arm in made.trained if any(getattr(probe, "untrained", False) for probe in arm.run.probes)]
    assert [of(arm) for arm in read] == [UNTRAINED[0]]


def test_the_skipped_window_of_one_onset_is_the_clean_network_of_another():
    held = tiny.composed("figures", "profile=smoke", "device=cpu")
    assert held.transformer.protocol.reset_optimizer
    found = windows(protocol(), FirstPhase(length=2, onsets=(0, 2, 4), after=3), ACROSS, (0, 2, 4))
    assert found[2].skip == found[0].dose_matched
    assert found[4].skip == found[2].dose_matched
    assert len({one.fresh for one in found.values()}) == 1


def protocol(**model):
    made = profile.protocol(tiny.composed("figures", "profile=smoke", "device=cpu"), "transformer")
    return made.variant("other", model=model) if model else made


def test_parameters_follow_from_the_protocol():
    made = dataclasses.replace(protocol(), longest_window=15, points=3)
    assert FirstPhase.defaults(made) == {"length": 15, "onsets": (0, 15, 30), "after": 30}


@pytest.mark.parametrize(("changes", "said"), [({"onsets": (0,)}, "^onsets="), ({"after": 0}, "^after=0"),
                                               ({"motion_pairs": -20}, "^motion_pairs=-20: at least 0"),
                                               ({"motion_pairs": 30}, "^motion_pairs=30: a multiple of")])  # fmt: skip
def test_impossible_parameters_are_refused(changes, said):
    with pytest.raises(SpecError, match=said):
        FirstPhase(**{"length": 2, "onsets": (0, 2), "after": 3, **changes})


def test_another_network_is_refused_in_a_line():
    parameters = FirstPhase(length=2, onsets=(0, 2), after=3)
    made = protocol()
    other = dataclasses.replace(made, parts=dataclasses.replace(made.parts, model=SplitAllCNN(width=2, heads=True)))
    for wrong in (other, protocol(heads=False)):
        with pytest.raises(SpecError, match=r"^transformer\.model: .* two_view_transformer with heads=true$"):
            windows(wrong, parameters, LABELS, (0,))


def test_without_moving_letters_nothing_is_said_of_them():
    figure = FIGURES[NAME]
    made = figure.design(protocol(), FirstPhase(length=1, onsets=(0, 2), after=1))
    assert not any("motion" in claim.id for claim in made.claims)
    assert {arm.run.data.name for arm in made.trained} == {"two_eyes"}
    assert made.panels[2][1] is None


def test_the_curve_of_costs_has_the_claims_of_its_ends():
    (costs, damages), *_ = design(NAME).panels
    assert dict(costs.lines[0][1])[0] == CLAIMS["supervised_cost"].contrast
    assert dict(costs.lines[1][1])[0] == CLAIMS["costs_little"].contrast
    assert dict(damages.lines[0][1])[0] == CLAIMS["supervised_damage"].contrast
    assert [list(line) for _, line in costs.lines] == [[0, 2]] * 2


def test_numbers_of_a_table_come_out():
    """A claim over all onsets, in numbers."""
    rows, random = [], np.random.default_rng(3)
    for arm in design(NAME).trained:
        rows.append({"arm_id": arm.id, "seed": SEED, "failure": "", "accuracy": random.uniform(20, 90), "is": of(arm)})
    table = pd.DataFrame(rows)
    level = {row["is"]: row["accuracy"] for row in rows}
    cost = {(who, phase): level[key(who, phase.replace("d", "c"))] - level[key(who, phase)]
            for who in ("labels", "redrawn") for phase in ("dc", "ccdc")}  # fmt: skip
    saved = [cost["labels", phase] - cost["redrawn", phase] for phase in ("dc", "ccdc")]
    found = CLAIMS["costs_less_everywhere"].contrast.per_seed(table)[SEED]
    assert found == pytest.approx(sum(saved) / 2)


TOKENS = {claim.id: claim for claim in design("cvpr2023/rsv_transformer").claims}


class TestTokens:
    """Relative source variance of the encoder: layer 1 is the last of this one."""

    @pytest.mark.parametrize("name", ["labels", "redrawn"])
    def test_what_claims_compare(self, name):
        word, last = "redrawing" if name == "redrawn" else name, "rsv_one_sided_layer1"
        clean = key(name, "cc")
        before = f"tokens.{word}_learns"
        for moment, at in (("window", "@1"), ("before", "@2"), ("after", "")):
            relates, apart = (TOKENS[f"tokens.{word}_{what}"] for what in (f"relates_{moment}", moment))
            patches = (clean, f"rsv_one_sided_layer0{at}")
            assert named(relates.contrast) == {patches: 1.0, (clean, last + at): -1.0}
            assert named(apart.contrast) == early(name, last + at, sign=-1)
            assert {relates.direction, apart.direction} == {"greater"}
            assert (relates.requires, set(apart.requires)) == ((), {before, relates.id})
            before = apart.id
        assert len(TOKENS) == 14

    @pytest.mark.parametrize("changes", [{"motion_pairs": 40}, {"slow": 0.5}, {"auxiliary": 2.0}], ids=str)
    def test_what_acts_in_the_other_figure_alone_is_refused(self, changes):
        (name,) = changes
        with pytest.raises(SpecError, match=rf"^{name}=.*: cvpr2023/cross_sensor_reconstruction alone has arms of it"):
            FIGURES["cvpr2023/rsv_transformer"].design(
                protocol(), FirstPhase(length=1, onsets=(0, 2), after=1, **changes))  # fmt: skip

    def test_networks_are_those_of_the_other_figure(self):
        others = {of(arm) for arm in design(NAME).trained}
        trained = design("cvpr2023/rsv_transformer").trained
        assert {of(arm) for arm in trained} <= others
        assert all("token_variance" in {probe.name for probe in arm.run.measured(epoch)} for arm in trained
                   for epoch in (1, 2) if arm.tags["phase"] == 2)  # fmt: skip

    def test_lines_go_through_all_layers_before_and_after(self):
        panel = design("cvpr2023/rsv_transformer").panels[0][0]
        columns = [[term.column for term in line.values()] for _, line in panel.lines]
        after, before, held = ([f"rsv_one_sided_layer{layer}{at}" for layer in (0, 1)] for at in ("", "@2", "@1"))
        assert columns == [after, after, before, before, held, held]
