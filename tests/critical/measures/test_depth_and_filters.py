import math

import numpy as np
import pytest
import torch
from scipy.integrate import dblquad

from critical.measures.depth import by_layer, layers, shares_by_part
from critical.measures.filters import high_frequency_share
from critical.models import AllCNN


def test_a_normalisation_belongs_to_the_layer_before_it():
    network = AllCNN(width=2, depth=7).build([(1, 8, 8)], 10, 0)
    named = [name for name, module in network.named_modules() if any(True for _ in module.parameters(recurse=False))]
    grouped = layers(named)
    assert list(grouped) == [*(f"conv{number}" for number in range(1, 8)), "conv8_1x1", "conv9_1x1"]
    assert grouped["conv3"] == ["conv3", "bn3"]
    assert grouped["conv9_1x1"] == ["conv9_1x1"]
    assert list(layers(["bn1", "layer1.0.conv1", "layer1.0.bn1", "subnet"])) == ["bn1", "layer1.0.conv1", "subnet"]
    assert list(layers(["layer2.0.downsample.0", "layer2.0.downsample.1"])) == ["layer2.0.downsample.0"]


def test_layers_add_up_and_thirds_share_the_sum():
    values = {"a": 1.0, "bn1": 2.0, "b": 3.0, "c": 4.0, "d": 10.0}
    assert by_layer(values) == {"a": 3.0, "b": 3.0, "c": 4.0, "d": 10.0}
    assert shares_by_part(values) == pytest.approx({"bottom": 0.3, "middle": 0.2, "top": 0.5})
    assert shares_by_part({"a": 0.0}) == shares_by_part({}) == shares_by_part({"a": math.nan, "b": 1.0}) == {}


def analytic(kernel):
    """Share above half the Nyquist frequency, by an integral over the frequencies of a separable real kernel."""

    def power(y, x):
        return (kernel(2 * np.pi * x) * kernel(2 * np.pi * y)) ** 2

    whole = dblquad(power, -0.5, 0.5, -0.5, 0.5)[0]
    low = dblquad(power, -0.25, 0.25, lambda x: -np.sqrt(0.0625 - x * x), lambda x: np.sqrt(0.0625 - x * x))[0]
    return 1 - low / whole


class TestHighFrequencyShare:
    @pytest.mark.parametrize(
        ("one", "transform"),
        [
            ([[1.0]], lambda w: 1.0),  # white: 1 − π/16
            (np.ones((3, 3)), lambda w: 1 + 2 * np.cos(w)),
            (np.outer([1, -1, 1], [1, -1, 1]), lambda w: 1 - 2 * np.cos(w)),
            (np.outer([1, 2, 1], [1, 2, 1]), lambda w: 2 + 2 * np.cos(w)),
        ],
        ids=["pixel", "constant", "checkerboard", "binomial"],
    )
    def test_of_filters_made_by_hand(self, one, transform):
        filters = torch.tensor(np.array(one), dtype=torch.float32)[None, None]
        assert high_frequency_share(filters, size=512) == pytest.approx(analytic(transform), abs=3e-3)
        assert high_frequency_share(filters) == pytest.approx(analytic(transform), abs=0.02)

    def test_constants_are_low_checkerboards_high_and_sizes_do_not_matter(self):
        flat, board = torch.ones(1, 1, 3, 3), torch.tensor([[1.0, -1, 1], [-1, 1, -1], [1, -1, 1]])[None, None]
        assert high_frequency_share(flat) < 0.25
        assert high_frequency_share(board) > 0.95
        assert high_frequency_share(7 * board) == pytest.approx(high_frequency_share(board))
        both = (high_frequency_share(flat) + high_frequency_share(board)) / 2
        assert high_frequency_share(torch.cat([flat, board])) == pytest.approx(both), "of equal power"
        assert high_frequency_share(torch.cat([flat, 0 * board])) == pytest.approx(high_frequency_share(flat))
        assert math.isnan(high_frequency_share(0 * flat))
