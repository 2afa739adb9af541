import copy
import math
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
import yaml
from helpers import BASE, same
from torch import nn

from critical.core.arithmetic import Arithmetic
from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.data import Dataset, Split, TwoEyes
from critical.measures.stream_probe import averaged, flattened, probe_accuracy
from critical.models import SplitAllCNN, SplitResNet18, TwoModality
from critical.probes import KINDS, ProbeContext, StreamProbe
from critical.training import loop as training
from critical.training.augmentation import Augmentation

CLASSES = 4
PROBE = StreamProbe(examples=80)
BOTH = [f"probe_{name}_{view}" for name in ("maps", "averaged") for view in "ab"]


class Keeping(nn.Module):
    """Streams that keep view a as it is and lose view b; what is above them is never asked."""

    def streams(self, a, b):
        assert not self.training
        return a, torch.zeros_like(b)

    def code(self, from_a, from_b):
        raise AssertionError("the trunk ran")

    classify = code


def split(count, purpose, side=4):
    """View a shows the class by the place that is bright, so an average over places tells nothing; so does b."""
    labels = torch.arange(count) % CLASSES
    views = []
    for view in "ab":
        picture = 0.2 * torch.rand(count, 1, side, side, generator=generator(0, purpose, view))
        picture.view(count, -1)[torch.arange(count), labels] += 0.5
        views.append(picture)
    return Split(tuple(views), labels)


def context(model, initial=None, more=True, tests=60):
    data = Dataset(split(40, "train"), split(tests, "test"), tuple("wxyz"), "made", more=None)
    if more:
        data = replace(data, more=lambda count: split(count, "unseen"))
    return ProbeContext(model, data, Arithmetic(), (), 0, 1, initial)


def convolutional(seed=0, **changes):
    arithmetic = Arithmetic()

    def build():
        return arithmetic.prepare(SplitAllCNN(width=2).build(((1, 4, 4),) * 2, CLASSES, seed))

    model = build()
    with torch.no_grad():  # as if it had been trained: statistics and weights are no longer the initial ones
        for parameter in model.parameters():
            parameter.mul_(1.5)
        model.train()(*split(40, "train").views)
    return context(model, build, **changes)


class TestReading:
    def test_says_what_a_stream_holds_and_not_what_the_network_reads(self):
        row = PROBE.measure(context(Keeping().eval()))
        assert list(row) == BOTH
        assert row["probe_maps_a"] == 100.0
        assert row["probe_maps_b"] == 25.0
        assert 10 < row["probe_averaged_a"] < 45, "the class is in the place"

    def test_is_the_regression_on_what_the_streams_hand_on(self):
        now = convolutional()
        row, model = PROBE.measure(now), now.model.eval()
        unseen, test = split(80, "unseen"), split(60, "test")
        with torch.no_grad():
            for view, stream in zip("ab", (model.stream_a, model.stream_b), strict=True):
                number = "ab".index(view)
                fitted, scored = stream(unseen.views[number]), stream(test.views[number])
                for name, features in (("maps", flattened), ("averaged", averaged)):
                    expected = probe_accuracy(features(fitted), unseen.labels, features(scored), test.labels)
                    assert row[f"probe_{name}_{view}"] == pytest.approx(expected, abs=100 / 60 + 1e-9)

    def test_where_nothing_is_left_halves_of_the_test_examples_serve(self, monkeypatch):
        seen = []
        monkeypatch.setattr("critical.probes.stream_probe.probe_accuracy", lambda *given: seen.append(given[:4]) or 0.0)
        few = context(Keeping().eval(), more=False)
        PROBE.measure(few)
        PROBE.measure(replace(few, seed=5, epoch=9))
        fitted, labels, scored, truth = seen[0]
        assert labels.bincount().tolist() == [8, 8, 7, 7] or sorted(labels.bincount().tolist()) == [7, 7, 8, 8]
        assert (len(fitted), len(scored), len(truth)) == (30, 30, 30)
        both = {tuple(row) for row in torch.cat((fitted, scored)).tolist()}
        assert both == {tuple(row) for row in few.dataset.test.views[0].flatten(1).tolist()}, "each example once"
        assert torch.equal(seen[0][0], seen[4][0]), "the same halves in every run"
        seen.clear()
        replace(PROBE, examples=12).measure(few)
        assert (len(seen[0][0]), len(seen[0][2])) == (12, 30)

    def test_vectors_are_read_alike(self):
        views = ((1, 4, 4),) * 2
        row = PROBE.measure(context(TwoModality(width=2, units=8).build(views, CLASSES, 0)))
        assert row["probe_maps_a"] == row["probe_averaged_a"]
        assert row["probe_maps_b"] == row["probe_averaged_b"]

    def test_a_resnet_is_read_too_and_a_diverged_network_gives_nan(self):
        views = ((1, 8, 8),) * 2
        model = SplitResNet18(width=1).build(views, CLASSES, 0)
        data = Dataset(split(40, "train", 8), split(40, "test", 8), tuple("wxyz"), "made")
        now = ProbeContext(model, replace(data, more=lambda count: split(count, "u", 8)), Arithmetic(), (), 0, 1)
        assert all(0 <= value <= 100 for value in PROBE.measure(now).values())
        with torch.no_grad():
            next(model.stream_a.parameters()).fill_(math.nan)
        row = PROBE.measure(now)
        assert math.isnan(row["probe_maps_a"])
        assert not math.isnan(row["probe_maps_b"])


class TestUntrained:
    def test_reads_the_initial_weights_with_the_statistics_of_the_examples_fitted_on(self):
        now = convolutional()
        row = replace(PROBE, untrained=True).measure(now)
        untrained = [column.replace("probe_", "probe_untrained_") for column in BOTH]
        assert list(row) == BOTH + untrained
        assert {column: row[column] for column in BOTH} == PROBE.measure(now)
        model = now.initial().eval()
        unseen, test = split(80, "unseen"), split(60, "test")
        x, z = unseen.views[0], test.views[0]
        with torch.no_grad():
            for name, layer in model.stream_a.named_children():
                if name.startswith("bn"):  # from its definition, beside what it is built with
                    mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True)
                    x, z = ((one - mean) / (variance + layer.eps).sqrt() for one in (x, z))
                else:
                    x, z = layer(x), layer(z)
        expected = probe_accuracy(flattened(x), unseen.labels, flattened(z), test.labels)
        # In the pass that settles them the layers divide by the other estimate of the variance, N for N − 1.
        assert row["probe_untrained_maps_a"] == pytest.approx(expected, abs=2 * 100 / 60)

    def test_is_the_same_whenever_it_is_measured(self):
        probe = replace(PROBE, untrained=True)
        early, late = (
            probe.measure(now) for now in (convolutional(), replace(convolutional(), epoch=7, model=Keeping()))
        )
        assert {key: early[key] for key in early if "untrained" in key} == {
            key: late[key] for key in late if "untrained" in key
        }

    def test_needs_the_initial_network(self):
        with pytest.raises(SpecError, match="untrained=True needs the initial network"):
            replace(PROBE, untrained=True).measure(context(Keeping()))

    def test_the_loop_hands_it_in(self):
        eyes, model = TwoEyes(train_size=40, test_size=20, resolution=8), SplitAllCNN(width=2)
        probes = (StreamProbe(examples=20, untrained=True, every=1),)
        spec = replace(BASE, data=eyes, model=model, augmentation=Augmentation(shift=0, flip=False), probes=probes)
        rows = training.train(spec)
        assert len({row["probe_untrained_maps_a"] for row in rows}) == 1
        trainer = training.Trainer(spec)
        (found,) = trainer.measure(spec.epoch_specs[0], probes)
        assert set(found.columns) <= set(rows[-1])
        assert found.columns["probe_untrained_maps_b"] == rows[-1]["probe_untrained_maps_b"]


@pytest.mark.parametrize("mode", [True, False], ids=["training", "evaluation"])
def test_disturbs_nothing(mode):
    now, probe = convolutional(), replace(PROBE, untrained=True)
    model = now.model.train(mode)
    before, draws = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    first = probe.measure(now)
    assert same(model.state_dict(), before)
    assert torch.equal(torch.get_rng_state(), draws)
    assert {module.training for module in model.modules()} == {mode}
    assert all(parameter.grad is None for parameter in model.parameters())
    assert probe.measure(now) == first


def test_refuses_other_networks_and_impossible_settings_in_one_line():
    with pytest.raises(SpecError, match="Flatten is no two-stream network"):
        PROBE.measure(context(nn.Flatten()))
    for changes in ({"examples": 1}, {"penalty": 0.0}, {"penalty": math.nan}, {"every": -1}):
        with pytest.raises(SpecError, match=f"probe stream_probe: .*{next(iter(changes))}=") as raised:
            StreamProbe(**changes)
        assert "\n" not in str(raised.value)


def test_is_registered_and_the_configurations_hold_every_setting():
    assert KINDS["stream_probe"] is StreamProbe
    assert StreamProbe.streams == 2
    for name in ("two_views", "two_views_sparse", "two_views_long", "two_views_tiny"):
        path = Path(__file__).parents[3] / "conf" / "probes" / f"{name}.yaml"
        (given,) = (entry for entry in yaml.safe_load(path.read_text()) if entry["name"] == "stream_probe")
        assert set(given) - {"name"} == {field.name for field in fields(StreamProbe)}
