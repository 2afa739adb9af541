"""What is drawn, and correlated, where no claim of one contrast says it: signs, arms and pairs."""

import numpy as np
import pytest
import tiny

from critical.inference.arms import Within
from critical.plots.panel import arms_of
from critical.plots.panels import Series
from critical.plots.ranked import Ranked
from experiments.design import profile, registry
from experiments.design.protocol import DEFICIT, DOSE_MATCHED, FRESH
from experiments.output.composing import designed


def design(name):
    config = tiny.composed("figures", "profile=smoke", "device=cpu", "protocol.longest_window=6", "protocol.points=3")
    figure = registry.FIGURES[name]
    return designed(figure, *profile.figure_settings(config, figure, profile.protocol(config, figure.family)))


def panels(held, kind):
    return [panel for row in held.panels for panel in row if isinstance(panel, kind)]


def test_a_method_saves_what_the_deficit_costs_less_with_it():
    held = design("stabilizers/prevention")
    saved = [panel for panel in panels(held, Ranked) if panel.whole is not None]
    assert len(saved) == 3
    world = {(DOSE_MATCHED, "none"): 90.0, (DEFICIT, "none"): 60.0, (DOSE_MATCHED, "with"): 88.0,
             (DEFICIT, "with"): 80.0}  # fmt: skip

    def measured(arm):
        level = world.get((arm.tags["role"], "none" if arm.tags["stabilizer"] == "none" else "with"), 50.0)
        return dict.fromkeys(("accuracy", *tiny.MEASURED), level)

    runs = tiny.fabricated(held, (0, 1), measured, noise=0.0).runs
    for panel in saved:
        assert panel.rows
        assert panel.whole.per_seed(runs).tolist() == pytest.approx([30.0, 30.0])
        for look, value in panel.rows:
            assert value.per_seed(runs).tolist() == pytest.approx([22.0, 22.0]), (panel.title, look)


def test_fresh_at_the_low_rates_is_the_fresh_network_with_the_rates_of_each_recovery():
    first = panels(design("iclr2019/deficit_removal"), Series)[0]
    named = {look.label.replace("\n", " "): arms for look, arms in first.lines}
    low, late = named["fresh, at the low rates"], next(arms for name, arms in named.items() if "until" in name)
    assert list(low) == list(late)
    for end, arm in low.items():
        assert arm.tags["role"] == FRESH
        assert not arm.run.timeline.windows
        course = [epoch.rate for epoch in late[end].run.epoch_specs]
        assert [epoch.rate for epoch in arm.run.epoch_specs] == pytest.approx(course[end:])
    assert len({arm.id for arm in low.values()}) == len(low)


def test_the_cost_of_a_cell_is_set_beside_the_trace_of_the_same_cell():
    claims = [claim for claim in design("controls/age_or_rate").claims if isinstance(claim.contrast, Within)]
    assert claims
    for claim in claims:
        parts = claim.contrast.parts
        costs, traces = parts[: len(parts) // 2], parts[len(parts) // 2 :]
        assert len(traces) >= 3
        for cost, trace in zip(costs, traces, strict=True):
            assert {term.column for term in cost.terms} == {"accuracy"}
            (term,) = trace.terms
            assert term.column.startswith("fisher_trace")
            assert term.arm in arms_of(cost), claim.id
        # All in the order of their costs give 1, and one pair exchanged no longer does.
        order = np.arange(len(traces), dtype=float)
        swapped = order.copy()
        swapped[[0, -1]] = swapped[[-1, 0]]
        assert claim.contrast.estimate(np.concatenate([order, order])) == pytest.approx(1)
        assert claim.contrast.estimate(np.concatenate([order, swapped])) < 0.9
