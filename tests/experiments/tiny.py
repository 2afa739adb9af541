"""What the tests of the front end share: tiny settings, commands in this process, fabricated tables."""

from __future__ import annotations

import copy
import dataclasses
import functools
import sys
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pandas as pd
import torch
from hydra import compose, initialize_config_dir

from critical.core import environment
from critical.data import Dataset, Glyphs, Halves
from critical.data.views import TwoHalves
from critical.deficits import Blur
from critical.execution.plan import plan
from critical.execution.workers import work
from critical.training.timeline import Timeline
from experiments import __main__ as front
from experiments import train
from experiments.design import config as configuration
from experiments.design.config import CONF, Parts
from experiments.design.protocol import Protocol
from experiments.output.tables import PlannedRun, Tables, planned

# On tensors this small a second thread is waited for longer than it computes, most of all on a busy machine.
torch.set_num_threads(1)

TINY = (
    *("data=digits", "data.subset=64", "data.test_subset=20", "model.width=2", "model.depth=3"),
    *("optimizer.batch_size=32", "probes=accuracy", "arithmetic.device=cpu"),
)
TWO_EYES = (
    *("data=two_eyes", "data.train_size=40", "data.test_size=20", "data.resolution=8", "model=split_all_cnn"),
    *("model.width=4", "model.heads=true", "optimizer.batch_size=20", "probes=accuracy", "arithmetic.device=cpu"),
)
MLP = (*(text for text in TINY if not text.startswith("model.")), "model=mlp", "model.widths=[8]")


@functools.cache
def _composed(name, overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(name, overrides=list(overrides))


def composed(name, *overrides):
    """A copy: Hydra needs a second for what several tests ask for."""
    return copy.deepcopy(_composed(name, overrides))


def parts(**changes) -> Parts:
    given = composed("train", *TINY)
    made = configuration.parts(given)
    return made if not changes else Parts(**{**vars(made), **changes})


def protocol(seeds=range(6), recovery=10, family="vision", decay=0.8, **changes) -> Protocol:
    """Tiny data for figures that are listed, drawn and judged without training."""
    made = parts() if family == "vision" else configuration.parts(composed("train", *TWO_EYES))
    deficit = Blur(factor=2) if family == "vision" else Blur(factor=2, view="b")
    return Protocol(made, deficit, rate=0.05, decay=decay, recovery=recovery, seeds=tuple(seeds), **changes)


def pretended(spec, draw=0) -> Dataset:
    """Next to nothing of data that may not be had, of their views and classes."""
    side = spec.resolution or 32
    few = {"train_size": 20, "test_size": 20, "resolution": side}
    if isinstance(spec, Glyphs):
        return dataclasses.replace(spec, **few, subset=None, test_subset=None, validation=None).load()
    cut = TwoHalves(spec.width_pixels) if isinstance(spec, Halves) else None
    return dataclasses.replace(Glyphs(**few).load(), presentation=cut)


def call(monkeypatch, capsys, entry, *arguments):
    """Calls an entry point as a command; returns status, lines on standard error, standard output."""
    monkeypatch.setattr(sys, "argv", ["command", *arguments])
    capsys.readouterr()
    status, said = 0, ""
    try:
        entry()
    except SystemExit as stop:
        status = stop.code
        if isinstance(status, str):  # the interpreter prints the text and ends with 1
            status, said = 1, status
        status = status or 0
    held = capsys.readouterr()
    return status, (held.err + said).strip().splitlines(), held.out


def train_main():
    train.main()


def figures_main():
    front.main()


HERE = {"commit": "0123abcd", "machine": "the tests'", "versions": {"torch": "0"}}
"""Who trains in `train_here`."""


def train_here(needed, store, *_):
    """Replacement of `critical.execution.pool.run_all` in this process: no worker has to import torch."""
    with mock.patch.object(environment, "describe", return_value=HERE):
        work(needed, store)
    for spec in needed.runs:
        store.publish(spec, HERE)


class WorkersHere:
    """Replacement of `critical.execution.pool.Workers` that trains in this process."""

    def __init__(self, store, *_):
        self.store = store

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, needed, label):
        train_here(needed, self.store)


def planned_epochs(specs):
    return plan(specs).epochs_needed


PROBED = ("probe_maps", "probe_averaged", "probe_untrained_maps", "probe_untrained_averaged")
LAYERS = ("conv1", "bn1", "conv2", "bn2", "conv3_1x1")
MEASURED = {
    **{"rsv_mean": 0.0, "rsv_polarised": 0.2, "rsv_dead": 0.1, "rsv_two_sided": 0.1, "rsv_dip": 0.1},
    **{"fisher_trace": 2.0, "fisher_trace_window": 3.0},
    **{"fisher_trace_onset": 3.0, "train_loss": 1.0, "train_accuracy": 90.0, "uncertainty": 0.5, "fixed_loss": 1.0},
    **{"fisher_trace_relative": 2.0, "gradient_cosine": 0.5, "barrier": 5.0},
    **{"empirical_fisher_trace": 2.0, "squared_mean_gradient": 0.5, "gradient_mean": 2.0, "gradient_deviation": 2.0},
    **{"gradient_mean_clean": 2.0, "probe_code": 50.0, "probe_untrained_code": 50.0},
    **{f"rsv_one_sided_layer{layer}": 0.5 for layer in range(4)},
    **{f"rsv_tokens/{number:02}": 0.05 for number in range(20)},
    **{f"fisher_trace/{layer}": 0.4 for layer in LAYERS},
    **{f"fisher_trace_{kind}pathway{on}/{pathway}": 2.0 for kind in ("", "relative_") for on in ("", "_clean")
       for pathway in ("a", "b", "trunk")},
    **{f"fisher_share_{part}": 0.5 for part in ("bottom", "middle", "top", "relative_top", "clean_top")},
    "filter_high_frequency_share": 0.5,
    **{f"filter/{number:02}/0_{row}_{column}": 0.1 for number in range(2) for row in range(3) for column in range(3)},
    **{f"accuracy_{rung}": 50.0 for rung in ("blurred", "noisy", "blur/2", "blur/3", "blur/4", "blur/8")},
    **{f"accuracy_noise/{level}": 50.0 for level in ("0.05", "0.1", "0.2", "0.4")},
    **{f"rsv_histogram/{number:02}": 0.05 for number in range(20)},
    **{"information_both": 2.0, "information_a": 1.0, "information_b": 1.0},
    **{f"{what}_{view}": 50.0 for what in ("decoding", "use", *PROBED) for view in "ab"},
}
"""What is measured in fabricated tables, unless something is planted."""
COMPUTED = {
    **dict.fromkeys((f"half_time_{place}" for place in ("1_1", "4_1", "8_5", "1_2", "2_3", "5_2", "6_3", "2_4", "7_4")),
                    2.0),
    **{"learnt_1_1": 1.0, "weight_1_1": 1.0, "weight_2_3": 1.0, "rsv_distance": 0.0},
}
"""What is besides in those of figures that compute theirs."""


def pretended_runs(design, seeds):
    """Of a design that computes its table: its arms and seeds, as if they were runs of two epochs."""
    spec = SimpleNamespace(timeline=Timeline(2), run_id="")
    return [PlannedRun(spec, {"arm_id": arm.id, **arm.tags, "seed": seed}, arm in design.curves)
            for arm in design.trained for seed in seeds]  # fmt: skip


def fabricated(design, seeds, world=lambda arm: {}, noise=0.005, failures=(), draw=0) -> Tables:
    """Tables of a design that nobody trained: what is planted, with a little noise a run.

    Args:
        design: The design.
        seeds: Its seeds.
        world: From an arm to the columns that are planted (`accuracy`, and those of `MEASURED`).
        noise: Standard deviation over runs.
        failures: Pairs (arm, seed) of runs that failed, which hold no number.
        draw: Which noise.
    """
    random, arms = np.random.default_rng(draw), {arm.id: arm for arm in design.trained}
    runs, epochs = [], []
    for item in planned(design, seeds) if design.table is None else pretended_runs(design, seeds):
        arm = arms[item.tags["arm_id"]]
        end, failed = item.spec.timeline.end, (arm, item.tags["seed"]) in failures
        planted = {"accuracy": 50.0, **MEASURED, **(COMPUTED if design.table else {}), **world(arm)}
        there = {"test_accuracy": planted["accuracy"], "test_accuracy_deficient": 12.0, **planted}
        at = {f"{column}@{epoch}": there[column] for column, epochs_at in design.at.items() for epoch in epochs_at
              if epoch <= end}  # fmt: skip
        measured = {
            column: np.nan if failed else level + noise * random.standard_normal()
            for column, level in {**planted, **at, **world(arm)}.items()
        }
        runs.append({**item.tags, "loss": 1.0, "accuracy_deficient": np.nan if failed else 12.0, **measured,
                     "epochs": end, "failure": "non-finite loss" if failed else "",
                     "run_id": item.spec.run_id})  # fmt: skip
        if item.curve:
            epochs += [
                {"arm_id": arm.id, "label": str(arm), "seed": item.tags["seed"], "epoch": epoch,
                 "test_accuracy": measured["accuracy"], **measured}
                for epoch in range(1, end + 1) if not failed
            ]  # fmt: skip
    return Tables(pd.DataFrame(runs), pd.DataFrame(epochs))
