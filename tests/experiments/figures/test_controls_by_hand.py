"""The claims of schedules, blurs, and rates by sense against coefficients written by hand.

An arm is found here by what acts in its epochs, spelled out below, not by what the figure calls it.
"""

import dataclasses
import functools
import math

import pytest
import tiny

from critical.core.spec import SpecError
from critical.inference.arms import Pooled, Within
from critical.models import MLP
from experiments.design import profile, registry
from experiments.output.composing import designed

RATE, DECAY, RECOVERY = 0.05, 0.8, 4


@functools.cache
def design(name):
    """A figure's design, with windows that end after 2, 4 and 6 epochs, and images of 8×8."""
    config = tiny.composed(
        "figures", "profile=smoke", "device=cpu", f"protocol.rate={RATE}", f"protocol.decay={DECAY}",
        f"protocol.recovery={RECOVERY}", "protocol.longest_window=6", "protocol.points=3", "protocol.seeds=[20]",
        "+figures={controls/blur_map:{lengths:[2,4,6]}}",
    )  # fmt: skip
    figure = registry.FIGURES[name]
    return designed(figure, *profile.figure_settings(config, figure, profile.protocol(config, figure.family)))


def claims(name):
    return {claim.id: claim for claim in design(name).claims}


def called(deficit):
    size = getattr(deficit, "size", None)
    return deficit.name + (f" {size}" if size else "")


def of(arm):
    """What acts in each epoch of an arm: deficit, rate, and R where the optimiser is reset."""
    return tuple(("+".join(map(called, spec.deficits)), f"{spec.rate:.6g}", "R" * spec.reset_optimizer)
                 for spec in arm.run.epoch_specs)  # fmt: skip


def epochs(deficits, rates, reset=None):
    """The same by hand: a deficit and a rate for each epoch."""
    return tuple((deficit, f"{rate:.6g}", "R" * (epoch == reset))
                 for epoch, (deficit, rate) in enumerate(zip(deficits, rates, strict=True)))  # fmt: skip


def decaying(start, count, rate=RATE, decay=DECAY):
    return [rate * decay**epoch for epoch in range(start, start + count)]


def plus(*parts):
    total = {}
    for part in parts:
        for term, weight in part.items():
            total[term] = total.get(term, 0.0) + weight
    return {term: weight for term, weight in total.items() if abs(weight) > 1e-12}


def times(factor, part):
    return {term: factor * weight for term, weight in part.items()}


def minus(part):
    return times(-1.0, part)


def pair(positive, negative, column="accuracy"):
    return {(positive, column): 1.0, (negative, column): -1.0}


AFTER = {
    "continue": decaying(6, 4),
    "restart": decaying(0, 4),
    "hot_restart": [3 * RATE * (DECAY**4 / 3) ** (epoch / 4) for epoch in range(4)],
    "cyclic": 2 * [RATE, RATE * (0.01 + 0.99 * (1 + math.cos(math.pi / 2)) / 2)],
    "constant": 4 * [RATE],
}


def until(how, deficit, reset=False):
    during = 6 * [RATE] if how == "constant" else decaying(0, 6)
    return epochs(6 * [deficit] + 4 * [""], during + AFTER[how], 6 if reset else None)


def removal_cost(how, reset=False, column="accuracy"):
    return pair(until(how, "", reset), until(how, "blur", reset), column)


def removal_harm(how, reset=False):
    return pair(epochs(4 * [""], AFTER[how]), until(how, "blur", reset))


AGAIN = ("restart", "hot_restart", "cyclic")
SCHEDULES = {
    "schedules.gap": removal_cost("continue"),
    **{f"schedules.{how}_closes": pair(until("continue", ""), until(how, "blur")) for how in AGAIN},
    **{f"schedules.{how}_helps": plus(removal_cost("continue"), minus(removal_cost(how))) for how in AGAIN},
    "schedules.restart_share": plus(
        minus(removal_cost("continue", column="error")), removal_cost("restart", column="error")
    ),
    "schedules.hotter": plus(removal_cost("restart"), minus(removal_cost("hot_restart"))),
    "schedules.constant": removal_cost("constant"),
    **{f"schedules.{how}_left": removal_cost(how) for how in AGAIN},
    **{f"schedules.{how}_damage": removal_harm(how) for how in AGAIN},
    **{f"schedules.{how}_reset": plus(removal_cost(how, True), minus(removal_cost(how))) for how in AFTER},
    **{f"schedules.{how}_reset_accuracy": pair(until(how, "blur", True), until(how, "blur")) for how in AFTER},
}


def window(deficits, length=6):
    """A window from epoch 0 on, its deficit or one an epoch, and a restarted recovery."""
    seen = length * [deficits] if isinstance(deficits, str) else deficits
    return epochs([*seen, *(4 * [""])], decaying(0, length) + decaying(0, 4))


FRESH = epochs(4 * [""], decaying(0, 4))
MILD, SEVERE = window("blur 4"), window("blur 2")
"""To 1/2 and 1/4 of 8 pixels; to 1/3, three are left."""
SHARPENING, SHUFFLED = (window([f"blur {size}" for size in sizes for _ in range(2)])
                        for sizes in ((2, 3, 4), (3, 2, 4)))  # fmt: skip
INSTEAD = window("")
BLURRED, NOISY = "accuracy_blurred", "accuracy_noisy"
BLURS = {
    "blur_map.blind": {(INSTEAD, "accuracy"): 1.0, (INSTEAD, BLURRED): -1.0},
    "blur_map.lasting": pair(MILD, INSTEAD, BLURRED),
    "blur_map.not_fewer": pair(MILD, FRESH, BLURRED),
    "blur_map.fades": {(MILD, "accuracy_deficient"): 1.0, (MILD, "accuracy_blur/2"): -1.0},
    "blur_map.sharpening_blur": pair(SHARPENING, INSTEAD, BLURRED),
    "blur_map.sharpening_noise": pair(SHARPENING, INSTEAD, NOISY),
    "blur_map.order_blur": pair(SHARPENING, SHUFFLED, BLURRED),
    "blur_map.order_noise": pair(SHARPENING, SHUFFLED, NOISY),
    "blur_map.order_clean": pair(SHARPENING, SHUFFLED),
    "blur_map.mild_helps": pair(MILD, FRESH),
    "blur_map.mild_costs": pair(INSTEAD, MILD),
    "blur_map.severe_harms": pair(FRESH, SEVERE),
    "blur_map.stronger": plus(pair(INSTEAD, SEVERE), minus(pair(INSTEAD, MILD))),
}


def cell(deficit, age, high, budget=4, depth=3, length=2):
    """A window of 2 epochs or more at a constant rate, at epoch 0, or at 7, where the rate has fallen to a quarter."""
    rates = [max(rate, RATE / 4) for rate in decaying(0, age)] + length * [RATE if high else RATE / 4]
    return epochs(age * [""] + length * [deficit] + budget * [""], rates + recovery(budget)), depth


def recovery(budget):
    return decaying(0, budget, decay=DECAY ** (4 / budget))


def skipped(age, budget):
    return epochs((age + budget) * [""], [max(rate, RATE / 4) for rate in decaying(0, age)] + recovery(budget)), 3


def cell_cost(deficit, age, high, depth=3, length=2):
    return pair(cell("", age, high, depth=depth, length=length), cell(deficit, age, high, depth=depth, length=length))


def cell_damage(deficit, age, high, budget):
    return pair(skipped(age, budget), cell(deficit, age, high, budget))


def mean_damage(deficit, high, budget):
    return times(0.5, plus(*(cell_damage(deficit, age, high, budget) for age in (0, 7))))


def by_rate(deficit, depth=3):
    return times(0.5, plus(*(plus(cell_cost(deficit, age, True, depth), minus(cell_cost(deficit, age, False, depth)))
                             for age in (0, 7))))  # fmt: skip


def by_rate_at_equal_dose(deficit):
    return times(0.5, plus(*(plus(cell_cost(deficit, age, True), minus(cell_cost(deficit, age, False, length=8)))
                             for age in (0, 7))))  # fmt: skip


def damage_by_rate(budget):
    return plus(mean_damage("blur", True, budget), minus(mean_damage("blur", False, budget)))


IMAGES, LABELS = ("blur", "noise", "occlusion"), "label_permutation"
SENSES = {
    "sense.early": plus(cell_damage("blur", 0, True, 4), minus(cell_damage("blur", 7, True, 4))),
    **{f"sense.{name}_rate": by_rate(name) for name in (*IMAGES, LABELS)},
    **{f"sense.{name}_dose": by_rate_at_equal_dose(name) for name in ("blur", LABELS)},
    **{f"sense.{name}_damage": mean_damage(name, True, 4) for name in (*IMAGES, LABELS)},
    **{f"sense.{name}_left": mean_damage(name, True, 8) for name in (*IMAGES, LABELS)},
    "sense.special": plus(times(1 / 3, plus(*map(by_rate, IMAGES))), minus(by_rate(LABELS))),
    "sense.special_left": plus(
        times(1 / 3, plus(*(mean_damage(name, True, 8) for name in IMAGES))), minus(mean_damage(LABELS, True, 8))
    ),
    "sense.added": damage_by_rate(4),
    "sense.permanent": damage_by_rate(8),
    "sense.repaired": plus(damage_by_rate(4), minus(damage_by_rate(8))),
    **{f"sense.other_{name}": by_rate(name, 4) for name in ("blur", LABELS)},
}
BY_HAND = {"controls/schedules": SCHEDULES, "controls/blur_map": BLURS, "controls/rate_and_sense": SENSES}
DEEP = "controls/rate_and_sense"
"""Its arms are told apart by the depth of their network, too."""
CASES = [(name, claim) for name in BY_HAND for claim, one in claims(name).items()
         if not isinstance(one.contrast, (Pooled, Within))]  # fmt: skip


def seen(figure, arm):
    return (of(arm), arm.run.model.depth) if figure == DEEP else of(arm)


@pytest.mark.parametrize(("figure", "claim_id"), CASES)
def test_a_claim_contrasts_the_arms_that_its_sentence_names(figure, claim_id):
    contrast = claims(figure)[claim_id].contrast
    found = {(seen(figure, term.arm), term.column): weight for term, weight in contrast.items()}
    assert found == pytest.approx(BY_HAND[figure][claim_id])


def test_arms_have_different_epochs_where_they_are_told_apart_by_them():
    for figure in BY_HAND:
        arms = design(figure).trained
        assert len({seen(figure, arm) for arm in arms}) == len(arms), figure


def test_damage_by_blur_is_set_beside_how_well_the_same_blur_was_learnt():
    parts = claims("controls/blur_map")["blur_map.learnt"].contrast.parts
    expected = []
    for size in (4, 3, 2):
        cells = [window(f"blur {size}", length) for length in (2, 4, 6)]
        expected += [pair(FRESH, cell) for cell in cells] + [{(cell, "accuracy_deficient"): 1.0} for cell in cells]
    assert [{(of(term.arm), term.column): weight for term, weight in part.items()} for part in parts] == expected


def test_sharpening_and_shuffled_vision_have_each_blur_as_long_also_where_the_window_does_not_divide():
    protocol = tiny.protocol(recovery=4, longest_window=7, points=1)
    figure = registry.FIGURES["controls/blur_map"]
    made = figure.design(protocol, figure.parameters(lengths=(7,)))
    course = {arm.tags["blur"]: [called(one) for spec in arm.run.epoch_specs for one in spec.deficits]
              for arm in made.trained if arm.tags.get("blur", "").startswith("sh")}  # fmt: skip
    assert course["sharpening"] == ["blur 1", *(2 * ["blur 2"]), *(2 * ["blur 3"]), *(2 * ["blur 4"])]
    assert course["shuffled"] == [*(2 * ["blur 3"]), *(2 * ["blur 2"]), "blur 1", *(2 * ["blur 4"])]


def test_test_images_are_blurred_as_training_images_are():
    protocol, figure = tiny.protocol(recovery=4, longest_window=7, points=1), registry.FIGURES["controls/blur_map"]
    made = figure.design(protocol, figure.parameters(lengths=(7,), shrinks=(3, 4, 6)))
    rungs = {probe.blurs for arm in made.trained for probe in arm.run.probes if probe.name == "ladders"}
    assert rungs == {(3, 4, 6)}
    (fades,) = [claim for claim in made.claims if claim.id == "blur_map.fades"]
    assert {term.column for term in fades.contrast.terms} == {"accuracy_deficient", "accuracy_blur/3"}


def test_a_window_too_short_for_each_blur_is_refused():
    figure = registry.FIGURES["controls/blur_map"]
    with pytest.raises(SpecError, match=r"^lengths=\[1, 3\]: the longest has no epoch for each of the blurs"):
        figure.design(tiny.protocol(), figure.parameters(lengths=(1, 3)))


@pytest.mark.parametrize(
    ("shrinks", "sizes"), [((2, 3, 9), r"\[4, 3, 1\]"), ((2, 6, 8), r"\[4, 1, 1\]"), ((2, 3, 100), r"\[4, 3, 1\]")]
)
def test_blurs_that_are_one_or_leave_no_pixel_are_refused(shrinks, sizes):
    figure = registry.FIGURES["controls/blur_map"]
    with pytest.raises(SpecError, match=rf"^shrinks=.*: of 8 pixels they leave {sizes}; give factors up to 8 that"):
        figure.design(tiny.protocol(), figure.parameters(lengths=(1, 3), shrinks=shrinks))


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"depth": 3}, "^depth=3: the first network has it, too; give another one, or null for none$"),
     ({"budget": 4}, "^budget=4: the long recovery has more epochs than the standard one, 4; raise it$")],
)  # fmt: skip
def test_a_second_network_and_recovery_like_the_first_are_refused(changes, said):
    figure, protocol = registry.FIGURES[DEEP], tiny.protocol(recovery=4, longest_window=2)
    parameters = figure.parameters(**{**figure.parameters.defaults(protocol), **changes})
    with pytest.raises(SpecError, match=said):
        figure.design(protocol, parameters)


def test_a_network_without_a_depth_has_no_second_one_beside_it():
    protocol = tiny.protocol(recovery=4, longest_window=2)
    plain = dataclasses.replace(protocol, parts=dataclasses.replace(protocol.parts, model=MLP((8,))))
    figure = registry.FIGURES[DEEP]
    parameters = figure.parameters(**figure.parameters.defaults(plain))
    assert parameters.depth is None
    made = figure.design(plain, parameters)
    assert not [claim.id for claim in made.claims if claim.id.startswith("sense.other")]
    assert {arm.run.model.name for arm in made.trained} == {"mlp"}


def test_a_late_window_at_rates_that_are_not_low_yet_is_refused():
    figure, protocol = registry.FIGURES[DEEP], tiny.protocol(recovery=4, longest_window=2)
    parameters = figure.parameters(**{**figure.parameters.defaults(protocol), "late": 6})
    with pytest.raises(SpecError, match=r"^late=6: a late window begins where .* from epoch 7 on, with a decay below"):
        figure.design(protocol, parameters)
