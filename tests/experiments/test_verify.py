import dataclasses

import pandas as pd
import pytest
import tiny

from critical.core.spec import SpecError
from critical.inference.claims import BATCHES, OURS, Claim
from critical.plots.panel import role
from critical.plots.panels import Series
from experiments import verify
from experiments.design import profile
from experiments.design.figure import Design
from experiments.design.protocol import cost
from experiments.design.registry import FIGURES
from experiments.output import tables
from experiments.output.tables import Tables

SEEDS = BATCHES[0]
WINDOW = tiny.protocol(recovery=2).window(0, 1)
DESIGN = Design(
    panels=[[Series(lines=[(role("deficit", "deficit"), {0: WINDOW.deficit, 1: WINDOW.dose_matched})])]],
    claims=[Claim("a.cost", OURS, cost(WINDOW), "greater", "It costs.")],
)
FIGURE = FIGURES["iclr2019/deficit_removal"]


def table(seeds=SEEDS, shift=0.0):
    """A cost of 10 points; with a shift, of less."""
    levels = {WINDOW.dose_matched: 60.0, WINDOW.deficit: 50.0 + shift}
    return tiny.fabricated(DESIGN, seeds, lambda arm: {"accuracy": levels[arm]}).runs


def compared(new):
    return verify.compared(FIGURE, DESIGN, table(), new, SEEDS[0])


def test_the_same_numbers_are_so_bit_for_bit_whatever_the_runs_are_called():
    new = table()[lambda rows: rows["seed"] == SEEDS[0]].assign(run_id="another")
    found = compared(new)
    assert found == verify.Comparison(FIGURE.name, SEEDS[0], 2, 0, 0.0, ())
    assert str(found) == "iclr2019/deficit_removal, seed 20: 2 runs, bit for bit"


@pytest.mark.parametrize(("shift", "turned"), [(0.25, ()), (30.0, ("It costs.",))])
def test_what_differs_is_told_with_the_verdicts_that_turn(shift, turned):
    new = table()[lambda rows: rows["seed"] == SEEDS[0]].copy()
    new.loc[new["arm_id"] == WINDOW.deficit.id, "accuracy"] += shift
    found = compared(new)
    assert (found.rows, found.differing, found.points, found.turned) == (2, 1, pytest.approx(shift), turned)
    said = "turned: It costs." if turned else "no verdict turns"
    assert str(dataclasses.replace(found, points=shift)).endswith(f"by up to {shift:.2f} points; {said}")


def test_a_seed_that_the_reference_lacks_is_refused():
    with pytest.raises(SpecError, match=r"^verify: iclr2019/deficit_removal has no runs of seed 28 in its reference"):
        verify.compared(FIGURE, DESIGN, table(), table((28,)), 28)


def test_without_a_reference_table_there_is_nothing_to_verify(tmp_path):
    config = tiny.composed("figures", "profile=smoke", "device=cpu", f"results={tmp_path}")
    with pytest.raises(SpecError, match="has a reference table of profile smoke"):
        verify.verify(config)


def test_what_is_verified_is_a_figure_of_each_family():
    families = [FIGURES[name].family for name in verify.KINDS]
    assert sorted(families) == sorted({figure.family for figure in FIGURES.values()})


def on(device):
    """The design as a device trains it."""
    def moved(arm):
        arithmetic = dataclasses.replace(arm.run.arithmetic, device=device, channels_last=device == "cpu")
        run = dataclasses.replace(arm.run, arithmetic=arithmetic)
        return dataclasses.replace(arm, run=run)

    lines = {0: moved(WINDOW.deficit), 1: moved(WINDOW.dose_matched)}
    return Design(panels=[[Series(lines=[(role("deficit", "deficit"), lines)])]])


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_ids_of_runs_tell_the_device(device):
    held = pd.DataFrame({"seed": 20, "run_id": [item.spec.run_id for item in tables.planned(on(device), (20,))]})
    assert verify.made_on(DESIGN, held) == device
    assert verify.made_on(DESIGN, held.assign(run_id="another")) is None


def test_a_table_from_a_gpu_is_skipped_in_one_line(tmp_path, capsys, monkeypatch):
    name = "controls/permanence"
    config = tiny.composed("figures", "profile=smoke", "device=cpu", f"results={tmp_path}", f"figure=[{name}]",
                           "name=smoke_cuda")  # fmt: skip
    figure = FIGURES[name]
    protocol, parameters = profile.figure_settings(config, figure, profile.protocol(config, figure.family))
    gpu = dataclasses.replace(protocol, parts=dataclasses.replace(
        protocol.parts, arithmetic=dataclasses.replace(protocol.parts.arithmetic, device="cuda")))  # fmt: skip
    design = figure.design(gpu, parameters)
    made = tiny.fabricated(design, (20,), lambda arm: {"accuracy": 50.0})
    ids = {(item.tags["arm_id"], 20): item.spec.run_id for item in tables.planned(design, (20,))}
    made.runs["run_id"] = [ids[row.arm_id, row.seed] for row in made.runs.itertuples()]
    tables.write(made, tmp_path / "reference" / "smoke_cuda", name)
    monkeypatch.setattr(verify, "anew", lambda *_: pytest.fail("it would have trained"))
    assert verify.verify(config) == []
    assert capsys.readouterr().out == f"{name}: its table was made on cuda, whose bits no CPU gives; skipped\n"


def test_a_table_of_other_settings_is_refused_before_anything_trains(tmp_path, monkeypatch):
    name = "controls/permanence"
    config = tiny.composed("figures", "profile=smoke", "device=cpu", f"results={tmp_path}", f"figure=[{name}]")
    tables.write(Tables(table()), tmp_path / "reference" / "smoke", name)
    monkeypatch.setattr(verify, "anew", lambda *_: pytest.fail("it would have trained"))
    with pytest.raises(SpecError, match=r"^verify: controls/permanence: the table in .* has none of these runs"):
        verify.verify(config)
