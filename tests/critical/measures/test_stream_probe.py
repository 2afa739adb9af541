import warnings

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from critical.core.randomness import generator
from critical.core.spec import SpecError
from critical.measures import stream_probe
from critical.measures.stream_probe import averaged, flattened, probe_accuracy


def normal(*shape, purpose="features"):
    return torch.randn(*shape, generator=generator(0, purpose), dtype=torch.float64)


def overlapping(count, purpose, spread=1.5):
    """Three classes around the corners of a triangle in the plane, and four features of nothing."""
    labels = torch.arange(count) % 3
    corners = torch.tensor([[0.0, 1.0], [0.9, -0.5], [-0.9, -0.5]], dtype=torch.float64)
    told = corners[labels] + spread * normal(count, 2, purpose=purpose)
    return torch.cat((5 + 100 * told, normal(count, 4, purpose=f"{purpose} rest")), 1), labels


def by_hand(fitted, labels, scored, penalty):
    """The same regression from its definition: standardised features, sum of cross-entropies and penalty/2·‖w‖²."""
    mean, deviation = fitted.mean(0), fitted.std(0, correction=0)
    x, onehot = ((fitted - mean) / deviation).numpy(), np.eye(3)[labels]

    def loss(parameters):
        weights, offsets = parameters[:-3].reshape(-1, 3), parameters[-3:]
        logits = x @ weights + offsets
        logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        return -(onehot * logs).sum() + penalty / 2 * (weights**2).sum()

    found = minimize(loss, np.zeros(3 * x.shape[1] + 3), method="BFGS", options={"gtol": 1e-3}).x
    return (((scored - mean) / deviation).numpy() @ found[:-3].reshape(-1, 3) + found[-3:]).argmax(1)


class TestFeatures:
    def test_are_units_at_places_whatever_the_layout(self):
        maps = normal(2, 3, 4, 5)
        for given in (maps, maps.contiguous(memory_format=torch.channels_last)):
            flat, mean = flattened(given), averaged(given)
            assert (flat.shape, mean.shape) == ((2, 60), (2, 3))
            assert flat[1, 2 * 20 + 3 * 5 + 4] == maps[1, 2, 3, 4]
            assert mean[1, 2] == pytest.approx(maps[1, 2].mean().item(), rel=1e-12)
        signal = normal(2, 3, 7)
        assert torch.allclose(averaged(signal), signal.mean(2))

    def test_vectors_stay(self):
        vectors = normal(4, 3)
        assert torch.equal(flattened(vectors), vectors)
        assert torch.equal(averaged(vectors), vectors)


class TestAccuracy:
    @pytest.mark.parametrize("penalty", [0.1, 10.0, 1000.0])
    def test_is_the_regression_by_its_definition(self, penalty):
        (fitted, labels), (scored, truth) = overlapping(60, "fitted"), overlapping(300, "scored")
        expected = 100 * (by_hand(fitted, labels, scored, penalty) == truth.numpy()).mean()
        assert probe_accuracy(fitted, labels, scored, truth, penalty) == pytest.approx(expected, abs=100 / 300 + 1e-9)
        assert 45 < expected < 80

    def test_what_tells_everything_and_what_tells_nothing(self):
        labels = torch.arange(300) % 3
        onehot = torch.nn.functional.one_hot(labels, 3).double()
        assert probe_accuracy(onehot[:150], labels[:150], onehot[150:], labels[150:]) == 100.0
        nothing = normal(300, 50, purpose="nothing")
        found = probe_accuracy(nothing[:150], labels[:150], nothing[150:], labels[150:])
        assert abs(found - 100 / 3) < 3 * 100 * (2 / 9 / 150) ** 0.5

    def test_more_features_than_examples_leave_a_fair_answer(self):
        """Without penalty the 500 features of nothing would be fitted; the choice of strength hardly matters."""
        (fitted, labels), (scored, truth) = overlapping(120, "fitted", 0.5), overlapping(600, "scored", 0.5)
        fitted = torch.cat((fitted, normal(120, 300, purpose="more a")), 1)
        scored = torch.cat((scored, normal(600, 300, purpose="more b")), 1)
        found = [probe_accuracy(fitted, labels, scored, truth, penalty) for penalty in (3.0, 10.0, 30.0)]
        assert min(found) > 50
        assert max(found) - min(found) < 3

    def test_scale_and_offset_of_a_feature_do_not_matter(self):
        (fitted, labels), (scored, truth) = overlapping(90, "fitted"), overlapping(300, "scored")
        scale = torch.tensor([1e-3, 1.0, 1e3, -2.0, 1.0, 7.0])
        moved = probe_accuracy(scale * fitted + 3, labels, scale * scored + 3, truth)
        assert moved == pytest.approx(probe_accuracy(fitted, labels, scored, truth), abs=100 / 300 + 1e-9)

    def test_a_dead_feature_counts_for_nothing_even_where_it_wakes(self):
        (fitted, labels), (scored, truth) = overlapping(90, "fitted"), overlapping(300, "scored")
        dead, awake = torch.zeros(90, 2), 1e6 * normal(300, 2, purpose="awake")
        with_dead = probe_accuracy(torch.cat((fitted, dead), 1), labels, torch.cat((scored, awake), 1), truth)
        assert with_dead == probe_accuracy(fitted, labels, scored, truth)

    def test_is_scored_in_parts_the_same(self, monkeypatch):
        (fitted, labels), (scored, truth) = overlapping(60, "fitted"), overlapping(301, "scored")
        whole = probe_accuracy(fitted, labels, scored, truth)
        monkeypatch.setattr(stream_probe, "_PART", 100)
        assert probe_accuracy(fitted, labels, scored, truth) == whole

    def test_of_a_diverged_network_is_nothing(self):
        (fitted, labels), (scored, truth) = overlapping(60, "fitted"), overlapping(30, "scored")
        broken = scored.clone()
        broken[7, 3] = float("inf")
        assert np.isnan(probe_accuracy(fitted, labels, broken, truth))
        assert np.isnan(probe_accuracy(torch.full_like(fitted, float("nan")), labels, scored, truth))

    def test_one_class_is_refused_and_so_is_what_does_not_converge(self, monkeypatch):
        (fitted, labels), (scored, truth) = overlapping(60, "fitted"), overlapping(30, "scored")
        with pytest.raises(SpecError, match=r"all 60 examples to fit on are of one class") as one:
            probe_accuracy(fitted, torch.zeros_like(labels), scored, truth)
        monkeypatch.setattr(stream_probe, "ITERATIONS", 3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # even where warnings are silenced
            with pytest.raises(SpecError, match=r"6 features has not converged .*; raise penalty=10") as two:
                probe_accuracy(fitted, labels, scored, truth)
        assert not any("\n" in str(raised.value) for raised in (one, two))
