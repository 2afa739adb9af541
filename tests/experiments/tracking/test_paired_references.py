import math

import pytest
import tiny

from critical.deficits import Inversion
from critical.stabilizers import StabilizerWindow, WeightDecay
from experiments.design.profile import figure_settings
from experiments.design.profile import protocol as shared_protocol
from experiments.design.protocol import CONTINUE, RESTART_AT_ONSET
from experiments.design.registry import FIGURES
from experiments.output import tables
from experiments.tracking.references import dose_matched, effects, fresh

PROTOCOL = tiny.protocol(recovery=4)


def arms(*windows, seed=0):
    return [arm.of_seed(seed) for window in windows for arm in window.arms]


@pytest.mark.parametrize("schedule", [CONTINUE, "restart", RESTART_AT_ONSET])
def test_references_are_found_among_all_arms(schedule):
    windows = [PROTOCOL.window(onset, length, schedule) for onset, length in ((0, 2), (0, 3), (2, 2))]
    others = [*arms(*windows, seed=1), *arms(*windows), *arms(PROTOCOL.window(0, 2, schedule, budget=5))]
    for window in windows:
        spec = window.deficit.of_seed(0)
        assert dose_matched(spec, others).run_id == window.dose_matched.of_seed(0).run_id
        assert fresh(spec, others).run_id == window.fresh.of_seed(0).run_id


def test_a_reference_of_another_condition_is_none():
    method = (StabilizerWindow(WeightDecay(), 0, 2),)
    treated, plain = PROTOCOL.window(0, 2, stabilizers=method), PROTOCOL.window(0, 2)
    spec = treated.deficit.of_seed(0)
    assert dose_matched(spec, arms(plain)) is None
    assert fresh(spec, arms(plain)).run_id == plain.fresh.of_seed(0).run_id
    assert dose_matched(spec, arms(plain, treated)).run_id == treated.dose_matched.of_seed(0).run_id
    # Another deficit is no reference, and a run without a window has none.
    assert dose_matched(spec, arms(PROTOCOL.window(0, 2, deficit=Inversion()))[:1]) is None
    assert fresh(plain.fresh.of_seed(0), arms(plain)) is None
    assert fresh(spec, []) is None


def test_cost_and_harm_of_a_table():
    window = PROTOCOL.window(0, 2)
    specs = [*arms(window), *arms(window, seed=1)]
    by_role = {window.deficit: 60.0, window.dose_matched: 72.5, window.fresh: 65.0}
    accuracy = {arm.of_seed(0).run_id: value for arm, value in by_role.items()}
    assert effects(specs, accuracy) == {window.deficit.of_seed(0).run_id: {"cost": 12.5, "harm": 5.0}}
    accuracy[window.fresh.of_seed(0).run_id] = math.nan
    assert effects(specs, accuracy) == {window.deficit.of_seed(0).run_id: {"cost": 12.5}}
    assert effects([], {}) == {}


def test_costs_of_a_shipped_figure_are_those_of_its_design():
    """Every deficit arm of the window figure has both references among the figure's own runs."""
    config = tiny.composed("figures", "profile=quick", "device=cpu")
    figure = FIGURES["controls/age_or_rate"]
    protocol, parameters = figure_settings(config, figure, shared_protocol(config))
    items = tables.planned(figure.design(protocol, parameters), (20,))
    found = effects({item.spec.run_id: item.spec for item in items}.values(), {i.spec.run_id: 50.0 for i in items})
    deficits = {item.spec.run_id for item in items if item.tags["role"] == "deficit"}
    assert found.keys() == deficits
    assert all(held["cost"] == 0 for held in found.values())
