from dataclasses import replace

import pytest
import tiny

from critical import stabilizers
from critical.stabilizers import StabilizerWindow
from experiments.design.profile import figure_settings
from experiments.design.profile import protocol as shared_protocol
from experiments.design.registry import FIGURES
from experiments.output import tables
from experiments.tracking.names import LONGEST_NAME, figure_id, flat, group_of, named, told_apart

PROTOCOL = tiny.protocol(seeds=(3,), recovery=5)
WINDOW = PROTOCOL.window(0, 20)
PLACE = {"figure": "iclr2019/deficit_removal", "profile": "quick", "notes": "Does it fall?"}


def of(arm, seed=3, place=PLACE, **changes):
    return named(arm.of_seed(seed).describe(), {**place, **arm.tags, **changes})


def test_what_a_run_is_called():
    said = of(WINDOW.deficit)
    assert said.name == "blur 0–20 · restart · seed 3"
    assert said.id == WINDOW.deficit.of_seed(3).run_id
    assert said.group == "iclr2019/deficit_removal · quick"
    assert said.job_type == "deficit"
    assert said.tags == ("iclr2019/deficit_removal", "quick", "deficit")
    assert said.notes == "Does it fall?"


@pytest.mark.parametrize(
    ("arm", "name", "kind"),
    [
        (WINDOW.dose_matched, "clean 0–20 · restart · seed 3", "dose-matched"),
        (WINDOW.fresh, "fresh · restart · seed 3", "fresh"),
        (PROTOCOL.window(2, 3, "continue").from_scratch, "from scratch · continue · seed 3", "from-scratch"),
        (PROTOCOL.window(2, 3, variant="wide").deficit, "blur 2–5 · restart · wide · seed 3", "deficit"),
        (PROTOCOL.window(2, 3, points=4).deficit, "blur 2–5 · restart · points 4 · seed 3", "deficit"),
        (
            PROTOCOL.window(0, 2, stabilizers=(StabilizerWindow(stabilizers.L2Init(weight=0.1)),),
                            stabilizer="l2_init", strength=0.1).deficit,
            "blur 0–2 · l2 init 0.1 · restart · seed 3", "deficit",
        ),
    ],
)  # fmt: skip
def test_arms_are_told_apart(arm, name, kind):
    said = of(arm)
    assert (said.name, said.job_type) == (name, kind)


def test_a_run_of_no_figure():
    """Of `experiments.train`, and of a sweep, whose settings are in the name."""
    said = named(WINDOW.deficit.of_seed(0).describe(), {}, tags=("mine",))
    assert (said.name, said.group, said.job_type) == ("blur 0–20 · stages · seed 0", "train", "deficit")
    assert said.tags == ("deficit", "mine")
    swept = {"sweep": "rates", "schedule.rate": 0.1, "deficit.end": 20, "seed": 0}
    said = named(WINDOW.fresh.of_seed(0).describe(), swept)
    assert (said.name, said.group) == ("fresh · continue · schedule.rate 0.1 · seed 0", "rates")


def test_the_flat_configuration():
    config = of(WINDOW.deficit).config
    wanted = {"deficit": "blur", "deficit.start": 0, "deficit.end": 20, "deficit.factor": 2, "schedule": "restart",
              "rate": 0.05, "width": 2, "stabilizer": "none", "data": "digits", "seed": 3, "profile": "quick",
              "figure": "iclr2019/deficit_removal", "role": "deficit", "epochs": 25}  # fmt: skip
    assert {key: config.get(key) for key in wanted} == wanted
    assert config["run"]["data"]["name"] == "digits"
    assert config["run"]["timeline"]["end"] == 25
    assert not [key for key, value in config.items() if isinstance(value, dict) and key not in ("run", "experiment")]
    method = StabilizerWindow(stabilizers.L2Init(weight=0.1))
    spec = replace(WINDOW.deficit.of_seed(3), stabilizers=(method,))
    assert flat(spec.describe(), {})["stabilizer.weight"] == 0.1


def test_what_was_measured_is_no_setting():
    record = {**WINDOW.deficit.of_seed(3).describe(), "accuracy": 1.0, "loss": 2.0, "failure": None, "keys": []}
    assert not {"accuracy", "loss", "failure", "keys"} & set(named(record, {}).config["run"])


def test_ids_of_figures_are_unique_in_a_project():
    ids = [figure_id(profile, figure) for profile in ("quick", "laptop", "quick+deficit=occlusion", "x" * 120)
           for figure in ("a/b", "a/b_c", "a/c")]  # fmt: skip
    assert ids[0] == "figure-quick-a-b"
    assert len(set(ids)) == len(ids)
    assert all(len(found) <= 64 and not set(found) & set("/\\#?%: ") for found in ids)


def test_groups_and_tags_fit():
    assert group_of({"figure": "f", "profile": "p" * 200}) == ("f · " + "p" * 200)[:128]
    assert max(map(len, of(WINDOW.deficit, profile="p" * 200).tags)) == 64


def test_a_long_name_keeps_its_end():
    name = of(WINDOW.deficit, variant="v" * 150).name
    assert len(name) <= 128
    assert name.startswith("blur 0–20 · restart · vvv")
    assert name.endswith("vvv · seed 3")


def test_a_word_within_another_is_said():
    assert of(WINDOW.deficit, variant="start").name == "blur 0–20 · restart · start · seed 3"
    assert of(WINDOW.deficit, variant="restart").name == "blur 0–20 · restart · seed 3"


def test_what_nothing_else_tells_apart_ends_with_its_id():
    one = WINDOW.deficit.of_seed(3)
    other = replace(one, probes=())
    places = told_apart([(one, PLACE), (other, PLACE)])
    assert [places[spec.run_id]["also"] for spec in (one, other)] == [[one.run_id[:6]], [other.run_id[:6]]]


@pytest.mark.parametrize("name", list(FIGURES))
def test_no_two_runs_of_a_figure_have_one_name(name):
    config = tiny.composed("figures", "profile=quick", "device=cpu")
    figure = FIGURES[name]
    protocol, parameters = figure_settings(config, figure, shared_protocol(config, figure.family))
    items = tables.planned(figure.design(protocol, parameters), (20, 21))
    specs = {item.spec.run_id: item.spec for item in items}
    places = told_apart((item.spec, {"figure": name, **item.tags}) for item in items)
    names = [named(specs[run_id].describe(), place).name for run_id, place in places.items()]
    assert len(set(names)) == len(names) == len(specs)
    assert max(map(len, names), default=0) <= LONGEST_NAME


def test_what_tells_runs_apart_is_said_where_it_is_needed():
    windows = [PROTOCOL.window(0, length, "continue", budget) for length, budget in ((2, 5), (2, 7), (4, 5))]
    runs = [(arm.of_seed(0), arm.tags) for window in windows for arm in (window.deficit, window.fresh)]
    places = told_apart(runs)
    assert [named(spec.describe(), places[spec.run_id]).name for spec, _ in runs] == [
        "blur 0–2 · continue · then 5 · seed 0", "fresh · continue · then 5 · from rate 0.032 · seed 0",
        "blur 0–2 · continue · then 7 · seed 0", "fresh · continue · then 7 · from rate 0.032 · seed 0",
        "blur 0–4 · continue · seed 0", "fresh · continue · then 5 · from rate 0.0205 · seed 0",
    ]  # fmt: skip
