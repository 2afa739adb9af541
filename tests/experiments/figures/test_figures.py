"""The figures' modules on fabricated tables: nothing here trains."""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pytest
import tiny

from critical.core.spec import SpecError
from critical.inference import statistics
from critical.inference.verdicts import decide, verdicts
from experiments.design import config as configuration
from experiments.design.protocol import DEFICIT, DOSE_MATCHED, FRESH, SAME_RECOVERY, SAME_TOTAL, Tables
from experiments.figures.controls import permanence
from experiments.figures.iclr2019 import deficit_removal, sensitivity_window

PROTOCOL = tiny.protocol()
NUMBERS = {
    deficit_removal: deficit_removal.Numbers((5, 10, 15)),
    sensitivity_window: sensitivity_window.Numbers(5, (0, 5, 10)),
    permanence: permanence.Numbers(5, 10, (5, 10, 20)),
}
MODULES = list(NUMBERS)


def name(part):
    return part.__name__.rsplit(".", 1)[-1] if hasattr(part, "__name__") else None


def removal_world(slope_continue, slope_restart, dose):
    """Accuracy falls by a slope for each epoch of the deficit."""

    def accuracy(tags):
        if tags["arm"] == DEFICIT:
            slope = slope_continue if tags["schedule"] == "continue" else slope_restart
            return 60 - slope * tags["removal"]
        return 60 if tags["arm"] == FRESH else dose

    return accuracy


def window_world(early, late):
    """What an early and a late window cost."""
    return lambda tags: 80 - (tags["arm"] == DEFICIT) * (early if tags["onset"] == 0 else late)


def ladder_world(early, late, control, fresh=0.0):
    """Gaps c / T^alpha for early, late and control windows, each (c, alpha); fresh − dose-matched in points."""

    def accuracy(tags):
        if tags["arm"] == FRESH:
            return 80 + fresh
        if tags["arm"] == DOSE_MATCHED:
            return 80
        case = control if tags["deficit"] == "label_permutation" else late if tags["onset"] else early
        return 80 - case[0] / tags["budget"] ** case[1]

    return accuracy


GOOD, BAD, NOT = "reproduced", "reversed", "not reproduced"
PLANTED = [
    (deficit_removal, removal_world(2, 1, dose=65), {
        "removal.harm_continue": GOOD, "removal.falls": GOOD, "removal.harm_restart": GOOD,
        "removal.cost_restart": GOOD, "removal.restart_helps": GOOD}),
    (deficit_removal, removal_world(-2, -1, dose=50), {
        "removal.harm_continue": BAD, "removal.falls": BAD, "removal.harm_restart": BAD,
        "removal.cost_restart": BAD, "removal.restart_helps": BAD}),
    (deficit_removal, removal_world(0, 0, dose=60), {
        "removal.harm_continue": NOT, "removal.falls": NOT, "removal.harm_restart": NOT,
        "removal.cost_restart": NOT, "removal.restart_helps": NOT}),
    (sensitivity_window, window_world(early=20, late=0), {
        "window.early_same_total": GOOD, "window.early_same_recovery": GOOD,
        "window.late_costs_nothing": GOOD}),
    (sensitivity_window, window_world(early=0, late=20), {
        "window.early_same_total": BAD, "window.early_same_recovery": BAD,
        "window.late_costs_nothing": NOT}),
    (sensitivity_window, window_world(early=20, late=20), {
        "window.early_same_total": NOT, "window.early_same_recovery": NOT,
        "window.late_costs_nothing": NOT}),
    (permanence, ladder_world((40, 0.5), (40, 1.5), (2, 0.5)), {
        "permanence.harm_left": GOOD, "permanence.cost_left": GOOD, "permanence.early_slower_than_late": GOOD,
        "permanence.early_slower_than_control": GOOD, "permanence.control_left": GOOD}),
    (permanence, ladder_world((40, 1.5), (40, 0.5), (40, 0.5), fresh=-30), {
        "permanence.harm_left": BAD, "permanence.early_slower_than_late": BAD,
        "permanence.early_slower_than_control": NOT, "permanence.control_left": NOT}),
    (permanence, ladder_world((40, 2), (40, 2), (40, 1)), {
        "permanence.harm_left": NOT, "permanence.cost_left": NOT, "permanence.early_slower_than_late": NOT,
        "permanence.early_slower_than_control": NOT, "permanence.control_left": NOT}),
    # Better than the dose-matched network: no gap, so no exponent, and no seed is left out for that.
    (permanence, ladder_world((-40, 0.5), (40, 1), (40, 1)), {
        "permanence.cost_left": BAD, "permanence.early_slower_than_late": "undecided"}),
]  # fmt: skip


@pytest.mark.parametrize(("module", "world", "expected"), PLANTED, ids=name)
def test_planted_effects_are_found(module, world, expected):
    figure, numbers = module.FIGURE, NUMBERS[module]
    table = tiny.fabricated(figure.runs(PROTOCOL, numbers), world).runs
    found = {
        claim.id: decide(table, claim, PROTOCOL.seeds).verdict
        for claim in figure.claims(PROTOCOL, numbers)
        if claim.id in expected
    }
    assert found == expected


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_every_claim_is_reproduced_and_contradicted_in_some_world(module):
    ids = {claim.id for claim in module.FIGURE.claims(PROTOCOL, NUMBERS[module])}
    worlds = [expected for of, _, expected in PLANTED if of is module]
    for verdict in (GOOD, NOT):
        assert {id for world in worlds for id, found in world.items() if found == verdict} == ids
    directed = {claim.id for claim in module.FIGURE.claims(PROTOCOL, NUMBERS[module]) if claim.direction != "none"}
    assert {id for world in worlds for id, found in world.items() if found == BAD} == directed


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_runs_cover_what_is_claimed(module):
    figure, numbers = module.FIGURE, NUMBERS[module]
    planned = figure.runs(PROTOCOL, numbers)
    table = tiny.fabricated(planned, lambda tags: 50.0).runs
    arms = {arm for claim in figure.claims(PROTOCOL, numbers) for arm in claim.arms}
    for arm in arms:
        assert sorted(statistics.seed_values(table, arm).index) == list(PROTOCOL.seeds), arm
    found = verdicts(table, figure.claims(PROTOCOL, numbers), PROTOCOL.seeds)
    assert not set(found["verdict"]) & {"missing arm", "failed run", "too few seeds"}
    # And a run taken away is missed by somebody.
    arm = sorted(arms, key=str)[0]
    less = table.drop(statistics.select(table, arm).index[0])
    assert "missing arm" in set(verdicts(less, figure.claims(PROTOCOL, numbers), PROTOCOL.seeds)["verdict"])


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_no_run_is_listed_twice(module):
    planned = module.FIGURE.runs(PROTOCOL, NUMBERS[module])
    assert len({tuple(item.tags.items()) for item in planned}) == len(planned)
    for item in planned:
        assert item.tags["removal"] + item.tags["budget"] == item.spec.timeline.end


@pytest.mark.parametrize("module", MODULES, ids=name)
@pytest.mark.parametrize("failing", [None, FRESH, DEFICIT])
def test_it_is_drawn(module, failing):
    figure, numbers = module.FIGURE, NUMBERS[module]
    world = next(of for kind, of, _ in PLANTED if kind is module)
    made = tiny.fabricated(figure.runs(PROTOCOL, numbers), world)
    if failing:
        row = made.runs.index[made.runs["arm"] == failing][0]
        made.runs.loc[row, ["accuracy", "loss"]] = np.nan
        made.runs.loc[row, "failure"] = "non-finite loss in epoch 0"
    drawing = figure.draw(made, PROTOCOL, numbers)
    try:
        points = sum(len(held.get_offsets()) for axis in drawing.axes for held in axis.collections
                     if hasattr(held, "get_offsets"))  # fmt: skip
        assert points >= len(made.runs) / 2, "each run is a dot"
        assert all(axis.get_xlabel() or axis.get_ylabel() or axis.lines for axis in drawing.axes)
        drawing.canvas.draw()
    finally:
        plt.close(drawing)
    text = figure.caption(made, PROTOCOL, numbers)
    assert text.endswith(".")
    assert "nan" not in text


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_one_seed_can_be_drawn(module):
    protocol = dataclasses.replace(PROTOCOL, seeds=(0,))
    figure, numbers = module.FIGURE, NUMBERS[module]
    made = tiny.fabricated(figure.runs(protocol, numbers), lambda tags: 50.0 + tags["onset"])
    drawing = figure.draw(made, protocol, numbers)
    drawing.canvas.draw()
    plt.close(drawing)
    assert set(verdicts(made.runs, figure.claims(protocol, numbers), protocol.seeds)["verdict"]) <= {
        "too few seeds", "undecided", "missing arm",  # a margin needs two seeds
    }  # fmt: skip


@pytest.mark.parametrize(
    ("module", "given"),
    [
        (deficit_removal, {"removals": []}),
        (deficit_removal, {"removals": [0, 2]}),
        (deficit_removal, {"removals": [4, 2]}),
        (deficit_removal, {"removals": [2, 2]}),
        (deficit_removal, {"removals": 3}),
        (deficit_removal, {"removals": ["a"]}),
        (deficit_removal, {"removal": [2]}),
        (deficit_removal, {}),
        (sensitivity_window, {"length": 0, "onsets": [0, 1]}),
        (sensitivity_window, {"length": 1, "onsets": [0]}),
        (sensitivity_window, {"length": 1, "onsets": [-1, 1]}),
        (sensitivity_window, {"length": 1, "onsets": [1, 0]}),
        (permanence, {"length": 0, "late_onset": 1, "budgets": [1, 2, 4]}),
        (permanence, {"length": 1, "late_onset": 0, "budgets": [1, 2, 4]}),
        (permanence, {"length": 1, "late_onset": 1, "budgets": [1, 2]}),
        (permanence, {"length": 1, "late_onset": 1, "budgets": [1, 2, 3]}),
        (permanence, {"length": 1, "late_onset": 1, "budgets": [0, 0, 0]}),
    ],
)
def test_impossible_numbers_are_refused(module, given):
    with pytest.raises(SpecError) as raised:
        configuration.numbers(module.Numbers, given, module.FIGURE.name)
    assert "\n" not in str(raised.value)


class TestSensitivityWindow:
    def planned(self, comparison):
        runs = sensitivity_window.runs(PROTOCOL, NUMBERS[sensitivity_window])
        return [item for item in runs if item.tags["comparison"] == comparison]

    def test_same_recovery_means_the_same_clean_epochs_after(self):
        for item in self.planned(SAME_RECOVERY):
            assert item.tags["budget"] == PROTOCOL.recovery
            assert item.spec.timeline.end - item.spec.timeline.removal == PROTOCOL.recovery

    def test_same_total_means_the_same_epochs_in_all(self):
        windowed = [item for item in self.planned(SAME_TOTAL) if item.tags["arm"] != FRESH]
        assert {item.spec.timeline.end for item in windowed} == {10 + 5 + 10}
        assert {item.tags["onset"] for item in windowed} == {0, 5, 10}
        # A fresh network has what a window's network has after it.
        fresh = {item.spec.timeline.end for item in self.planned(SAME_TOTAL) if item.tags["arm"] == FRESH}
        assert fresh == {item.tags["budget"] for item in windowed} == {10, 15, 20}

    def test_the_latest_window_of_both_is_the_same_run(self):
        ids = [
            {item.spec.run_id for item in self.planned(comparison)
             if item.tags["arm"] == DEFICIT and item.tags["onset"] == 10 and item.tags["schedule"] == "continue"}
            for comparison in (SAME_RECOVERY, SAME_TOTAL)
        ]  # fmt: skip
        assert ids[0] == ids[1] != set()


class TestPermanence:
    def test_exponents_are_those_planted(self):
        numbers = NUMBERS[permanence]
        made = tiny.fabricated(permanence.runs(PROTOCOL, numbers), ladder_world((40, 0.5), (40, 1.5), (40, 1)))
        found = [permanence.exponents(made.runs, case, numbers).mean() for case in permanence.cases(PROTOCOL, numbers)]
        assert found == pytest.approx([0.5, 1.5, 1.0], abs=0.02)

    def test_gaps_leave_failed_runs_out(self):
        numbers = NUMBERS[permanence]
        made = tiny.fabricated(permanence.runs(PROTOCOL, numbers), ladder_world((40, 1), (40, 1), (40, 1)))
        case = permanence.cases(PROTOCOL, numbers)[0]
        assert len(permanence.gaps(made, case, numbers)) == 3 * 6
        row = statistics.select(made.runs, permanence.ladder(case, numbers, 5)).index[0]
        broken = made.runs.assign(accuracy=made.runs["accuracy"].mask(made.runs.index == row))
        gaps = permanence.gaps(Tables(broken), case, numbers)
        assert len(gaps) == 3 * 6 - 1
        assert gaps.loc[gaps["budget"] == 20, "gap"].mean() == pytest.approx(2, abs=0.05)

    def test_the_control_has_the_classes_of_the_data(self):
        assert permanence.cases(PROTOCOL, NUMBERS[permanence])[2].deficit.classes == 10
