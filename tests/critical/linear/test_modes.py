import numpy as np
import pytest
from scipy.integrate import solve_ivp

from critical.core.spec import SpecError
from critical.linear.modes import maps, one_layer_strength, time_to, two_layer_strength

TIMES = np.linspace(0, 6, 61)
SINGULAR = np.array([4.0, 1.5, 0.5, 0.0])


@pytest.mark.parametrize(
    ("closed", "slope"),
    [(one_layer_strength, lambda s, a: s - a), (two_layer_strength, lambda s, a: 2 * a * (s - a))],
)
def test_closed_forms_solve_their_differential_equations(closed, slope):
    found = closed(SINGULAR, 0.01, TIMES)
    for mode, singular in enumerate(SINGULAR):
        held = solve_ivp(lambda _, a, s=singular: slope(s, a), (0, 6), [0.01], t_eval=TIMES, rtol=1e-10, atol=1e-12)
        assert found[:, mode] == pytest.approx(held.y[0], abs=1e-7)


def test_it_is_the_formula_of_the_paper():
    s, a0, t = 1.7, 1e-4, 2.3
    paper = s * np.exp(2 * s * t) / (np.exp(2 * s * t) - 1 + s / a0)
    assert two_layer_strength([s], a0, [t])[0, 0] == pytest.approx(paper, rel=1e-12)
    half = np.log(s / a0 - 1) / (2 * s)
    assert two_layer_strength([s], a0, [half])[0, 0] == pytest.approx(s / 2, rel=1e-12)


def test_late_times_do_not_overflow():
    assert two_layer_strength([4.0], 1e-4, [1e4])[0, 0] == pytest.approx(4.0)


def test_a_map_goes_from_small_modes_to_the_task():
    task = np.random.default_rng(0).normal(size=(3, 5))
    found = maps(task, 2, 1e-6, [0.0, 100.0])
    assert np.linalg.svd(found[0], compute_uv=False) == pytest.approx(3 * [1e-6])
    assert found[1] == pytest.approx(task)
    # One layer learns each weight by itself, whatever the others are.
    assert maps(task, 1, 0.0, [1.0])[0] == pytest.approx(task * (1 - np.exp(-1)))


def test_what_cannot_be_is_refused():
    with pytest.raises(SpecError, match=r"^start=0: two layers that begin at 0 stay there"):
        two_layer_strength([1.0], 0, [1.0])
    with pytest.raises(SpecError, match=r"^layers=3: closed forms are known for 1 and 2$"):
        maps(np.eye(2), 3, 0.1, [0.0])


def test_the_time_to_a_level_is_taken_between_two_times():
    course = np.array([[0.0, 2.0, 0.0], [1.0, 2.0, 0.0], [3.0, 2.0, 0.0]])
    assert time_to(2.0, [0.0, 10.0, 20.0], course).tolist()[:2] == [15.0, 0.0]
    assert np.isnan(time_to(2.0, [0.0, 10.0, 20.0], course)[2])
    assert time_to(2.0, [0.0, 10.0, 20.0], course[:, :, None]).shape == (3, 1)
