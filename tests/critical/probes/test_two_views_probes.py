import copy
import math
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
import yaml
from helpers import same
from torch import nn

from critical.core.arithmetic import Arithmetic
from critical.core.randomness import generator
from critical.core.spec import SpecError, settings
from critical.data import Dataset, Split
from critical.data.images import balanced_order
from critical.measures.information import decoded, fitted_temperature
from critical.models import SplitAllCNN
from critical.probes import ProbeContext
from critical.probes.partners import random_partners
from critical.probes.two_views import (
    Decoding,
    SourceVarianceProbe,
    TwoStreamNetwork,
    decode_with_partners,
)

CLASSES = 10
DECODING = Decoding(partners=3, examples=40, temperature_examples=30)
PROBES = (SourceVarianceProbe(examples=6), DECODING)


class Reader(nn.Module):
    """Reads the class off each view (logits 6 at it, else 0; all 0 below the first) and weighs the two."""

    def __init__(self, of_a, of_b):
        super().__init__()
        self.of_a, self.of_b = of_a, of_b
        self.register_buffer("calls", torch.zeros(()))
        self.seen = {"streams": 0, "code": 0}

    def streams(self, a, b):
        assert not self.training
        self.calls += 1
        torch.rand(())  # a layer that draws even in evaluation mode
        self.seen["streams"] += len(a)
        classes = [(10 * view[:, 0, 0, 0]).floor().long() for view in (a, b)]
        return tuple(nn.functional.one_hot(one + 1, CLASSES + 1)[:, 1:] for one in classes)

    def code(self, from_a, from_b):
        self.seen["code"] += len(from_a)
        return self.of_a * from_a + self.of_b * from_b

    def classify(self, code, head=None):
        return 6.0 * code

    def forward(self, a, b, head=None):
        return self.classify(self.code(*self.streams(a, b)), head)


class Listening(Reader):
    """Three units of ten listen to view b alone, seven to view a."""

    def __init__(self):
        super().__init__((torch.arange(CLASSES) > 2).float(), (torch.arange(CLASSES) <= 2).float())


def shown(labels):
    """Images of a brightness that tells the class: 0.05, 0.15, …, 0.95."""
    return ((labels + 0.5) / 10).view(-1, 1, 1, 1).expand(-1, 1, 4, 4).contiguous()


def context(model, count=60, epoch=1, labels=None):
    """Test examples whose two views show the class; the means of the training images lie below every class."""
    labels = torch.arange(count) % CLASSES if labels is None else labels
    train = Split((torch.full((20, 1, 4, 4), -0.05),) * 2, torch.arange(20) % CLASSES)
    test = Split((shown(labels), shown(labels)), labels)
    data = Dataset(train, test, tuple("0123456789"), "made", more=drawn)
    return ProbeContext(model, data, Arithmetic(), (), 0, epoch)


def drawn(count):
    """Further examples that show their class."""
    labels = torch.arange(count) % CLASSES
    return Split((shown(labels), shown(labels)), labels)


def convolutional():
    """A context of a real network on noise, and its views."""
    views = tuple(torch.rand(60, 1, 8, 8, generator=generator(0, view)) for view in "ab")
    split = Split(views, torch.arange(60) % CLASSES)
    more = Split(tuple(view.flip(3) for view in views), split.labels)
    arithmetic = Arithmetic()
    model = arithmetic.prepare(SplitAllCNN(width=2).build(((1, 8, 8),) * 2, CLASSES, 0))
    data = Dataset(split, split, tuple("0123456789"), "noise", more=lambda count: more)
    return ProbeContext(model, data, arithmetic, (), 0, 1)


RIGHT = math.log2(10) + math.log2(1 - 9 / 310)
"""Bits of a readout that was right on all 30 examples of its temperature: one more would have had any label."""


class TestDecoding:
    def test_a_network_that_reads_only_a(self):
        row = DECODING.measure(context(Reader(1.0, 0.0)))
        assert row["decoding_a"] == 100.0
        assert row["information_a"] == pytest.approx(row["information_both"], abs=1e-5)
        assert row["information_a"] == pytest.approx(RIGHT, abs=1e-5)
        assert row["use_b"] == 0.0
        assert row["use_a"] == pytest.approx(92, abs=8), "4 in 40 others or fewer are of the class"
        assert row["decoding_b"] < 30.0
        assert abs(row["information_b"]) < 0.05, "sure and wrong without its temperature"
        assert len(row) == 7

    def test_the_other_way_round(self):
        one, other = DECODING.measure(context(Reader(1.0, 0.0))), DECODING.measure(context(Reader(0.0, 1.0)))
        assert (other["decoding_b"], other["use_a"], other["decoding_a"] < 30) == (100.0, 0.0, True)
        assert other["information_both"] == one["information_both"]

    def test_a_network_that_reads_both_alike(self):
        row = DECODING.measure(context(Reader(1.0, 1.0)))
        assert row["decoding_a"] == row["decoding_b"] == 100.0, "each partner's class is named once, the own one always"
        assert 0 < row["information_a"] < row["information_both"]
        assert row["use_a"] > 20

    def test_a_constant_network_knows_nothing(self):
        row = DECODING.measure(context(Reader(0.0, 0.0)))
        assert row["decoding_a"] == row["decoding_b"] == 10.0
        assert (row["use_a"], row["use_b"]) == (0.0, 0.0)
        assert [row[f"information_{what}"] for what in ("both", "a", "b")] == pytest.approx([0.0] * 3, abs=1e-6)

    def test_the_absent_view_is_filled_with_its_mean(self):
        row = replace(DECODING, absent=True).measure(context(Reader(1.0, 0.5)))
        assert (row["decoding_absent_a"], row["decoding_absent_b"]) == (100.0, 100.0)
        # Both are always right, and that one logit is 6 and the other 3 the temperature makes good.
        assert row["information_absent_b"] == pytest.approx(row["information_absent_a"], abs=1e-5)
        assert row["information_absent_a"] == pytest.approx(RIGHT, abs=1e-5)
        assert set(row) - set(DECODING.measure(context(Reader(1.0, 0.5)))) == {
            f"{what}_absent_{view}" for what in ("decoding", "information") for view in "ab"
        }

    def test_is_the_double_loop_over_partners(self):
        now = convolutional()
        model, views = now.model.eval(), now.dataset.test.views
        partners = random_partners(now.dataset.test.labels, 3, generator(0))
        network = TwoStreamNetwork(model, now.arithmetic, batch_size=25)
        with torch.no_grad():
            found = decode_with_partners(network, *network.streams(views), partners)
            for i in (0, 7, 59):
                for p in range(3):
                    j = int(partners[p, i])
                    k = partners[p].tolist().index(i)  # whose partner i is
                    with_a = model(views[0][i : i + 1], views[1][j : j + 1]).log_softmax(1)[0]
                    with_b = model(views[0][k : k + 1], views[1][i : i + 1]).log_softmax(1)[0]
                    assert torch.allclose(found[0][p, i], with_a, atol=1e-5)
                    assert torch.allclose(found[1][p, i], with_b, atol=1e-5)

    def test_price(self):
        reader = Reader(1.0, 1.0)
        DECODING.measure(context(reader))
        assert reader.seen == {"streams": 40 + 30, "code": 4 * (40 + 30)}

    def test_examples_are_balanced_and_stay_while_partners_change(self, monkeypatch):
        seen = []
        real = Dataset.batch
        monkeypatch.setattr(Dataset, "batch", lambda *given: seen.append(given[1]) or real(*given))
        labels = torch.arange(60).sub(20).clamp(0, 9)  # mostly class 0 and 9
        contexts = [context(Reader(1.0, 1.0), epoch=epoch, labels=labels) for epoch in (1, 2)]
        rows = [replace(DECODING, examples=20).measure(now) for now in contexts]
        scored, _, again, _ = seen
        assert torch.equal(scored.labels, again.labels)
        counts = scored.labels.bincount(minlength=10)
        assert counts[1:9].tolist() == [1] * 8
        assert counts[[0, 9]].tolist() == [6, 6]
        assert rows[0]["information_a"] != rows[1]["information_a"]
        replace(DECODING, examples=None).measure(context(Reader(1.0, 1.0)))
        assert [len(split) for split in seen[4:]] == [60, 30]

    def test_both_views_are_read_by_the_mean_probability_and_their_own_temperature(self):
        now = context(Reader(0.5, 1.0), count=40)
        probe = replace(DECODING, examples=None)
        network, row = TwoStreamNetwork(now.model.eval(), now.arithmetic), probe.measure(now)

        def readouts(split, purpose):
            partners = random_partners(split.labels, 3, generator(0, purpose, 1))
            from_a, from_b = network.streams(split.views)
            for i, own in enumerate(zip(from_a, from_b, strict=True)):
                with_a = [now.model(split.views[0][i : i + 1], split.views[1][j : j + 1]) for j in partners[:, i]]
                whose = [partner.tolist().index(i) for partner in partners]
                with_b = [now.model(split.views[0][k : k + 1], split.views[1][i : i + 1]) for k in whose]
                assert len(own) == 2
                yield [torch.cat(logits).double().softmax(1).mean(0).log() for logits in (with_a, with_b)]

        order = balanced_order(now.dataset.test.labels, generator(0, "decoding examples"))
        scored, fitting = now.dataset.test.take(order), drawn(30)
        found, others = list(readouts(scored, "decoding")), list(readouts(fitting, "decoding temperature"))
        for number, view in enumerate("ab"):
            logs, rest = (torch.stack([pair[number] for pair in held]) for held in (found, others))
            expected = decoded(logs, scored.labels, fitted_temperature(rest, fitting.labels))
            assert row[f"decoding_{view}"] == expected.accuracy
            assert row[f"information_{view}"] == pytest.approx(expected.information, abs=1e-5)

    def test_twice_the_partners_change_little(self):
        """The mean over few partners tells less than that over many; the default is where 0.02 bits are left."""
        count, deviation = 500, 1.2
        labels = torch.arange(count) % CLASSES

        def noisy(purpose):
            noise = [torch.randn(count, generator=generator(0, purpose, view)) for view in "ab"]
            seen = [labels + deviation * one for one in noise]
            return Split(tuple((view / 10 + 0.05).view(-1, 1, 1, 1) for view in seen), labels)

        class Calibrated(Reader):
            """Says p(class | both views)."""

            def streams(self, a, b):
                return tuple(10 * view[:, 0] - 0.5 for view in (a, b))

            def code(self, from_a, from_b):
                classes = torch.arange(CLASSES).view(1, -1, 1)
                return -sum((one - classes).square() for one in (from_a, from_b)).squeeze(2) / (2 * deviation**2)

            def classify(self, code, head=None):
                return code

        now = context(Calibrated(1.0, 1.0))
        now = replace(now, dataset=replace(now.dataset, test=noisy("test"), more=lambda count: noisy("more")))
        once, twice, few = (Decoding(partners=n * Decoding().partners // 15).measure(now) for n in (15, 30, 1))
        for view in "ab":
            assert 0.5 < once[f"information_{view}"] < once["information_both"]
            assert abs(twice[f"information_{view}"] - once[f"information_{view}"]) < 0.02
            assert twice[f"information_{view}"] - few[f"information_{view}"] > 0.02

    def test_where_nothing_is_left_the_temperature_is_fitted_on_test_examples_that_are_not_scored(self, monkeypatch):
        seen = []
        real = Dataset.batch
        monkeypatch.setattr(Dataset, "batch", lambda *given: seen.append(given[1]) or real(*given))
        now = context(Reader(1.0, 1.0))
        now = replace(now, dataset=replace(now.dataset, more=None))
        assert DECODING.measure(now) == DECODING.measure(now)
        assert [len(split) for split in seen[:2]] == [30, 30]
        assert sum(split.labels.bincount() for split in seen[:2]).tolist() == [6] * 10, "each example once"

    def test_too_few_examples_for_the_partners(self):
        with pytest.raises(SpecError, match=r"partners=3 of 3 examples; from 1 to 2 are possible"):
            DECODING.measure(context(Reader(1.0, 1.0), count=3))


class TestSourceVariance:
    @pytest.mark.parametrize(("of_a", "of_b", "value"), [(1.0, 0.0, 1.0), (0.0, 1.0, -1.0), (1.0, 1.0, 0.0)])
    def test_of_known_networks(self, of_a, of_b, value):
        row = SourceVarianceProbe(examples=30).measure(context(Reader(of_a, of_b)))
        assert row["rsv_mean"] == pytest.approx(value, abs=1e-12)
        assert row["rsv_polarised"] == abs(value)
        assert row["rsv_dead"] < 0.2
        assert row[f"rsv_histogram/{ {1.0: 19, 0.0: 10, -1.0: 0}[value]:02}"] > 0.5
        assert sum(value for name, value in row.items() if "histogram" in name) == pytest.approx(1)

    def test_of_a_mixture(self):
        row = SourceVarianceProbe(examples=30).measure(context(Reader(2.0, 1.0)))
        assert row["rsv_mean"] == pytest.approx((4 - 1) / (4 + 1)), "each unit's variances are as the squared weights"

    def test_columns_draws_and_price(self):
        reader, now = Reader(1.0, 2.0), convolutional()
        row = PROBES[0].measure(context(reader))
        histogram = [f"rsv_histogram/{number:02}" for number in range(20)]
        assert list(row) == ["rsv_mean", "rsv_polarised", "rsv_dead", *histogram]
        assert reader.seen == {"streams": 6, "code": 36}
        assert PROBES[0].measure(now) == PROBES[0].measure(now) != PROBES[0].measure(replace(now, epoch=2))

    def test_modes_are_two_further_columns(self):
        plain, probe = SourceVarianceProbe(examples=30), SourceVarianceProbe(examples=30, modes=True)
        row = probe.measure(context(Listening()))
        assert (row["rsv_two_sided"], row["rsv_dip"]) == pytest.approx((0.3, 0.15), abs=0.02)
        assert row["rsv_polarised"] == 1
        assert {key: row.pop(key) for key in ("rsv_two_sided", "rsv_dip")}
        assert row == plain.measure(context(Listening()))
        one = probe.measure(context(Reader(1.0, 0.0)))
        assert (one["rsv_two_sided"], one["rsv_dip"]) == (0, 0)
        assert "modes" not in settings(plain), "what was measured before has the same identity"

    def test_units_are_channels_or_channels_at_positions_and_a_diverged_network_gives_nan(self, monkeypatch):
        now, sizes = convolutional(), []
        real = SourceVarianceProbe.measure.__globals__["relative_source_variance"]
        monkeypatch.setattr(
            "critical.probes.two_views.relative_source_variance", lambda grid: sizes.append(grid.shape) or real(grid)
        )
        PROBES[0].measure(now)
        replace(PROBES[0], pooled=False).measure(now)
        assert sizes == [(6, 6, 4), (6, 6, 4 * 4 * 4)]
        with torch.no_grad():
            now.model.trunk[0].weight.fill_(math.inf)
        assert all(map(math.isnan, PROBES[0].measure(now).values()))


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
class TestBoth:
    @pytest.mark.parametrize("mode", [True, False], ids=["training", "evaluation"])
    def test_disturbs_nothing(self, probe, mode):
        for now in (context(Reader(1.0, 0.5)), convolutional()):
            model = now.model.train(mode)
            before, draws = copy.deepcopy(model.state_dict()), torch.get_rng_state()
            first = probe.measure(now)
            assert same(model.state_dict(), before)
            assert torch.equal(torch.get_rng_state(), draws)
            assert {module.training for module in model.modules()} == {mode}
            assert all(parameter.grad is None for parameter in model.parameters())
            assert probe.measure(now) == first

    def test_refuses_other_networks_and_other_data(self, probe):
        assert probe.streams == 2
        now = context(Reader(1.0, 0.0))
        with pytest.raises(SpecError, match="Flatten is no two-stream network") as raised:
            probe.measure(replace(now, model=nn.Flatten()))
        assert "\n" not in str(raised.value)
        test = now.dataset.test
        single = replace(now.dataset, train=Split(test.views[:1], test.labels), test=Split(test.views[:1], test.labels))
        with pytest.raises(SpecError, match="the data has 1"):
            probe.measure(replace(now, dataset=single))


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (SourceVarianceProbe, {"examples": 1}),
        (Decoding, {"partners": 0}),
        (Decoding, {"partners": 5, "examples": 5}),
        (Decoding, {"temperature_examples": 30}),
    ],
    ids=str,
)
def test_refuses_impossible_settings_in_one_line(kind, changes):
    with pytest.raises(SpecError, match=f"probe {kind.name}: .*{next(iter(changes))}=") as raised:
        kind(**changes)
    assert "\n" not in str(raised.value)


def test_the_configuration_holds_every_setting():
    path = Path(__file__).parents[3] / "conf" / "probes" / "two_views.yaml"
    given = {entry["name"]: set(entry) - {"name"} for entry in yaml.safe_load(path.read_text())}
    for kind in (SourceVarianceProbe, Decoding):
        assert given[kind.name] == {field.name for field in fields(kind)}
