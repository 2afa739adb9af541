import pytest
import tiny

from critical.core.spec import SpecError
from experiments.design.dissociations import Dissociations
from experiments.design.modalities import Modalities
from experiments.design.onsets import WindowOnsets
from experiments.design.parameters import (
    Ladder,
    ManyOnsets,
    ManyRemovals,
    Parameters,
    Removal,
    Removals,
    SplitRemovals,
    TwoRemovals,
    ascending,
    at_least,
    doubling,
    positive,
    spaced,
    within,
)
from experiments.design.rates import AgesAndRates, low_from
from experiments.design.registry import FIGURES
from experiments.design.timing import Timing
from experiments.figures.stabilizers.strength import Strengths


@pytest.mark.parametrize(
    ("longest", "points", "expected"),
    [(15, 3, (5, 10, 15)), (40, 4, (10, 20, 30, 40)), (2, 2, (1, 2)), (7, 1, (7,)), (2, 4, (1, 2)), (1, 3, (1,))],
)
def test_spaced_epochs_end_with_the_longest_and_repeat_none(longest, points, expected):
    assert spaced(longest, points) == expected


@pytest.mark.parametrize(
    ("refuse", "message"),
    [
        (lambda: at_least(1, length=2, late=0), r"^late=0: at least 1$"),
        (lambda: at_least(0.5, share=0.25), r"^share=0\.25: at least 0\.5$"),
        (lambda: positive(rate=0.1, width=0), r"^width=0: above 0$"),
        (lambda: positive(rate=float("nan")), r"^rate=nan: above 0$"),
        (lambda: within(0.1, 2, decay=3), r"^decay=3: from 0\.1 to 2$"),
        (lambda: within(0.1, 2, decay=float("nan")), r"^decay=nan: from"),
        (lambda: ascending(1, removals=()), r"^removals=\[\]: ascending epochs from 1 on are wanted$"),
        (lambda: ascending(1, removals=(0, 5)), r"^removals=\[0, 5\]: ascending epochs from 1 on"),
        (lambda: ascending(1, removals=(5, 5)), r"^removals=\[5, 5\]: ascending"),
        (lambda: ascending(1, removals=(6, 5)), r"^removals=\[6, 5\]: ascending"),
        (lambda: ascending(0, 2, onsets=(0,)), r"^onsets=\[0\]: at least 2 ascending epochs from 0 on"),
        (lambda: doubling(3, budgets=(5, 10)), r"^budgets=\[5, 10\]: at least 3, each twice the last"),
        (lambda: doubling(3, budgets=(5, 10, 21)), r"^budgets=\[5, 10, 21\]: at least 3"),
        (lambda: doubling(3, budgets=(0, 0, 0)), r"^budgets=\[0, 0, 0\]: at least 3"),
        (lambda: doubling(3, budgets=()), r"^budgets=\[\]: at least 3"),
    ],
)
def test_what_is_not_as_wanted_is_refused_by_its_name(refuse, message):
    with pytest.raises(SpecError, match=message):
        refuse()


def test_what_is_as_wanted_passes():
    at_least(1, length=1)
    positive(rate=0.1)
    within(1, 2, first=1, second=2)
    ascending(0, 2, onsets=(0, 3))
    doubling(3, budgets=(1, 2, 4))


LONG = {"longest_window": 15, "points": 3}
AGED = low_from(tiny.protocol())
"""0.8^7 is below a quarter."""


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Parameters, {}),
        (Removals, {"removals": (5, 10, 15)}),
        (WindowOnsets, {"length": 5, "onsets": (0, 2, 5, 8, 10), "second_length": 8, "damage": True}),
        (Ladder, {"length": 5, "late_onset": 10, "budgets": (5, 10, 20, 40)}),
        (AgesAndRates, {"length": 5, "late_onsets": (7, 14), "settle": 2}),
        (ManyRemovals, {"removals": (4, 8, 11, 15)}),
        (Dissociations, {"removals": (4, 8, 11, 15), "rate": 0.05, "decay": 0.8}),
        (SplitRemovals, {"removals": (4, 8, 11, 15), "other_removals": (4, 8, 11, 15)}),
        (Modalities, {"length": 5, "onsets": (0, 15), "easy": "a"}),
        (Removal, {"removal": 15}),
        (TwoRemovals, {"removals": (5, 15)}),
        (ManyOnsets, {"length": 5, "onsets": (0, 2, 5, 8, 10, 12)}),
        (Strengths, {"removal": 15, "seeds": (1000, 1001, 1002, 1003)}),
    ],
)
def test_defaults_follow_from_the_protocol(kind, expected):
    assert kind.defaults(tiny.protocol(recovery=10, **LONG)) == expected
    assert set(expected) <= set(kind.names())


def test_the_rate_is_low_from_the_first_epoch_at_which_it_has_fallen_to_a_quarter():
    assert AGED == 7
    assert 0.8**7 <= 0.25 < 0.8**6
    assert low_from(tiny.protocol(decay=0.5)) == 2
    assert low_from(tiny.protocol(decay=1.0)) == 1


@pytest.mark.parametrize("longest", [1, 2, 3])
@pytest.mark.parametrize("points", [1, 2])
@pytest.mark.parametrize("recovery", [1, 2])
def test_defaults_of_the_shortest_protocols_are_accepted(longest, points, recovery):
    """What follows from a profile that is right cannot be wrong: one point makes two onsets, or says why not."""
    made = tiny.protocol(recovery=recovery, longest_window=longest, points=points)
    for figure in FIGURES.values():
        given = dict(figure.parameters.defaults(made))
        given |= {"validation": 20} if "validation" in figure.parameters.names() else {}
        if figure.parameters in (WindowOnsets, Timing) and longest < 2:
            continue  # a window of one epoch has one onset, and one switch
        if issubclass(figure.parameters, Removals) and min(longest, points) < 2:
            continue  # one removal; `profile.figure_settings` says what to change
        figure.parameters(**given)


@pytest.mark.parametrize(
    ("kind", "given", "named"),
    [
        (Removals, {"removals": ()}, "removals"),
        (Removals, {"removals": (5,)}, "removals=[5]: at least 2 ascending epochs from 1 on"),
        (SplitRemovals, {"removals": (5,), "other_removals": (5,)}, "removals=[5]: at least 2"),
        (ManyOnsets, {"length": 5, "onsets": (0, 5, 9)}, "onsets=[0, 5, 9]: at least 4 ascending epochs from 0 on"),
        (WindowOnsets, {"length": 0, "onsets": (0, 5)}, "length=0"),
        (WindowOnsets, {"length": 5, "onsets": (0,)}, "onsets"),
        (WindowOnsets, {"length": 5, "onsets": (0, 5), "second_length": 5}, "second_length=5: longer than length=5"),
        (Ladder, {"length": 5, "late_onset": 0, "budgets": (5, 10, 20)}, "late_onset=0"),
        (Ladder, {"length": 5, "late_onset": 5, "budgets": (5, 10, 15)}, "budgets"),
        (AgesAndRates, {"length": 0, "late_onsets": (7,), "settle": 1}, "length=0"),
        (AgesAndRates, {"length": 1, "late_onsets": (), "settle": 1}, "late_onsets"),
        (AgesAndRates, {"length": 1, "late_onsets": (7,), "settle": 0}, "settle=0"),
        (SplitRemovals, {"removals": (5, 10), "other_removals": (5,)}, "other_removals"),
        (SplitRemovals, {"removals": (5, 10), "other_removals": (7, 10)}, "other_removals"),
        (SplitRemovals, {"removals": (5, 10), "other_removals": (10, 5)}, "other_removals"),
        (SplitRemovals, {"removals": (5, 10), "other_removals": ()}, "other_removals"),
        (Modalities, {"length": 5, "onsets": (0, 5, 10), "easy": "a"}, "an early and a late one"),
        (Modalities, {"length": 5, "onsets": (0, 5), "easy": "c"}, "easy=c: one of a, b"),
        (Removal, {"removal": 0}, "removal=0"),
        (Strengths, {"removal": 5, "validation": 0, "seeds": (1000,)}, "validation=0"),
        (Strengths, {"removal": 5, "validation": 9, "seeds": (7, 1000)}, "on seeds from 1000 on"),
        (Strengths, {"removal": 5, "validation": 9, "seeds": ()}, "on seeds from 1000 on"),
    ],
)
def test_impossible_parameters_are_refused_in_one_line(kind, given, named):
    with pytest.raises(SpecError) as raised:
        kind(**given)
    assert named in str(raised.value)
    assert "\n" not in str(raised.value)
