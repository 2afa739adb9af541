"""The barrier between two runs of a store: once measured it is kept, and pruned weights are trained again."""

import math
from dataclasses import replace

import pytest
import torch
from helpers import CONVOLUTIONAL, SHAM, run

from critical.core.randomness import generator
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


def test_it_is_the_error_on_test_images_between_the_weights_of_both(held):
    one = replace(SHORT, examples=30)  # in a single batch, whose statistics are then those of the network
    other, trainer = replace(TRUNK, branch=2, branch_at=0), Trainer(TRUNK)
    work(plan([other]), held)
    data, model = trainer.dataset, trainer.state.model
    weights = [held.load_state(spec.keys[-1], "cpu")["state"]["model"] for spec in (other, TRUNK)]
    settled = torch.randperm(len(data.train), generator=generator(TRUNK.seed, "barrier"))[:30]
    test, errors = data.batch(data.test, torch.arange(len(data.test))), []
    for share in (0.0, 0.5, 1.0):
        model.load_state_dict({name: torch.lerp(value, weights[1][name], share) if value.is_floating_point() else value
                               for name, value in weights[0].items()})  # fmt: skip
        for module in model.modules():
            module.momentum = 1.0
        with torch.no_grad():
            model.train()(*data.batch(data.train, settled).views)
            right = model.eval()(*test.views).argmax(1) == test.labels
        errors.append(100 - 100 * right.float().mean().item())
    of_ends = (errors[0] + errors[2]) / 2
    assert len({0.0, max(errors) - of_ends, of_ends - min(errors)}) == 3, "neither one network nor its accuracy"
    assert one.between(held, other, TRUNK)["barrier"] == pytest.approx(max(errors) - of_ends, abs=1e-4)


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
