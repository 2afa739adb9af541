"""The smoke profile, made in this process into a folder of a test."""

import dataclasses

import tiny

from critical.execution.store import RunStore
from experiments.design import profile
from experiments.design.registry import FIGURES
from experiments.output import pipeline, tables
from experiments.tracking.logger import Logger

NAMES = [
    "iclr2019/deficit_removal", "controls/age_or_rate", "iclr2019/fisher_layers", "iclr2019/filters",
    "controls/closure", "cvpr2023/rsv_blur", "multimodal/modality_dropout", "stabilizers/strength",
    "stabilizers/prevention", "cvpr2023/linear_sensor_drop", "cvpr2023/rsv_simulation",
]  # fmt: skip
"""Figures of every kind of panel and of arm. The smoke profile, trained whole in CI, has all."""
COMPUTED = ["cvpr2023/linear_sensor_drop", "cvpr2023/rsv_simulation"]
"""The figures that compute their table instead of training."""
TRAINED = [name for name in NAMES if name not in COMPUTED]
FIRST = "iclr2019/deficit_removal"


class Heard(Logger):
    """Remembers what it was handed."""

    logs = True

    def __init__(self):
        self.calls, self.announced = [], {}

    def announce(self, runs):
        self.announced |= {spec.run_id: dict(place) for spec, place in runs}

    def log_run(self, folder, place, effects=None):
        self.calls.append((folder.name, (folder / "run.json").exists(), dict(place), effects))

    def log_figure(self, figure):
        self.calls.append((figure.name, figure))


class Bench:
    """The smoke profile, made into one folder."""

    def __init__(self, results, **changes):
        one_seed = [f"+{family}.protocol={{seeds:[0]}}" for family in ("two_streams", "modalities")]  # they are slow
        self.config = tiny.composed("figures", "profile=smoke", "device=cpu", *one_seed)
        families = dict.fromkeys(figure.family for figure in FIGURES.values())
        self.protocols = {family: profile.protocol(self.config, family) for family in families}
        self.logger = Heard()
        store = RunStore(results / "runs")
        # In this process, so that no worker has to import torch.
        self.setting = pipeline.Setting(
            "smoke", results, lambda needed, _: tiny.train_here(needed, store), self.logger, **changes,
        )  # fmt: skip

    def settings(self, name):
        figure = FIGURES[name]
        return profile.figure_settings(self.config, figure, self.protocols[figure.family])

    def design(self, name):
        return pipeline.designed(FIGURES[name], *self.settings(name))

    def planned(self, name):
        return tables.planned(self.design(name), pipeline.planned_seeds(self.design(name), self.settings(name)[0]))

    def make(self, name, **changes):
        return pipeline.make(FIGURES[name], *self.settings(name), dataclasses.replace(self.setting, **changes))

    def table(self, name):
        return tables.read(self.setting.tables, name)
