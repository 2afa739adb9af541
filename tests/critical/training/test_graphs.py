from dataclasses import replace

import pytest
import torch
from helpers import BASE, BLUR, bare, from_scratch, run, same

from critical.core.arithmetic import Arithmetic
from critical.core.batch import Batch
from critical.core.randomness import generator
from critical.data import Split
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


def test_a_graph_sees_every_batch_and_its_examples_are_counted(monkeypatch):
    FakeGraph.made = []
    monkeypatch.setattr(graphs, "_LAST", [])
    monkeypatch.setattr(graphs.torch.cuda, "CUDAGraph", FakeGraph)
    metrics, seen = EpochMetrics(torch.device("cpu")), []

    def step(number, batch: Batch):
        def compute():
            seen.append(batch.labels.tolist())

        metrics.seen += len(batch)
        if FakeGraph.made and FakeGraph.made[-1].recording:
            FakeGraph.made[-1].again = compute
        else:
            compute()

    steps = graphs.Steps(step, metrics, graphs=True)
    for number, batch in enumerate(batches(18)):
        steps(number, batch)
    assert seen == [batch.labels.tolist() for batch in batches(18)]
    assert (metrics.seen, len(FakeGraph.made)) == (18, 1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_cuda_graphs_change_no_bit():
    spec = run((1, 3, BLUR), end=4, base=replace(BASE, augmentation=SHIFTS), arithmetic=Arithmetic(device="cuda"))
    (rows, state), (plain, expected) = (
        from_scratch(replace(spec, arithmetic=replace(spec.arithmetic, graphs=held))) for held in (True, False)
    )
    assert graphs._LAST
    assert bare(rows) == bare(plain)
    assert same(state["model"], expected["model"])
    assert same(state["optimizer"]["state"], expected["optimizer"]["state"])
