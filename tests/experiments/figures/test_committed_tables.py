"""The committed tables of the smallest profile hold the runs of today's designs: redrawing a figure loses none."""

from pathlib import Path

import pytest
import tiny

from experiments.design import profile
from experiments.design.registry import FIGURES
from experiments.output import tables
from experiments.output.composing import designed

FOLDER = Path(__file__).resolve().parents[3] / "results" / "reference" / "quick"


@pytest.mark.parametrize("name", FIGURES)
def test_a_committed_table_has_every_run_of_its_design_and_no_other(name):
    config = tiny.composed("figures", "profile=quick", "device=cpu", "arithmetic.instructions=portable")
    figure = FIGURES[name]
    design = designed(figure, *profile.figure_settings(config, figure, profile.protocol(config, figure.family)))
    held = tables.read(FOLDER, name)
    planned = tables.planned(design, sorted(map(int, held.runs["seed"].unique())))
    assert {item.spec.run_id for item in planned} == set(held.runs["run_id"])
    curves = {item.tags["arm_id"] for item in planned if item.curve}
    assert curves == (set(held.epochs["arm_id"]) if len(held.epochs) else set())
