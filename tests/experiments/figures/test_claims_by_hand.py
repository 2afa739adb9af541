"""Every claim against coefficients written by hand: each arm has a random level, and no arm passes for another.

An arm is found here by what acts in its epochs (deficit and rate, spelled out below), not by what the figure calls it.
"""

import functools

import numpy as np
import pandas as pd
import pytest
import tiny

from critical.inference.arms import Pooled, Within
from experiments.design import profile, registry
from experiments.output.composing import designed

RATE, DECAY, RECOVERY = 0.05, 0.8, 4
SEED = 20


@functools.cache
def design(name):
    """A figure's design, windows and rates chosen so that no two arms have the same epochs by chance."""
    config = tiny.composed(
        "figures", "profile=smoke", "device=cpu", f"protocol.rate={RATE}", f"protocol.decay={DECAY}",
        f"protocol.recovery={RECOVERY}", "protocol.longest_window=6", "protocol.points=3", f"protocol.seeds=[{SEED}]",
    )  # fmt: skip
    figure = registry.FIGURES[name]
    return designed(figure, *profile.figure_settings(config, figure, profile.protocol(config, figure.family)))


def decaying(start, count, rate=RATE, decay=DECAY):
    return [rate * decay**epoch for epoch in range(start, start + count)]


def seen(deficit, rates):
    return [(deficit, rate) for rate in rates]


def key(epochs):
    return tuple((deficit, f"{rate:.6g}") for deficit, rate in epochs)


def of(arm):
    """What acts in each epoch of an arm: names of deficits with their views, and the rate."""
    def called(deficit):
        view = getattr(deficit, "view", None)
        return f"{deficit.name} {view}" if view else deficit.name

    return key(("+".join(called(one) for one in spec.deficits), spec.rate) for spec in arm.run.epoch_specs)


def window(deficit, onset, length, how, budget=RECOVERY):
    """A window, by hand: clean epochs, the window, the recovery, at the rates of a schedule."""
    removal = onset + length
    if how == "continue":
        before, during, after = decaying(0, onset), decaying(onset, length), decaying(removal, budget)
    elif how == "restart":
        before, during = decaying(0, onset), decaying(onset, length)
        after = ladder(budget)
    else:
        before, during, after = decaying(0, onset), decaying(0, length), ladder(budget)
    return seen("", before) + seen(deficit, during) + seen("", after)


def ladder(budget):
    """The rates of a recovery that falls as far as the standard one does in its epochs."""
    return decaying(0, budget, decay=DECAY ** (RECOVERY / budget))


def fresh(how, removal=0, budget=RECOVERY):
    return seen("", decaying(removal, budget) if how == "continue" else ladder(budget))


def costs(deficit, onset, length, how, budget=RECOVERY, sham="", column="accuracy", sign=1.0):
    return {
        (key(window(sham, onset, length, how, budget)), column): sign,
        (key(window(deficit, onset, length, how, budget)), column): -sign,
    }


def cell(deficit, age, high, length, settle=0):
    """A window of `age_or_rate`: the rate decays to a quarter by epoch 7 and stays; windows are at a constant rate."""
    low = RATE / 4
    trunk = [max(rate, low) for rate in decaying(0, age)]
    rate = RATE if high else low
    return seen("", trunk + settle * [rate]) + seen(deficit, length * [rate]) + seen("", decaying(0, RECOVERY))


def cell_cost(age, high, length=2, settle=0, weight=1.0, column="accuracy"):
    return {
        (key(cell("", age, high, length, settle)), column): weight,
        (key(cell("blur", age, high, length, settle)), column): -weight,
    }


def plus(*parts):
    total = {}
    for part in parts:
        for term, weight in part.items():
            total[term] = total.get(term, 0.0) + weight
    return total


def minus(part):
    return {term: -weight for term, weight in part.items()}


def times(factor, part):
    return {term: factor * weight for term, weight in part.items()}


def of_arms(positive, negative, column="accuracy"):
    return {(key(positive), column): 1.0, (key(negative), column): -1.0}


VISION = {
    "removal.cost": costs("blur", 0, 6, "continue"),
    "removal.falls": of_arms(window("blur", 0, 2, "continue"), window("blur", 0, 6, "continue")),
    "removal.opportunity": of_arms(window("", 0, 6, "continue"), fresh("continue", 6)),
    "removal.harm_continue": of_arms(fresh("continue", 6), window("blur", 0, 6, "continue")),
    "removal.harm_restart": of_arms(fresh("restart"), window("blur", 0, 6, "restart")),
    "removal.cost_restart": costs("blur", 0, 6, "restart"),
    "removal.restart_helps": plus(costs("blur", 0, 6, "continue"), minus(costs("blur", 0, 6, "restart"))),
    "window.early_same_total": plus(costs("blur", 0, 2, "continue", 8), minus(costs("blur", 4, 2, "continue", 4))),
    "window.early_costs_low": costs("blur", 0, 2, "continue"),
    "window.late_costs_nothing": costs("blur", 4, 2, "continue"),
    "window.early_equal_rates": plus(costs("blur", 0, 2, "at onset"), minus(costs("blur", 4, 2, "at onset"))),
    "window.late_costs_at_high_rates": costs("blur", 4, 2, "at onset"),
    "permanence.cost_left": costs("blur", 0, 2, "restart", 16),
    "permanence.harm_left": of_arms(fresh("restart", budget=16), window("blur", 0, 2, "restart", 16)),
    "permanence.control_left": costs("label_permutation", 0, 2, "restart", 16),
    "permanence.early_more_than_late": plus(
        costs("blur", 0, 2, "restart", 16), minus(costs("blur", 4, 2, "at onset", 16))
    ),
    "permanence.more_than_labels": plus(
        costs("blur", 0, 2, "restart", 16), minus(costs("label_permutation", 0, 2, "restart", 16))
    ),
    "permanence.late_gap": costs("blur", 4, 2, "at onset", 2),
    "permanence.labels_gap": costs("label_permutation", 0, 2, "restart", 2),
    "age.high": plus(cell_cost(0, True), minus(cell_cost(14, True))),
    "age.high_settled": plus(cell_cost(0, True, settle=1), minus(cell_cost(14, True, settle=1))),
    "age.low": plus(cell_cost(0, False), minus(cell_cost(7, False))),
    "age.share": plus(minus(cell_cost(0, True, column="error")), cell_cost(14, True, column="error")),
    "age.trace_rises": of_arms(cell("", 14, True, 2), cell("", 14, False, 2), "fisher_trace_window"),
    "age.rate": times(0.5, plus(cell_cost(0, True), minus(cell_cost(0, False)), cell_cost(7, True),
                                minus(cell_cost(7, False)))),
    "age.late_at_high_rate": cell_cost(14, True),
    "age.rate_not_dose": times(0.5, plus(cell_cost(0, True), minus(cell_cost(0, False, 8)), cell_cost(7, True),
                                         minus(cell_cost(7, False, 8)))),
    "age.no_shock": plus(cell_cost(14, True), minus(cell_cost(14, True, settle=1))),
    "age.interaction": plus(cell_cost(0, True), minus(cell_cost(0, False)), minus(cell_cost(7, True)),
                            cell_cost(7, False)),
}  # fmt: skip


def streams(deficit, how, column, sham=""):
    return costs(deficit, 0, 6, how, sham=sham, column=column)


TWO_STREAMS = {
    "split.blur_cost": streams("blur b", "continue", "accuracy"),
    "split.dissociation_costs_less": plus(
        streams("blur b", "continue", "accuracy"),
        minus(streams("dissociation b", "continue", "accuracy", sham="split_heads")),
    ),
    "split.stream_trained": {
        (key(window("", 0, 6, "restart")), "probe_maps_b"): 1.0, (key(fresh("restart")), "probe_untrained_maps_b"): -1.0
    },
    "split.blur_continue_decoded": streams("blur b", "continue", "decoding_b"),
    "split.blur_continue_impaired": streams("blur b", "continue", "probe_maps_b"),
    "split.blur_continue_impaired_averaged": streams("blur b", "continue", "probe_averaged_b"),
    "split.opportunity": of_arms(window("", 0, 6, "restart"), fresh("restart")),
    **{
        f"split.{name}_{what}": streams(deficit, "restart", column, sham)
        for name, deficit, sham in (("blur", "blur b", ""), ("dropout", "view_dropout b", ""),
                                    ("dissociation", "dissociation b", "split_heads"))
        for what, column in (("cost_restart", "accuracy"), ("restart_decoded", "decoding_b"),
                             ("restart_impaired", "probe_maps_b"), ("restart_impaired_averaged", "probe_averaged_b"))
    },
    **{f"rsv.one_sided_{how}": minus(streams("blur b", how, "rsv_mean")) for how in ("continue", "restart")},
    **{f"rsv.polarised_{how}": minus(streams("blur b", how, "rsv_polarised")) for how in ("continue", "restart")},
    **{f"rsv.information_{how}": streams("blur b", how, "information_b") for how in ("continue", "restart")},
}  # fmt: skip


TWO_STREAMS |= {
    "split.blur_loses": of_arms(fresh("restart"), window("blur b", 0, 6, "continue")),
    "split.dissociation_costs_less_restart": plus(
        streams("blur b", "restart", "accuracy"),
        minus(streams("dissociation b", "restart", "accuracy", sham="split_heads")),
    ),
    **{f"split.blur_beyond_absence_{how}": of_arms(window("view_dropout b", 0, 6, how), window("blur b", 0, 6, how))
       for how in ("continue", "restart")},
    **{
        f"split.{name}_{what}_harm": {
            (key(fresh(how, 6)), column): 1.0, (key(window(deficit, 0, 6, how)), column): -1.0
        }
        for name, deficit, how in (("blur_continue", "blur b", "continue"), ("blur_restart", "blur b", "restart"),
                                   ("dropout_restart", "view_dropout b", "restart"),
                                   ("dissociation_restart", "dissociation b", "restart"))
        for what, column in (("decoded", "decoding_b"), ("impaired", "probe_maps_b"),
                             ("impaired_averaged", "probe_averaged_b"))
    },
}  # fmt: skip


def absent(view, onset, column):
    return costs(f"view_dropout {view}", onset, 2, "at onset", column=column)


MODALITIES = {
    **{
        f"modality.{name}_{what}": absent(view, 0, column)
        for view, name in (("a", "image"), ("b", "signal"))
        for what, column in (("decoded", f"decoding_{view}"), ("impaired", f"probe_maps_{view}"),
                             ("impaired_averaged", f"probe_averaged_{view}"), ("cost", "accuracy"))
    },
    **{
        f"modality.{name}_{what}": plus(absent(view, 0, column), minus(absent(view, 6, column)))
        for view, name in (("a", "image"), ("b", "signal"))
        for what, column in (("early_impaired", f"probe_maps_{view}"), ("early", f"decoding_{view}"))
    },
    "modality.hard_matters": plus(absent("b", 0, "use_b"), minus(absent("a", 0, "use_a"))),
    "modality.harm": of_arms(fresh("at onset"), window("view_dropout b", 0, 2, "at onset")),
    "modality.easy_harm": of_arms(fresh("at onset"), window("view_dropout a", 0, 2, "at onset")),
    **{
        f"modality.{name}_{what}_harm":
            of_arms(fresh("at onset"), window(f"view_dropout {view}", 0, 2, "at onset"), f"{column}_{view}")
        for view, name in (("a", "image"), ("b", "signal"))
        for what, column in (("decoded", "decoding"), ("impaired", "probe_maps"))
    },
}
BY_HAND = {
    "iclr2019/deficit_removal": VISION, "iclr2019/sensitivity_window": VISION, "controls/permanence": VISION,
    "controls/age_or_rate": VISION, "cvpr2023/split_removal": TWO_STREAMS, "cvpr2023/rsv_blur": TWO_STREAMS,
    "multimodal/modality_dropout": MODALITIES,
}  # fmt: skip
ELSEWHERE = {"split.momentum", "window.second_same_total", "window.longer_costs_more", "window.early_damage",
             "window.late_damage"}  # fmt: skip
"""Claims whose arms differ in more than deficits and rates, and those in `test_networks_and_deficits_by_hand`."""
CASES = [(name, claim.id) for name in BY_HAND for claim in design(name).claims
         if claim.id not in ELSEWHERE and not isinstance(claim.contrast, (Pooled, Within))]  # fmt: skip


def levels(figure):
    """A random level for each arm and column."""
    random = np.random.default_rng(7)
    columns = ("accuracy", "probe_maps_a", "probe_maps_b", "probe_averaged_a", "probe_averaged_b",
               "probe_untrained_maps_b", "decoding_a", "decoding_b", "use_a", "use_b", "rsv_mean", "rsv_polarised",
               "information_b", "fisher_trace_window", "fisher_trace_onset")  # fmt: skip
    return {(of(arm), column): random.uniform(1, 99) for arm in design(figure).trained for column in columns}


def table(figure, held):
    rows = []
    for arm in design(figure).trained:
        values = {column: level for (epochs, column), level in held.items() if epochs == of(arm)}
        rows.append({"arm_id": arm.id, "seed": SEED, "failure": "", **values})
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("figure", "claim_id"), CASES)
def test_a_claim_contrasts_the_arms_that_its_sentence_names(figure, claim_id):
    (claim,) = [claim for claim in design(figure).claims if claim.id == claim_id]
    held, expected = levels(figure), 0.0
    for (epochs, column), weight in BY_HAND[figure][claim_id].items():
        if weight:
            level = held[epochs, "accuracy"] if column == "error" else held[epochs, column]
            level = np.log(100 - level) if column == "error" else level
            expected += weight * (np.log(level) if column == "fisher_trace_window" else level)
    assert claim.contrast.per_seed(table(figure, held))[SEED] == pytest.approx(expected)


def test_arms_have_different_epochs_where_they_are_told_apart_by_them():
    for figure in BY_HAND:
        arms = [arm for arm in design(figure).trained if not arm.run.schedule.reset_optimizer]
        assert len({of(arm) for arm in arms}) == len(arms), figure


def test_cost_is_lost_opportunity_and_damage():
    claims = {claim.id: claim.contrast for claim in design("iclr2019/deficit_removal").claims}
    assert claims["removal.cost"] == claims["removal.opportunity"] + claims["removal.harm_continue"]


def test_dropping_the_momentum_is_all_that_parts_the_authors_protocol():
    (claim,) = [claim for claim in design("cvpr2023/split_removal").claims if claim.id == "split.momentum"]
    (ours, weight), (theirs, other) = [(term.arm, weight) for term, weight in claim.contrast.items()]
    assert (weight, other) == (1.0, -1.0)
    assert of(ours) == of(theirs) == key(window("blur b", 0, 6, "continue"))
    resets = [[spec.reset_optimizer for spec in arm.run.epoch_specs] for arm in (ours, theirs)]
    assert not any(resets[0])
    assert [epoch for epoch, reset in enumerate(resets[1]) if reset] == [6]


def test_prevention_compares_each_method_with_none():
    found = {claim.id: claim for claim in design("stabilizers/prevention").claims}

    def acting(arm):
        return tuple(sorted({held.stabilizer.name for held in arm.run.stabilizers}))

    def roles(contrast):
        return {(acting(term.arm), term.arm.tags["role"], term.column): weight for term, weight in contrast.items()}

    for method in ("fisher_penalty", "modality_dropout", "augmentation", "slow_trunk"):
        for what, column in (("cost", "accuracy"), ("mends", "probe_maps_b"), ("sight", "decoding_b")):
            assert roles(found[f"prevention.{method}_{what}"].contrast) == {
                ((), "dose_matched", column): 1.0, ((), "deficit", column): -1.0,
                ((method,), "dose_matched", column): -1.0, ((method,), "deficit", column): 1.0,
            }  # fmt: skip
        assert roles(found[f"prevention.{method}_price"].contrast) == {
            ((), "dose_matched", "accuracy"): 1.0, ((method,), "dose_matched", "accuracy"): -1.0,
        }  # fmt: skip
    assert roles(found["prevention.augmentation_beyond_slowing"].contrast) == {
        (("slow_trunk",), "dose_matched", "decoding_b"): 1.0, (("slow_trunk",), "deficit", "decoding_b"): -1.0,
        (("augmentation",), "dose_matched", "decoding_b"): -1.0, (("augmentation",), "deficit", "decoding_b"): 1.0,
    }  # fmt: skip


def test_exponents_are_fitted_to_the_gaps_of_their_ladders():
    claim = {claim.id: claim for claim in design("controls/permanence").claims}["permanence.early_slower_than_late"]
    budgets = (2, 4, 8, 16)
    expected = [costs("blur", 0, 2, "restart", budget) for budget in budgets]
    expected += [costs("blur", 4, 2, "at onset", budget) for budget in budgets]
    for part, wanted in zip(claim.contrast.parts, expected, strict=True):
        assert {(of(term.arm), term.column): weight for term, weight in part.items()} == wanted


CELLS = {
    (0, True, 2, 0), (0, True, 2, 1), (0, False, 2, 0), (0, False, 2, 1), (0, False, 8, 0),
    (7, True, 2, 0), (7, True, 2, 1), (7, False, 2, 0), (7, False, 8, 0),
    (14, True, 2, 0), (14, True, 2, 1), (14, False, 2, 0),
}  # fmt: skip
"""Every window of `age_or_rate`: age, whether the rate is high, length, and epochs at that rate before it."""
CORRELATIONS = {
    "age.follows_trace": ("fisher_trace_window", CELLS),
    # A window that begins the training has no trace before it.
    "age.follows_trace_at_onset": ("fisher_trace_onset", {held for held in CELLS if held[0] + held[3] > 0}),
}


@pytest.mark.parametrize("claim_id", CORRELATIONS)
def test_a_correlation_takes_costs_and_traces_of_the_same_cells_in_the_same_order(claim_id):
    column, cells = CORRELATIONS[claim_id]
    (claim,) = [claim for claim in design("controls/age_or_rate").claims if claim.id == claim_id]
    assert (claim.unit, claim.direction) == ("correlation", "greater")
    parts, found = claim.contrast.parts, set()
    for cost, trace in zip(parts[: len(cells)], parts[len(cells) :], strict=True):
        ((term, weight),) = trace.items()
        assert (term.column, term.logarithm, weight) == (column, True, 1.0)
        (held,) = [held for held in cells if key(cell("", *held)) == of(term.arm)]
        assert {(of(one.arm), one.column): weight for one, weight in cost.items()} == {
            (key(cell("", *held)), "accuracy"): 1.0, (key(cell("blur", *held)), "accuracy"): -1.0
        }  # fmt: skip
        found.add(held)
    assert found == cells


@pytest.mark.parametrize("claim_id", CORRELATIONS)
def test_a_correlation_is_that_of_the_ranks_of_costs_and_traces(claim_id):
    column, cells = CORRELATIONS[claim_id]
    (claim,) = [claim for claim in design("controls/age_or_rate").claims if claim.id == claim_id]
    held = levels("controls/age_or_rate")
    costs = [held[key(cell("", *one)), "accuracy"] - held[key(cell("blur", *one)), "accuracy"] for one in cells]
    traces = [held[key(cell("", *one)), column] for one in cells]
    ranks = [np.argsort(np.argsort(values)) for values in (costs, traces)]
    expected = np.corrcoef(*ranks)[0, 1]
    assert claim.contrast.per_seed(table("controls/age_or_rate", held))[SEED] == pytest.approx(expected)
