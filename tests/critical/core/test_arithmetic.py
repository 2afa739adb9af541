from dataclasses import replace

import pytest
import torch
from helpers import BLUR, bare, run

from critical.core.arithmetic import Arithmetic
from critical.core.spec import SpecError, identity
from critical.probes import Accuracy, Fisher
from critical.training.loop import train

SWITCHES = ("deterministic", "benchmark", "allow_tf32")


def switches():
    return tuple(getattr(torch.backends.cudnn, name) for name in SWITCHES)


@pytest.fixture(autouse=True)
def others(monkeypatch):
    for name, value in zip(SWITCHES, (False, True, True), strict=True):
        monkeypatch.setattr(torch.backends.cudnn, name, value)


def test_on_cuda_the_kernels_are_the_same_every_time_and_single_precision_is_no_tf32():
    with Arithmetic(device="cuda").applied():
        assert switches() == (True, False, False)
    assert switches() == (False, True, True)


def test_a_cpu_leaves_them_alone():
    with Arithmetic(device="mps").applied():
        assert switches() == (False, True, True)


def test_tf32_is_a_precision_of_cuda():
    with Arithmetic(device="cuda", precision="tf32").applied():
        assert switches() == (True, False, True)
    with pytest.raises(SpecError, match=r"^arithmetic\.precision=tf32: device=cpu has none; use fp32$"):
        Arithmetic(device="cpu", precision="tf32")


def test_replaying_graphs_is_no_part_of_the_identity():
    assert identity(Arithmetic(graphs=False)) == identity(Arithmetic())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_an_epoch_on_cuda_has_the_same_bits_twice_and_nearly_those_of_a_cpu():
    spec = run((0, 1, BLUR), end=2, arithmetic=Arithmetic(device="cuda"), probes=(Accuracy(), Fisher()))
    first, second = (bare(train(spec)) for _ in range(2))
    assert first == second
    near = train(replace(spec, arithmetic=Arithmetic()))
    assert first[0]["train_loss"] == pytest.approx(near[0]["train_loss"], rel=1e-3)
    assert first[0]["fisher_trace"] == pytest.approx(near[0]["fisher_trace"], rel=0.05)
