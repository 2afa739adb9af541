"""What the tests of the front end share: tiny settings, commands in this process, fabricated tables."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pandas as pd
import torch
from hydra import compose, initialize_config_dir

from critical.data import Dataset, Glyphs, Halves
from critical.data.views import TwoHalves
from critical.deficits import Blur
from critical.execution.plan import plan
from critical.execution.workers import work
from experiments import __main__ as front
from experiments import train
from experiments.design import command
from experiments.design import config as configuration
from experiments.design.config import CONF, Parts
from experiments.design.protocol import Protocol, Tables

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


def composed(name, *overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(name, overrides=list(overrides))


def parts(**changes) -> Parts:
    given = composed("train", *TINY)
    made = configuration.parts(given)
    return made if not changes else Parts(**{**vars(made), **changes})


def protocol(seeds=range(6), recovery=10, family="vision") -> Protocol:
    """Tiny data for figures that are listed, drawn and judged without training."""
    made = parts() if family == "vision" else configuration.parts(composed("train", *TWO_EYES))
    deficit = Blur(factor=2) if family == "vision" else Blur(factor=2, view="b")
    return Protocol(made, deficit, rate=0.05, decay=0.8, recovery=recovery, seeds=tuple(seeds))


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


def composed_once(monkeypatch):
    """Lets a front end compose its settings once; Hydra's own main, which is left out, does so twice more.

    For commands that are refused. What Hydra adds is tested where commands go on.
    """
    composed, held = command.compose, []
    monkeypatch.setattr(command, "compose", lambda *given, **named: held.append(composed(*given, **named)))
    monkeypatch.setattr(command, "call_hydra", lambda _, job: job(held.pop()))


def train_main():
    train.main()


def figures_main():
    front.main()


def train_here(needed, store, *_):
    """Replacement of `critical.execution.pool.run_all` in this process: no worker has to import torch."""
    work(needed, store)
    for spec in needed.runs:
        store.publish(spec, {})


def planned_epochs(specs):
    return plan(specs).epochs_needed


MEASURED = {
    **{"rsv_mean": 0.0, "rsv_polarised": 0.2, "rsv_dead": 0.1},
    **{f"rsv_histogram/{number:02}": 0.05 for number in range(20)},
    **{"decoding_a": 50.0, "decoding_b": 50.0, "use_a": 20.0, "use_b": 20.0},
    **{"information_both": 2.0, "information_a": 1.0, "information_b": 1.0},
    **{f"fisher_trace_pathway/{pathway}": 1.0 for pathway in ("a", "b", "trunk")},
}
"""What a network of two streams measures in fabricated tables, unless something is planted."""


def fabricated(planned, world, noise=0.005, seed=0) -> Tables:
    """Tables with the tags of planned runs, and what is planted with a little noise a seed.

    Args:
        planned: The runs.
        world: From tags to the accuracy, or to the columns (`accuracy`, and those of `MEASURED`) that are planted.
        noise: Standard deviation over runs.
        seed: Of the noise.
    """
    random = np.random.default_rng(seed)
    runs, epochs = [], []
    for item in planned:
        end, planted = item.spec.timeline.end, world(item.tags)
        planted = planted if isinstance(planted, dict) else {"accuracy": planted}
        value = planted.get("accuracy", 50.0) + noise * random.standard_normal()
        measured = {
            column: at + noise * random.standard_normal()
            for column, at in {**MEASURED, **planted}.items()
            if item.measured and column.startswith(item.measured)
        }
        runs.append({**item.tags, "accuracy": value, "loss": 1.0, "accuracy_deficient": 12.0, "fisher_trace": 2.0,
                     "fisher_trace_error": 0.1, "fisher_trace_low": 1.7, "fisher_trace_high": 2.3, **measured,
                     "epochs": end, "failure": "", "run_id": item.spec.run_id})  # fmt: skip
        if item.curve:
            epochs += [
                {**item.tags, "epoch": epoch, "test_accuracy": value, "fisher_trace": 2.0 + epoch, **measured}
                for epoch in range(1, end + 1)
            ]
    return Tables(pd.DataFrame(runs), pd.DataFrame(epochs))
