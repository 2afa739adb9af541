"""The probe of the code: what a frozen encoder tells a linear reader."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
import yaml

from critical.core.arithmetic import Arithmetic
from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.data import Dataset, Split
from critical.measures.stream_probe import averaged, probe_accuracy
from critical.models import SplitAllCNN, TwoViewTransformer
from critical.probes import KINDS, CodeProbe, ProbeContext

PROBE = CodeProbe(examples=60)
SHAPE = (1, 4, 4)
MODELS = [TwoViewTransformer(patch=2, dims=8, layers=1, attention_heads=2), SplitAllCNN(width=2)]


def split(count, purpose):
    """The class is the brightness of view b; view a tells nothing."""
    labels = torch.arange(count) % 3
    noise = [torch.rand(count, *SHAPE, generator=generator(0, purpose, view)) for view in "ab"]
    return Split((noise[0], (0.2 * noise[1] + 0.3 * labels.view(-1, 1, 1, 1)).clamp(0, 1)), labels)


def context(model):
    data = Dataset(split(30, "train"), split(45, "test"), tuple("xyz"), "made", more=lambda count: split(count, "more"))
    return ProbeContext(model, data, Arithmetic(), (), 0, 1)


@pytest.mark.parametrize("model", MODELS, ids=["tokens", "maps"])
def test_is_the_regression_on_what_the_heads_read(model):
    network = model.build((SHAPE, SHAPE), 3, 0).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    row = PROBE.measure(context(network))
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    network.eval()
    given = (split(60, "more"), split(45, "test"))
    with torch.no_grad():
        read = [averaged(network.code(*network.streams(*held.views))) for held in given]
    expected = probe_accuracy(read[0], split(60, "more").labels, read[1], split(45, "test").labels)
    assert row == {"probe_code": pytest.approx(expected)}


@pytest.mark.parametrize("spec", MODELS, ids=["tokens", "maps"])
def test_untrained_is_the_initial_network_whatever_was_trained(spec):
    probe, initial = replace(PROBE, untrained=True), spec.build((SHAPE, SHAPE), 3, 0)
    network = spec.build((SHAPE, SHAPE), 3, 0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(0)
    now = replace(context(network), initial=lambda: spec.build((SHAPE, SHAPE), 3, 0))
    row = probe.measure(now)
    assert row["probe_code"] == PROBE.measure(now)["probe_code"] < 55
    given = (split(60, "more"), split(45, "test"))
    for module in initial.modules():
        module.momentum = 1.0  # batch normalisation: what it saw last
    with torch.no_grad():
        initial.train().code(*initial.streams(*given[0].views))
        initial.eval()
        read = [averaged(initial.code(*initial.streams(*held.views))) for held in given]
    expected = probe_accuracy(read[0], given[0].labels, read[1], given[1].labels)
    assert row["probe_untrained_code"] == pytest.approx(expected)
    with pytest.raises(SpecError, match=r"^probe code_probe: untrained=True needs the initial network"):
        probe.measure(replace(now, initial=None))
    assert PROBE.id == replace(PROBE, untrained=False).id != probe.id


def test_a_code_that_carries_the_class_is_read_and_one_that_carries_nothing_is_not():
    network = TwoViewTransformer(patch=2, dims=8, layers=1, attention_heads=2).build((SHAPE, SHAPE), 3, 0)
    assert PROBE.measure(context(network))["probe_code"] > 80
    with torch.no_grad():
        network.stream_b.patches.map.weight.zero_()
    assert PROBE.measure(context(network))["probe_code"] < 55
    with torch.no_grad():
        network.trunk.norm.bias.fill_(torch.nan)
    assert PROBE.measure(context(network))["probe_code"] != PROBE.measure(context(network))["probe_code"]


def test_what_cannot_be_is_refused_and_settings_are_complete():
    for changes in ({"examples": 1}, {"penalty": 0.0}):
        with pytest.raises(SpecError, match=f"^probe code_probe: .*{next(iter(changes))}="):
            replace(PROBE, **changes)
    assert KINDS["code_probe"] is CodeProbe
    path = Path(__file__).parents[3] / "conf" / "probes" / "code.yaml"
    (given,) = (entry for entry in yaml.safe_load(path.read_text()) if entry["name"] == "code_probe")
    assert set(given) - {"name"} == {field.name for field in fields(CodeProbe)}
