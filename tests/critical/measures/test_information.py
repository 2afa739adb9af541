import math

import numpy as np
import pytest
import torch
from scipy import stats

from critical.core.randomness import generator
from critical.measures.information import (
    decoded,
    entropy,
    fitted_temperature,
    log_mean_probability,
    pathway_traces,
    relative_source_variance,
    rsv_mixture_cdf,
    rsv_of_mixture,
    source_variance,
)


def normal(*shape, purpose="views"):
    return torch.randn(*shape, generator=generator(0, purpose), dtype=torch.float64)


def mixtures(xa, xb, weights):
    """The grid of the paper's linear units: w·xa + (1−w)·xb for all pairs, a unit a weight."""
    return xa[:, None, None] * weights + xb[None, :, None] * (1 - weights)


def bent():
    """A grid in which both views matter, differently for each pair and unit."""
    a, b = normal(6, 1, 4, purpose="a"), normal(1, 5, 4, purpose="b")
    return (a * b + 0.5 * a.sin() + b.square()).relu() + 0.1 * a


class TestRelativeSourceVariance:
    def test_is_the_double_loop_over_pairs_and_units(self):
        grid = bent()
        rsv = relative_source_variance(grid)
        assert rsv.shape == (5, 4)
        for k in range(5):
            for unit in range(4):
                by_a, by_b = (np.var(values.numpy(), ddof=1) for values in (grid[:, k, unit], grid[k, :, unit]))
                expected = (by_a - by_b) / (by_a + by_b)
                assert rsv[k, unit] == pytest.approx(expected, rel=1e-12)

    def test_linear_units_have_the_closed_form(self):
        weights = torch.linspace(0, 1, 21, dtype=torch.float64)
        xa, xb = normal(2, 400, purpose="mixture")
        found = relative_source_variance(mixtures(xa, xb, weights))
        # An error δ of the log ratio of two sample variances moves a value by δ/2 at most; δ ~ 2/√400.
        assert (found - torch.from_numpy(rsv_of_mixture(weights))).abs().max() < 3 * 0.05
        exact = relative_source_variance(mixtures(*((x - x.mean()) / x.std() for x in (xa, xb)), weights))
        assert torch.allclose(exact, torch.from_numpy(rsv_of_mixture(weights)).expand(400, -1), atol=1e-12)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
    def test_a_unit_that_ignores_a_view_is_exactly_at_the_end(self, dtype):
        a = (1 + normal(8, 1, 1)).expand(8, 8, 1).to(dtype)
        rsv = relative_source_variance(torch.cat((a, a.transpose(0, 1)), 2))
        assert rsv.tolist() == [[1.0, -1.0]] * 8

    def test_what_neither_view_moves_is_dead_even_if_rounding_does(self):
        grid = torch.zeros(4, 4, 3)
        grid[..., 1] = 7.3
        grid[..., 2] = 7.3 + 1e-6 * normal(4, 4).float()
        assert relative_source_variance(grid).isnan().all()
        assert not relative_source_variance(grid.double()).isnan()[:, 2].any(), "in float64 it is no rounding"

    def test_swapping_the_views_flips_the_sign_of_every_bit(self):
        grid = bent()[:5].float()
        assert torch.equal(relative_source_variance(grid.transpose(0, 1)), -relative_source_variance(grid))

    def test_does_not_depend_on_scale_or_offset(self):
        grid, rsv = bent(), relative_source_variance(bent())
        assert torch.equal(relative_source_variance(-0.125 * grid), rsv)
        assert torch.allclose(relative_source_variance(3e5 * grid - 40), rsv, atol=1e-9)

    def test_many_units_are_taken_in_parts(self):
        grid = normal(3, 3, 4100)
        assert torch.equal(relative_source_variance(grid)[:, 4090:], relative_source_variance(grid[..., 4090:]))

    @pytest.mark.parametrize(
        ("grid", "message"),
        [
            (torch.zeros(3, 3), r"floats \(A, B, units\)"),
            (torch.zeros(1, 3, 2), "from 2 on"),
            (torch.zeros(3, 3, 2, dtype=torch.int64), "int64"),
            (torch.full((3, 3, 2), math.inf), "not finite"),
        ],
    )
    def test_refuses_in_one_line(self, grid, message):
        with pytest.raises(ValueError, match=message) as raised:
            relative_source_variance(grid)
        assert "\n" not in str(raised.value)


class TestSourceVariance:
    def test_by_hand(self):
        found = source_variance(torch.tensor([[1.0, -1.0, math.nan, 0.5], [0.55, 0.05, math.nan, -0.95]]))
        assert found.values.tolist() == pytest.approx([1, -1, 0.5, 0.55, 0.05, -0.95])
        assert found.mean == pytest.approx(0.15 / 6)
        assert (found.polarised, found.dead) == (pytest.approx(4 / 6), 0.25)
        assert found.two_sided == pytest.approx(2 / 6), "two beyond either side; 0.5 itself is not"
        assert source_variance(torch.tensor([0.9, 0.8, -0.1])).two_sided == 0
        assert len(found.histogram) == 20
        sixths = {number: round(share * 6) for number, share in enumerate(found.histogram) if share}
        assert sixths == {0: 2, 10: 1, 15: 2, 19: 1}

    def test_only_dead_units_have_no_shares(self):
        found = source_variance(torch.full((2, 3), math.nan))
        assert found.dead == 1
        assert all(map(math.isnan, (found.mean, found.polarised, found.two_sided, *found.histogram)))


class TestTheMixtureOfTheAppendix:
    @pytest.mark.parametrize(("alpha", "beta"), [(1, 20), (20, 20), (30, 20)])
    def test_the_histogram_follows_the_law_of_the_weights(self, alpha, beta):
        """Half the units reversed, as in the paper; density of R by the change of variables from that of w."""
        count = 20_000
        weights = np.random.default_rng(alpha).beta(alpha, beta, count)
        weights[count // 2 :] = 1 - weights[count // 2 :]
        found = source_variance(torch.from_numpy(rsv_of_mixture(weights))).histogram
        edges = np.linspace(-1, 1, 21)
        law = (rsv_mixture_cdf(edges, alpha, beta) + rsv_mixture_cdf(edges, beta, alpha)) / 2
        w = np.linspace(0, 1, 200_001)
        density = (stats.beta.pdf(w, alpha, beta) + stats.beta.pdf(w, beta, alpha)) / 2
        # The closed form once more, written otherwise: R = tanh(2 artanh(2w − 1)).
        with np.errstate(divide="ignore"):
            bins = np.digitize(np.tanh(2 * np.arctanh(2 * w - 1)), edges[1:-1])
        expected = np.bincount(bins, density, minlength=20) * (w[1] - w[0])
        assert np.diff(law) == pytest.approx(expected, abs=2e-3)
        assert np.abs(np.array(found) - np.diff(law)).max() < 4 * np.sqrt(0.5 * 0.5 / count)
        assert law[[0, -1]].tolist() == [0, 1]

    def test_the_conditional_variances_give_the_closed_form(self):
        """Var(z|x) = Var z − Cov(z, x)² / Var x, for z = w·xa + (1−w)·xb with Var x = 2 and Cov(xa, xb) = 1."""
        w = np.linspace(0, 1, 11)
        of_z = 2 * w**2 + 2 * (1 - w) ** 2 + 2 * w * (1 - w)
        fixed_b, fixed_a = of_z - (w + 2 * (1 - w)) ** 2 / 2, of_z - (2 * w + (1 - w)) ** 2 / 2
        assert rsv_of_mixture(w) == pytest.approx((fixed_b - fixed_a) / (fixed_b + fixed_a), abs=1e-14)
        assert rsv_of_mixture(w)[[0, 5, 10]].tolist() == [-1, 0, 1]


class TestDecoded:
    def test_by_hand_and_whatever_constant_is_added(self):
        p = torch.tensor([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.5, 0.25, 0.25], [0.0625, 0.0625, 0.875]])
        labels = torch.tensor([0, 1, 1, 2])
        found = decoded(p.log() - torch.tensor([[0.0], [5.0], [1.0], [2.0]]), labels)
        bits = (1 - math.log2(0.75) + 2 - math.log2(0.875)) / 4
        assert found.accuracy == 75.0
        assert found.information == pytest.approx(1.5 - bits, abs=1e-6)

    def test_certainty_is_worth_the_entropy_and_the_frequencies_nothing(self):
        labels = torch.arange(10).repeat(3)
        assert entropy(labels) == pytest.approx(math.log2(10))
        assert decoded(100.0 * torch.eye(10)[labels], labels).information == pytest.approx(math.log2(10))
        skewed = torch.tensor([0, 0, 0, 1])
        frequencies = torch.tensor([0.75, 0.25]).log().expand(4, 2)
        assert decoded(frequencies, skewed).information == pytest.approx(0, abs=1e-7)
        assert entropy(torch.zeros(5, dtype=torch.int64)) == 0


class TestLogMeanProbability:
    def test_by_hand(self):
        p = torch.tensor([[[0.5, 0.5], [0.9, 0.1]], [[0.1, 0.9], [0.9, 0.1]]])
        found = log_mean_probability(p.log())
        assert torch.allclose(found.exp(), torch.tensor([[0.3, 0.7], [0.9, 0.1]], dtype=torch.float64))

    def test_probabilities_too_small_for_a_float_survive(self):
        logs = torch.tensor([[[0.0, -1000.0]], [[0.0, -1000.0]]])
        assert log_mean_probability(logs).tolist() == [[0.0, -1000.0]]


def readouts(count, sharpness=1.0, purpose="readouts", classes=5):
    """Log-probabilities whose labels are drawn from them, made so many times as sharp afterwards."""
    logs = (2 * normal(count, classes, purpose=purpose)).log_softmax(1)
    labels = torch.multinomial(logs.exp(), 1, generator=generator(1, purpose)).squeeze(1)
    return (sharpness * logs).log_softmax(1), labels


class TestTemperature:
    def test_is_the_best_of_many(self):
        logs, labels = readouts(60, 3.0)
        # With one example more: the mean readout, its label any with equal chance.
        tried = np.exp(np.linspace(-1, 3, 2001))
        losses = []
        for temperature in tried:
            q = (logs / temperature).log_softmax(1)
            one_more = sum(-q[:, label].mean().item() / 5 for label in range(5))
            losses.append(-sum(q[i, label].item() for i, label in enumerate(labels)) + one_more)
        assert fitted_temperature(logs, labels) == pytest.approx(tried[int(np.argmin(losses))], rel=0.003)

    @pytest.mark.parametrize("sharpness", [0.2, 1.0, 5.0])
    def test_mends_what_is_too_sure_or_too_shy_and_leaves_what_is_calibrated(self, sharpness):
        logs, labels = readouts(4000, sharpness)
        scored, truth = readouts(4000, sharpness, "scored")
        temperature = fitted_temperature(logs, labels)
        assert temperature == pytest.approx(sharpness, rel=0.06)
        calibrated = decoded(scored / sharpness, truth).information
        assert decoded(scored, truth, temperature).information == pytest.approx(calibrated, abs=0.005)
        assert decoded(scored, truth, temperature).accuracy == decoded(scored, truth).accuracy

    def test_what_tells_nothing_is_worth_nothing_however_sure_it_is(self):
        """Over 40 draws, the mean is 0 within three of its standard errors and none is far off."""
        found, raw = [], []
        for number in range(40):
            logs = (20 * normal(300, 10, purpose=f"nothing {number}")).log_softmax(1)
            labels = torch.arange(300) % 10
            temperature = fitted_temperature(logs[:150], labels[:150])
            found.append(decoded(logs[150:], labels[150:], temperature).information)
            raw.append(decoded(logs[150:], labels[150:]).information)
        assert np.mean(raw) < -10
        # A fitted parameter that is worth nothing costs 1/(2·150) nats on average, 0.005 bits.
        assert abs(np.mean(found)) < 0.005 + 3 * np.std(found) / 40**0.5
        assert np.abs(found).max() < 0.1

    def test_one_that_was_always_right_does_not_become_certain(self):
        labels = torch.arange(100) % 4
        logs = (3.0 * torch.eye(4, dtype=torch.float64)[labels]).log_softmax(1)
        temperature = fitted_temperature(logs, labels)
        wrong = (logs[:1] / temperature).log_softmax(1)[0, 1].exp().item()
        assert wrong == pytest.approx(1 / 101 / 4, rel=0.02), "one example more, with any label"

    def test_of_a_diverged_network_is_nothing(self):
        logs, labels = readouts(10)
        logs[3, 2] = math.nan
        assert math.isnan(fitted_temperature(logs, labels))
        assert math.isnan(decoded(logs, labels, math.nan).information)


class TestPathwayTraces:
    PATHWAYS = {"a": ("stream_a",), "b": ("stream_b",), "trunk": ("fusion", "trunk", "heads")}  # noqa: RUF012

    def test_sums_by_prefix(self):
        layers = {"stream_a.conv1": 1.0, "stream_a.bn1": 2.0, "stream_b.conv1": 4.0, "fusion": 8.0, "heads.both": 16.0}
        sums = pathway_traces(layers, self.PATHWAYS)
        assert list(sums.items()) == [("a", 3.0), ("b", 4.0), ("trunk", 24.0)]

    @pytest.mark.parametrize("layer", ["stream_ab.conv1", "(root)"])
    def test_refuses_a_layer_without_a_home(self, layer):
        with pytest.raises(ValueError, match=r"in no pathway; each layer"):
            pathway_traces({layer: 1.0}, self.PATHWAYS)

    def test_refuses_a_layer_with_two(self):
        with pytest.raises(ValueError, match=r"in the pathways a, c"):
            pathway_traces({"stream_a.conv1": 1.0}, self.PATHWAYS | {"c": ("stream_a.conv1",)})
