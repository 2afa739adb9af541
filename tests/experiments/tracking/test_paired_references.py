import math
from dataclasses import replace

import pytest
import tiny

from critical.deficits import Inversion
from critical.stabilizers import StabilizerWindow, WeightDecay
from critical.training.timeline import Timeline
from experiments.design.profile import figure_settings
from experiments.design.profile import protocol as shared_protocol
from experiments.design.protocol import CONTINUE, RESTART_AT_ONSET
from experiments.design.registry import FIGURES
from experiments.output import tables
from experiments.tracking.references import effects

PROTOCOL = tiny.protocol(recovery=4)


def arms(*windows, seed=0):
    return [arm.of_seed(seed) for window in windows for arm in window.arms]


def found_in(specs):
    """The costs and harms among runs, where every network reaches another accuracy."""
    ends = {}
    accuracy = {spec.run_id: ends.setdefault(spec.keys[-1], float(len(ends))) for spec in specs}
    return accuracy, effects(specs, accuracy)


@pytest.mark.parametrize("schedule", [CONTINUE, "restart", RESTART_AT_ONSET])
def test_references_are_found_among_all_arms(schedule):
    windows = [PROTOCOL.window(onset, length, schedule) for onset, length in ((0, 2), (0, 3), (2, 2))]
    others = [*arms(*windows, seed=1), *arms(*windows), *arms(PROTOCOL.window(0, 2, schedule, budget=5))]
    accuracy, found = found_in(list({spec.run_id: spec for spec in others}.values()))
    for window in windows:
        run, dose_matched, fresh = (
            accuracy[arm.of_seed(0).run_id] for arm in (window.deficit, window.dose_matched, window.fresh)
        )
        assert found[window.deficit.of_seed(0).run_id] == {"cost": dose_matched - run, "harm": fresh - run}


def test_a_reference_of_another_condition_is_none():
    method = (StabilizerWindow(WeightDecay(), 0, 2),)
    treated, plain = PROTOCOL.window(0, 2, stabilizers=method), PROTOCOL.window(0, 2)
    spec = treated.deficit.of_seed(0)
    assert found_in([spec, *arms(plain)])[1][spec.run_id].keys() == {"harm"}
    assert found_in([spec, treated.dose_matched.of_seed(0), *arms(plain)])[1][spec.run_id].keys() == {"cost", "harm"}
    # Another deficit is no reference, and a run without a window has none.
    inverted = PROTOCOL.window(0, 2, deficit=Inversion()).deficit.of_seed(0)
    assert found_in([spec, inverted])[1] == {}
    assert plain.fresh.of_seed(0).run_id not in found_in(arms(plain))[1]


def test_a_run_that_ends_at_the_removal_has_none():
    held = PROTOCOL.window(0, 2).deficit.of_seed(0)
    cut = replace(held, timeline=Timeline(2, held.timeline.windows))
    assert found_in([cut])[1] == {}


def test_cost_and_harm_of_a_table():
    window = PROTOCOL.window(0, 2)
    specs = [*arms(window), *arms(window, seed=1)]
    by_role = {window.deficit: 60.0, window.dose_matched: 72.5, window.fresh: 65.0}
    accuracy = {arm.of_seed(0).run_id: value for arm, value in by_role.items()}
    assert effects(specs, accuracy) == {window.deficit.of_seed(0).run_id: {"cost": 12.5, "harm": 5.0}}
    accuracy[window.fresh.of_seed(0).run_id] = math.nan
    assert effects(specs, accuracy) == {window.deficit.of_seed(0).run_id: {"cost": 12.5}}
    assert effects([], {}) == {}


def of_a_figure(name):
    """The rows of a shipped figure, and its costs and harms where every network reaches another accuracy."""
    config = tiny.composed("figures", "profile=quick", "device=cpu")
    figure = FIGURES[name]
    protocol, parameters = figure_settings(config, figure, shared_protocol(config, figure.family))
    items = tables.planned(figure.design(protocol, parameters), (20,))
    accuracy, found = found_in(list({item.spec.run_id: item.spec for item in items}.values()))
    by_label = {item.tags["label"]: (item.tags["role"], item.spec.run_id) for item in items}
    return by_label, accuracy, found


def test_costs_of_a_shipped_figure_are_those_of_its_design():
    """Every deficit arm of the window figure has both references among the figure's own runs."""
    rows, _, found = of_a_figure("controls/age_or_rate")
    assert found.keys() == {run_id for role, run_id in rows.values() if role == "deficit"}
    assert all(held.keys() == {"cost", "harm"} for held in found.values())


def test_an_optimiser_reset_is_compared_with_one():
    rows, accuracy, found = of_a_figure("controls/schedules")
    resets = {label: run_id for label, (role, run_id) in rows.items() if role == "deficit" and "reset" in label}
    assert len(resets) == 5
    clean = {label: run_id for label, (role, run_id) in rows.items() if role == "dose_matched" and "reset" in label}
    for label, run_id in resets.items():
        (reference,) = [held for other, held in clean.items() if other.endswith(label.split(")", 1)[1])]
        assert found[run_id]["cost"] == accuracy[reference] - accuracy[run_id]


def test_a_dissociation_is_compared_with_its_choice_of_heads():
    rows, accuracy, found = of_a_figure("cvpr2023/split_removal")
    for label, (_, run_id) in rows.items():
        if label.startswith("dissociation"):
            sham = rows["split heads" + label.removeprefix("dissociation of view b")][1]
            assert found[run_id]["cost"] == accuracy[sham] - accuracy[run_id]
        assert not (label.startswith("split heads") and run_id in found)
        if "momentum dropped" in label and run_id in found:
            assert found[run_id].keys() == {"harm"}, "the figure has no clean run without the momentum"
