import random
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from helpers import BASE, BLUR, bare, from_scratch, run, same
from torch import nn

from critical.core.arithmetic import Arithmetic
from critical.core.batch import Batch
from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.data import Split
from critical.models import MLP, AllCNN
from critical.training import graphs
from critical.training.augmentation import Augmentation
from critical.training.metrics import EpochMetrics

SPLIT = Split((torch.rand(21, 1, 6, 6, generator=generator(0, "images")),), torch.arange(21) % 3)
SHIFTS = Augmentation(shift=2, flip=True)


def batches(count, size=4):
    order = torch.randperm(21, generator=generator(0, "order"))[:count]
    return list(graphs.augmented(SPLIT, order, size, SHIFTS, generator(0, "draws")))


@pytest.mark.parametrize("count", [21, 20, 18])
def test_batches_made_together_are_those_made_one_by_one(count, monkeypatch):
    order = torch.randperm(21, generator=generator(0, "order"))[:count]
    draws = generator(0, "draws")
    alone = [SHIFTS.apply(SPLIT.batch(index), draws) for index in order.split(4) if len(index) > 1]
    assert len(alone) == {21: 5, 20: 5, 18: 5}[count]
    for at_once in (1, 3, 16):
        monkeypatch.setattr(graphs, "_together", lambda device, at_once=at_once: at_once)
        made = batches(count)
        assert [len(batch) for batch in made] == [len(batch) for batch in alone]
        assert same([graphs._tensors(batch) for batch in made], [graphs._tensors(batch) for batch in alone])


class FakeGraph:
    """Records by running nothing, and replays by running the step on what it holds."""

    def __init__(self):
        self.recording = False
        type(self).made.append(self)

    def capture_begin(self, pool=None):
        self.recording = True

    def capture_end(self):
        self.recording = False

    def pool(self):
        return (0, 1)

    def replay(self):
        self.again()


@pytest.fixture
def fake(monkeypatch):
    FakeGraph.made = []
    monkeypatch.setattr(graphs, "_LAST", [])
    monkeypatch.setattr(graphs.torch.cuda, "CUDAGraph", FakeGraph)
    return FakeGraph


def test_a_graph_sees_every_batch_and_its_examples_are_counted(fake):
    metrics, seen = EpochMetrics(torch.device("cpu")), []

    def step(number, batch: Batch):
        def compute():
            seen.append(batch.labels.tolist())

        metrics.seen += len(batch)
        if fake.made and fake.made[-1].recording:
            fake.made[-1].again = compute
        else:
            compute()

    steps = graphs.Steps(step, metrics, graphs=True)
    for number, batch in enumerate(batches(18)):
        steps(number, batch)
    assert seen == [batch.labels.tolist() for batch in batches(18)]
    assert (metrics.seen, len(fake.made)) == (18, 1)


@pytest.mark.parametrize("draw", [lambda: torch.rand(1), random.random, np.random.rand])
def test_steps_that_draw_on_the_cpu_are_not_replayed(fake, draw):
    """A graph would hold the number that was drawn when it was recorded."""
    drawn = []
    steps = graphs.Steps(lambda *_: drawn.append(float(draw())), EpochMetrics(torch.device("cpu")), graphs=True)
    for number, batch in enumerate(batches(18)):
        steps(number, batch)
    assert len(set(drawn)) == len(batches(18))
    assert not fake.made


def test_a_step_that_cannot_be_recorded_is_refused_in_a_line(fake):
    def step(number, batch):
        if number:
            raise RuntimeError("operation not permitted\nwhen stream is capturing")

    steps = graphs.Steps(step, EpochMetrics(torch.device("cpu")), graphs=True)
    first, second, *_ = batches(18)
    steps(0, first)
    with pytest.raises(SpecError, match=r"\(operation not permitted when .*\); set arithmetic.graphs=false") as refused:
        steps(1, second)
    assert "\n" not in str(refused.value)
    assert not fake.made[0].recording, "who goes on is not in the middle of a record"
    assert not graphs._LAST


def test_memory_that_runs_out_is_named_as_such(fake):
    def step(number, batch):
        if number:
            raise torch.cuda.OutOfMemoryError("no memory is left")

    steps = graphs.Steps(step, EpochMetrics(torch.device("cpu")), graphs=True)
    first, second, *_ = batches(18)
    steps(0, first)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        steps(1, second)


@dataclass(frozen=True)
class Dropping(MLP):
    """Draws on the device, after the first layer."""

    def build(self, *given, **named):
        network = super().build(*given, **named)
        network.append(nn.Dropout(0.5))
        return network


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("model", [MLP(widths=(16,)), AllCNN(width=4, depth=3), Dropping(widths=(16,))])
def test_on_cuda_graphs_change_no_bit(model):
    """Through windows, and a restart of the rate at which momentum is dropped; the last batch is a smaller one."""
    base = replace(BASE, model=model, augmentation=SHIFTS, schedule=replace(BASE.schedule, reset_optimizer=True))
    spec = run((1, 3, BLUR), end=4, base=base, arithmetic=Arithmetic(device="cuda"))
    (rows, state), (plain, expected) = (
        from_scratch(replace(spec, arithmetic=replace(spec.arithmetic, graphs=held))) for held in (True, False)
    )
    assert graphs._LAST
    assert bare(rows) == bare(plain)
    assert same(state["model"], expected["model"])
    assert same(state["optimizer"]["state"], expected["optimizer"]["state"])
