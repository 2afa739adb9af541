"""The figures that compute their table: what their claims compare, and what they compute, against formulas by hand."""

import numpy as np
import pytest
import tiny
import torch

from critical.core.files import write_atomically
from critical.core.spec import SpecError
from critical.inference.arms import Within
from critical.measures.information import rsv_of_mixture
from experiments import verify
from experiments.design import mixtures, profile, sensors
from experiments.design.mixtures import Mixtures
from experiments.design.registry import FIGURES
from experiments.design.sensors import LinearNetworks
from experiments.output import document_parts, pipeline, tables
from experiments.output.composing import designed
from experiments.tracking.logger import Logger

LINEAR, SIMULATION = "cvpr2023/linear_sensor_drop", "cvpr2023/rsv_simulation"


def settings(name):
    config = tiny.composed("figures", "profile=smoke", "device=cpu")
    figure = FIGURES[name]
    return figure, *profile.figure_settings(config, figure, profile.protocol(config, figure.family))


def of(contrast, *keys):
    if isinstance(contrast, Within):
        return [of(part, *keys) for part in contrast.parts]
    return {(*(term.arm.tags[key] for key in keys), term.column, term.logarithm): weight
            for term, weight in contrast.items()}  # fmt: skip


def delayed(layers, sensor, task):
    column = f"half_time_{sensor}_{task}"
    return {(layers, "without sensor 3", "descent", column, True): 1.0,
            (layers, "all sensors", "descent", column, True): -1.0}  # fmt: skip


def exact(layers, sensors):
    """A part for each weight of the task but those of the sensor that may be gone."""
    weights = ("1_1", "4_1", "1_2", "5_2", "2_3", "6_3", "2_4", "7_4", "8_5")
    return [{(layers, sensors, "descent", f"half_time_{weight}", True): 1.0,
             (layers, sensors, "closed form", f"half_time_{weight}", True): -1.0} for weight in weights]  # fmt: skip


SENSORS = {
    "linear.delayed": delayed("two layers", 1, 1),
    "linear.shallow": delayed("one layer", 1, 1),
    "linear.other_task": delayed("two layers", 1, 2),
    "linear.bystander": delayed("two layers", 2, 3),
    "linear.not_lost": {("two layers", "all sensors", "descent", "learnt_1_1", False): 1.0,
                        ("two layers", "without sensor 3", "descent", "learnt_1_1", False): -1.0},
    "linear.exact_1": exact("two layers", "all sensors"),
    "linear.exact_2": exact("two layers", "without sensor 3"),
    "linear.exact_3": exact("one layer", "all sensors"),
}  # fmt: skip


def more(first, second, column="rsv_polarised"):
    return {(first, "simulated", column, False): 1.0, (second, "simulated", column, False): -1.0}


MIXED = {
    "simulation.one_sided": more("one half", "alike", "rsv_mean"),
    "simulation.polarised": more("apart", "alike"),
    "simulation.between": more("between", "alike"),
    "simulation.further": more("apart", "between"),
    "simulation.mean_hides": more("apart", "alike", "rsv_mean"),
    **{f"simulation.exact_{number}": {(law, "simulated", "rsv_distance", False): 1.0}
       for number, law in enumerate(("one half", "apart", "alike", "between"), 1)},
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "wanted", "keys"), [(LINEAR, SENSORS, ("layers", "sensors", "how")), (SIMULATION, MIXED, ("law", "how"))]
)
def test_a_claim_contrasts_the_arms_that_its_sentence_names(name, wanted, keys):
    figure, protocol, parameters = settings(name)
    claims = designed(figure, protocol, parameters).claims
    assert {claim.id: of(claim.contrast, *keys) for claim in claims} == wanted


def test_the_weight_that_follows_its_closed_form_least_decides():
    figure, protocol, parameters = settings(LINEAR)
    for claim in designed(figure, protocol, parameters).claims:
        if "exact" in claim.id:
            assert claim.contrast.estimate(np.array([0.01, 0.0, -0.3, *6 * [0.02]])) == 0.3
            assert (claim.direction, claim.unit) == ("not greater", "time")


def test_half_of_a_weight_is_there_when_the_papers_formula_says_so():
    """The sum over singular modes, spelled out; the task is the paper's."""
    runs, _ = sensors.computed(LinearNetworks(), (0,))
    for dropped, label in ((False, "all sensors"), (True, "without sensor 3")):
        task = np.array([[1, 0, 3, 1, 0, 0, 0, 0], [1, 0, 0, 0, 1, 0, 0, 0], [0, 1, 0, 0, 0, 1, 0, 0],
                         [0, 1, 0, 0, 0, 0, 1, 0], [0, 0, 3, 0, 0, 0, 0, 1]], dtype=float)  # fmt: skip
        if dropped:
            task[:, 2] = 0
        (row,) = runs[runs["label"] == f"two layers, {label}, closed form"].to_dict("records")
        left, singular, right = np.linalg.svd(task, full_matrices=False)
        for sensor, at in ((1, 1), (4, 1), (1, 2), (2, 3), (8, 5)):
            grown = np.exp(2 * singular * row[f"half_time_{sensor}_{at}"])
            strength = singular * grown / (grown - 1 + singular / 1e-4)
            assert (left * strength @ right)[at - 1, sensor - 1] == pytest.approx(0.5, abs=1e-4)
        (row,) = runs[runs["label"] == f"one layer, {label}, closed form"].to_dict("records")
        assert row["half_time_1_1"] == pytest.approx(np.log(2), abs=1e-3)


def test_descent_learns_what_the_closed_form_of_its_arm_does():
    """Each weight is half there when that says, within a tenth; a seed has weights of its own."""
    table = sensors.computed(LinearNetworks(), (0, 1))[0].set_index(["layers", "sensors", "how", "seed"])
    halves, ends = ([column for column in table if column.startswith(name)] for name in ("half_time", "learnt"))
    for layers in ("one layer", "two layers"):
        for held in ("all sensors", "without sensor 3"):
            first, other = (table.loc[(layers, held, "descent", seed)] for seed in (0, 1))
            exact = table.loc[(layers, held, "closed form", 0)]
            for found in (first, other):
                assert list(found[halves]) == pytest.approx(list(exact[halves]), rel=0.1)
                assert list(found[ends]) == pytest.approx(9 * [1.0], abs=1e-3)
            assert not set(first[halves]) & set(other[halves])


def test_curves_are_those_of_the_weights_whose_times_are_in_the_table():
    runs, epochs = sensors.computed(LinearNetworks(), (0, 1))
    for arm, rows in epochs.groupby("arm_id"):
        for seed, course in rows.groupby("seed"):
            (half,) = runs.loc[(runs["arm_id"] == arm) & (runs["seed"] == seed), "half_time_1_1"]
            assert np.interp(half, course["epoch"], course["weight_1_1"]) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("law", mixtures.LAWS)
def test_the_measure_of_a_simulated_unit_is_its_formula(law, monkeypatch):
    """Every unit has the value that its weight alone gives, whatever view is held."""
    drawn, real = [], np.random.default_rng

    class Remembering:
        def __init__(self, seed):
            self.random = real(seed)

        def beta(self, *given):
            drawn.append(self.random.beta(*given))
            return drawn[-1]

        def normal(self, **given):
            return self.random.normal(**given)

    monkeypatch.setattr(np.random, "default_rng", Remembering)
    found = mixtures.simulated(law, Mixtures(units=50, values=4), 3)
    (of_b,) = drawn
    wanted = rsv_of_mixture(1 - of_b)
    if law != "one half":
        wanted[::2] *= -1
    assert found.shape == (4, 50)
    assert torch.allclose(found, torch.as_tensor(wanted).expand(4, 50), atol=1e-9)
    assert not torch.equal(found, mixtures.simulated(law, Mixtures(units=50, values=4), 4)), "drawn by the seed"


def test_closed_forms_are_those_of_many_units():
    table = mixtures.computed(Mixtures(units=200_000, values=2), (0,))
    for law in mixtures.LAWS:
        first, second = table[table["law"] == law].to_dict("records")
        assert (first["how"], second["how"]) == ("simulated", "closed form")
        assert 0 < first["rsv_distance"] < 0.01
        assert second["rsv_distance"] == 0.0
        for column in first:
            if column.startswith("rsv_") and column != "rsv_distance":
                assert first[column] == pytest.approx(second[column], abs=0.006), (law, column)


@pytest.mark.parametrize("name", [LINEAR, SIMULATION])
def test_a_computed_reference_is_whole_and_can_be_verified(name, tmp_path, capsys, monkeypatch):
    """It is computed anew each time, with who did it; and one that is not what is computed here is told."""
    monkeypatch.setattr("critical.core.environment.commit", lambda: "0123abcd")
    figure, protocol, parameters = settings(name)
    setting = pipeline.Setting("smoke", tmp_path, lambda *_: pytest.fail("something is to be trained"), Logger(),
                               reference=True, name="mine")  # fmt: skip
    for _ in range(2):
        record = pipeline.make_reference(figure, protocol, parameters, setting)
        (maker,) = record.made_by
        assert (record.seeds, maker["seeds"], maker["epochs"], record.failures) == ([0, 1], [0, 1], 0, [])
    assert record.settings[0] == "device=cpu"
    assert f"| `{name}` | 0 | 0 | 0 | 0 s | nothing is trained |" in document_parts.prices(tmp_path)
    config = tiny.composed("figures", "profile=smoke", "device=cpu", f"results={tmp_path}", f"figure=[{name}]",
                           "name=mine")  # fmt: skip
    (found,) = verify.verify(config)
    assert (found.differing, found.rows) == (0, len(designed(figure, protocol, parameters).trained))
    assert capsys.readouterr().out.strip() == f"{name}, seed 0: {found.rows} runs, bit for bit"
    path, _ = tables.paths(tmp_path / "reference" / "mine", name)
    lines = path.read_text().splitlines(keepends=True)
    write_atomically(path, "".join([lines[0], lines[1].replace("0.", "7.", 3), *lines[2:]]).encode())
    assert verify.verify(config)[0].differing == 1


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [(LinearNetworks, {"start": 0.0}, "^start=0: from 1e-12 to 0.1"),
     (LinearNetworks, {"start": 0.5}, "^start=0.5: from"), (LinearNetworks, {"hidden": 0}, "^hidden=0: at least 1"),
     (LinearNetworks, {"rate": 5.0}, "^rate=5: from 0.0001 to 0.1"),
     (LinearNetworks, {"rate": 1e-6}, "^rate=1e-06: from"),
     (Mixtures, {"values": 1}, "^values=1: at least 2"), (Mixtures, {"units": 1}, "^units=1: at least 2")],
)  # fmt: skip
def test_parameters_that_cannot_be_are_refused(kind, given, said):
    with pytest.raises(SpecError, match=said):
        kind(**given)
