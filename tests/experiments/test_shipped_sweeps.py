"""The files of conf/sweeps: each is a sweep of the service, and runs here in a tiny form."""

import pandas as pd
import pytest
import tiny
from swept import call, read

from critical import data
from experiments import sweep, train
from experiments.design import sweep_files
from experiments.design.command_line import key_of
from experiments.design.effects import EFFECTS

SHIPPED = sorted(path.stem for path in sweep_files.FOLDER.glob("*.yaml"))
HELD = {name: sweep_files.sweep_file(name) for name in SHIPPED}
GRIDS = [name for name in SHIPPED if HELD[name]["method"] == "grid"]

EYES = ["data.train_size=40", "data.test_size=20", "data.resolution=8", "model.width=2", "probes=two_views_tiny",
        "optimizer.batch_size=20", "recovery=1"]  # fmt: skip
LETTERS = ["data.train_size=60", "data.test_size=20", "data.resolution=12", "model=mlp", "model.widths=[8]",
           "optimizer.batch_size=20", "recovery=1"]  # fmt: skip
HALVES = ["data.source=digits", "data.subset=60", "data.test_subset=40", "model=split_all_cnn", "model.width=2",
          "probes=two_views_tiny", "augmentation=off", "augmentation.fill=[0.0]", "optimizer.batch_size=20",
          "deficit.size=4", "recovery=1", "seed=20"]  # fmt: skip
TINY = {
    "age_rate": [*LETTERS, "deficit.size=4", "deficit.start=0,1", "deficit.end=${start_plus:1}", "seed=0"],
    "blur_strength": [*LETTERS, "deficit.size=8,3", "deficit.end=1,2", "seed=0"],
    "blur_window": [*LETTERS, "deficit.size=4", "deficit.start=0,1", "deficit.end=${start_plus:1}", "seed=20",
                    "probes=accuracy"],
    "cost_search": [*LETTERS, "deficit.start=1", "deficit.size=4", "deficit.end=${start_plus:1}", "seed=1000"],
    "modality_dropout": [*EYES, "deficit.end=1", "deficit.probability=0.1,1.0", "seed=0"],
    "split_constant_rate": [*HALVES, "data.width_pixels=4", "deficit.end=1,2"],
    "split_rates": [*HALVES, "data.width_pixels=4", "deficit.end=1", "schedule.rate=0.1,0.01"],
    "stabilizer_price_gain": [*EYES, "deficit.end=1", "stabilizer.end=1", "stabilizer.weight=0.0001,0.1", "seed=1000"],
    "stabilizer_weight": [*LETTERS, "data.validation=20", "stabilizer.weight=0.01", "seed=1000"],
    "stabilizer_weight_grid": [*LETTERS, "data.validation=20", "stabilizer.weight=0.0,1.0", "seed=1000"],
    "view_width": [*HALVES, "data.width_pixels=3,5", "deficit.end=1"],
}  # fmt: skip
"""By file: the same sweep in seconds."""


def command_of(name):
    """What a file's command fixes."""
    command = HELD[name]["command"]
    assert command[:4] == ["${env}", "python", "-m", "experiments.train"]
    assert command[-1] == "${args_no_hyphens}", "without it nothing is overridden"
    return command[4:-1]


def metric(name):
    return HELD[name]["metric"]["name"]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_file_is_a_sweep_whose_runs_can_be_built(name, monkeypatch):
    held, command = HELD[name], command_of(name)
    assert held["name"] == name
    for values in held["parameters"].values():
        # The service writes None, True and text with a comma in a way that Hydra reads otherwise.
        assert all(type(value) in (int, float) for value in values.get("values", []))
    config = tiny.composed("train", *[text for text in command if "deficit.end" not in text])
    assert (config.logger.name, config.logger.mode) == ("wandb", "online")
    if config.data.name == data.Halves.name:
        monkeypatch.setattr("critical.data.base._loaded", tiny.pretended)
        monkeypatch.setattr(data.Halves, "resolved", lambda self: self)
    else:
        pretended = data.KINDS[config.data.name](train_size=300, test_size=10, resolution=12).load()
        monkeypatch.setattr("critical.data.base._loaded", lambda spec, draw: pretended)
    point = [f"{key}={values.get('values', [values.get('min')])[-1]}" for key, values in held["parameters"].items()]
    fixed = [text for text in command if not text.startswith("logger")]
    (run,) = sweep.swept_runs([[*fixed, *point, "data.validation=null"]])
    assert "accuracy" in {probe.name for probe in run.spec.probes}, "measures test_accuracy"
    assert metric(name) in ({effect.name for effect in run.effects} or {"test_accuracy"})


def test_they_cover_the_effects_that_are_swept_over():
    assert {"cost", "price"} == {metric(name) for name in SHIPPED} & set(EFFECTS)
    asked = [text for name in SHIPPED for text in command_of(name) if text.startswith("effect=")]
    assert {name for name in EFFECTS if any(name in text for text in asked)} == {
        "cost", "price", "stream_probe_lost", "gain_over_slow_trunk"
    }  # fmt: skip


@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_runs_here(name, here, monkeypatch, capsys):
    status, lines, out = call(monkeypatch, capsys, f"sweep={name}", *TINY[name], "results=r")
    assert (status, lines) == (0, [])
    table = read(f"r/tables/sweeps/{name}.csv")
    assert (table["failure"] == "").all()
    for key in HELD[name]["parameters"]:
        assert key == "seed" or table.get(key, pd.Series([1])).nunique() in (1, 2)
    effects = [effect for effect in EFFECTS if f"{effect}" in " ".join(command_of(name))]
    assert all(table[effect].notna().all() for effect in effects if metric(name) in EFFECTS)
    assert f"picture: r/figures/sweeps/{name}" in out


@pytest.mark.parametrize("name", [name for name in SHIPPED if name not in GRIDS])
def test_a_point_that_the_service_chooses_runs_here(name, here, monkeypatch, capsys):
    replaced = {key_of(text) for text in TINY[name]}
    fixed = [text for text in command_of(name) if key_of(text) not in {*replaced, "logger", "logger.mode"}]
    status, lines, out = tiny.call(monkeypatch, capsys, train.command, *fixed, *TINY[name], "results=r")
    assert (status, lines) == (0, [])
    assert (f"\n{metric(name)}: " if metric(name) in EFFECTS else "test accuracy") in out


def test_early_termination_sees_the_metric_in_every_epoch_of_the_recovery(monkeypatch):
    stopped = [name for name in SHIPPED if "early_terminate" in HELD[name]]
    assert stopped == ["cost_search"]
    config = tiny.composed("train", *[text for text in command_of("cost_search") if "deficit.end" not in text])
    (accuracy,) = config.probes
    assert (accuracy.name, accuracy.every, accuracy.recovery_every) == ("accuracy", 1, None)
    assert 0 < HELD["cost_search"]["early_terminate"]["min_iter"] < config.recovery


@pytest.mark.parametrize("name", ["stabilizer_weight", "stabilizer_weight_grid"])
def test_a_weight_is_chosen_by_clean_runs_of_calibration_seeds(name):
    held = HELD[name]
    assert "deficit=none" in held["command"]
    assert any(str(text).startswith("data.validation=") for text in held["command"])
    assert min(held["parameters"]["seed"]["values"]) >= 1000
    assert not [text for text in [*held["command"], *held["parameters"]] if "deficit." in str(text)]


def test_nothing_is_chosen_by_a_gain():
    assert not {metric(name) for name in SHIPPED} & {"gain_over_slow_trunk", "harm", "stream_probe_lost"}
    assert HELD["stabilizer_price_gain"]["metric"] == {"name": "price", "goal": "minimize"}


def test_halves_have_the_widths_and_the_rates_of_the_papers_appendix():
    """Kleinman et al. 2023: views of 14, 16 and 18 columns, three rates that decay, and a constant one."""
    swept = {name: {key: held.get("values") for key, held in HELD[name]["parameters"].items()} for name in SHIPPED}
    assert swept["view_width"]["data.width_pixels"] == [14, 16, 18]
    assert swept["split_rates"]["schedule.rate"] == [0.1, 0.05, 0.01]
    assert {"schedule=constant", "schedule.rate=0.0005"} <= set(command_of("split_constant_rate"))
    assert max(swept["split_constant_rate"]["deficit.end"]) == 400
    for name in ("view_width", "split_rates", "split_constant_rate"):
        config = tiny.composed("train", *[text for text in command_of(name) if not text.startswith("effect")],
                               "deficit.end=60")  # fmt: skip
        assert (config.data.source, config.data.width_pixels, config.data.resolution) == ("cifar10", 16, None)
        assert (config.model.name, config.model.width, config.recovery) == ("split_resnet18", 1.0, 180)
        assert (config.optimizer.batch_size, config.optimizer.weight_decay) == (128, 0.0005)


def test_halves_in_laptop_are_as_many_as_large_and_as_wide_as_its_pictures():
    config = tiny.composed("figures", "profile=laptop", "device=cpu")
    assert (config.two_streams.data.name, config.two_streams.data.width_pixels) == ("halves", 8)
    for family in (config, config.two_streams):
        assert (family.data.subset, family.data.resolution, family.model.width) == (10_000, 16, 16)
