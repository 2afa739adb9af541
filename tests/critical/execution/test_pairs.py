"""The barrier between two runs of a store: once measured it is kept, and pruned weights are trained again."""

import math
from dataclasses import replace

import pytest
from helpers import CONVOLUTIONAL, SHAM, run

from critical.core.spec import SpecError
from critical.execution.pairs import Barrier
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.workers import work
from critical.training.loop import Trainer
from critical.training.schedules import Restart

TRUNK = run((0, 2, SHAM), end=3, base=CONVOLUTIONAL)
CHILD = replace(TRUNK, branch=1, branch_at=1)
SHORT = Barrier(points=3, examples=60, batch_size=30)


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    store = RunStore(tmp_path_factory.mktemp("pairs"))
    work(plan([TRUNK, CHILD]), store)
    return store


def test_a_run_has_no_barrier_to_itself(held):
    assert SHORT.between(held, TRUNK, TRUNK) == {"barrier": 0.0}


def test_it_is_measured_once_and_kept_for_whoever_asks_again(held, monkeypatch):
    found = SHORT.between(held, CHILD, TRUNK)
    assert found["barrier"] >= 0
    monkeypatch.setattr(Trainer, "restart", lambda self: pytest.fail("measured again"))
    assert SHORT.between(RunStore(held.root), CHILD, TRUNK) == found
    with pytest.raises(pytest.fail.Exception):
        replace(SHORT, points=5).between(held, CHILD, TRUNK)


def test_weights_that_were_pruned_are_trained_again_to_the_same_barrier(held, tmp_path):
    bare = RunStore(tmp_path)
    work(plan([TRUNK, CHILD]), bare)
    for spec in (TRUNK, CHILD):
        bare.state_path(spec.keys[-1]).unlink()
    assert SHORT.between(bare, CHILD, TRUNK) == SHORT.between(held, CHILD, TRUNK)


def test_a_run_that_failed_has_none(tmp_path):
    failing = replace(run(end=2, base=CONVOLUTIONAL), schedule=Restart(rate=1e30))
    store = RunStore(tmp_path)
    work(plan([failing]), store)
    assert math.isnan(SHORT.between(store, failing, failing)["barrier"])


def test_networks_on_other_data_have_no_line_between_them(held):
    with pytest.raises(ValueError, match="of one kind, on the same data"):
        SHORT.between(held, TRUNK, replace(TRUNK, seed=1))


@pytest.mark.parametrize("changes", [{"points": 2}, {"batch_size": 1}, {"examples": 10, "batch_size": 20}])
def test_what_cannot_be_measured_is_refused_in_a_line(changes):
    with pytest.raises(SpecError, match=r"^barrier: points="):
        Barrier(**changes)
