"""What a design asks of epochs on the way stands in the table of runs, and shares of layers follow from traces."""

import pandas as pd
import pytest
import tiny

from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.workers import work
from critical.plots.panels import Curves
from critical.probes import Accuracy, Fisher
from experiments.design.figure import Design
from experiments.design.measuring import after_every_epoch, clean_trace_of, measuring, variants_of
from experiments.output.tables import collect, planned, shares

LAYERS = {"fisher_trace/conv1": 1.0, "fisher_trace/bn1": 1.0, "fisher_trace/conv2": 2.0, "fisher_trace/conv3": 6.0}


def test_shares_follow_from_the_layers_that_are_kept():
    wanted = {"fisher_share_bottom": 0.2, "fisher_share_middle": 0.2, "fisher_share_top": 0.6}
    assert shares({**LAYERS, "loss": 1.0}, ("fisher_trace/",)) == pytest.approx(wanted)
    assert shares(LAYERS, ()) == {}
    assert shares({"loss": 1.0}, ("fisher_trace/",)) == {}
    on_clean = {key.replace("trace/", "trace_clean/"): value for key, value in LAYERS.items()}
    assert shares({**LAYERS, **on_clean}, ("fisher_trace_clean/",)) == pytest.approx(
        {key.replace("share_", "share_clean_"): value for key, value in wanted.items()}
    )
    relative = {key.replace("trace/", "trace_relative/"): value for key, value in LAYERS.items()}
    assert shares({**LAYERS, **relative}, ("fisher_trace_relative/",)) == pytest.approx(
        {key.replace("share_", "share_relative_"): value for key, value in wanted.items()}
    )


def test_columns_at_epochs_are_those_of_the_epochs_and_layers_add_up(tmp_path):
    held = measuring(tiny.protocol(recovery=1), Fisher(samples=32, chunk=16))
    window = held.window(0, 2)
    at = {"fisher_trace": (1, 2, 3), "fisher_share_top": (2,), "train_loss": (3,)}
    design = Design(
        panels=[[Curves(lines=[], column="fisher_trace")]], arms=[window.deficit, window.fresh], at=at,
        columns=("fisher_trace/",),
    )  # fmt: skip
    items, store = planned(design, [0]), RunStore(tmp_path)
    work(plan(item.spec for item in items), store)
    runs = collect(items, store).runs.set_index("role")
    rows = store.rows(items[0].spec)
    ill = runs.loc["deficit"]
    for epoch in (1, 2, 3):
        assert ill[f"fisher_trace@{epoch}"] == rows[epoch - 1]["fisher_trace"]
        layers = {key: value for key, value in rows[epoch - 1].items() if key.startswith("fisher_trace/")}
        assert sum(layers.values()) == pytest.approx(rows[epoch - 1]["fisher_trace"], rel=1e-6)
    assert ill["fisher_share_top@2"] == shares(rows[1], ("fisher_trace/",))["fisher_share_top"]
    assert ill[["fisher_share_bottom", "fisher_share_middle", "fisher_share_top"]].sum() == pytest.approx(1)
    assert ill["train_loss@3"] == ill["train_loss"]
    assert pd.isna(runs.loc["fresh", "fisher_trace@2"]), "the run has no such epoch"


def test_a_figure_may_measure_more_and_more_often_than_its_profile_says():
    held = tiny.protocol()
    (accuracy,) = held.parts.probes
    more = measuring(held, Fisher(every=4, samples=64, chunk=16), variants_of(held))
    assert [probe.name for probe in more.parts.probes] == ["accuracy", "fisher", "fisher_variants"]
    assert measuring(more, Accuracy(every=7)).parts.probes[0].every == 7
    often = after_every_epoch(more)
    assert [probe.every for probe in often.parts.probes] == [accuracy.every, 1, 0]
    variants = variants_of(more, every=2)
    assert (variants.samples, variants.chunk, variants.every) == (64, 16, 2)
    on_clean = clean_trace_of(measuring(held, clean_trace_of(held), Fisher(every=4, samples=64, chunk=16)))
    assert (on_clean.name, on_clean.samples, on_clean.chunk, on_clean.every) == ("fisher_clean", 64, 16, 0)
    assert held.window(0, 2).deficit == often.window(0, 2).deficit, "what is measured is no part of an arm"
