import random

import pytest
from helpers import BLUR, PERMUTED, SHAM, run

from critical.execution.plan import plan
from critical.probes import Accuracy, Fisher
from critical.training.schedules import Continue, Restart


def stretches(found):
    return [(segment.start, segment.end) for segment in found.segments]


def names(segment):
    """What is measured after each epoch of a segment."""
    assert tuple(segment.probes) == segment.keys
    return [{probe.name for probe in probes.values()} for probes in segment.probes.values()]


def assert_sound(found):
    """What holds for every plan: each epoch once, trunks before branches, forks at both ends."""
    keys = [key for segment in found.segments for key in segment.keys]
    assert len(keys) == len(set(keys))
    assert set(keys) == {key for spec in found.runs for key in spec.keys[1:]}
    assert found.epochs_needed == len(keys)
    done = {spec.keys[0] for spec in found.runs}
    for segment in found.segments:
        assert segment.start < segment.end
        assert segment.spec.keys[segment.start] in done, "a branch came before its trunk"
        assert segment.spec.keys[segment.end] in found.forks
        assert not set(segment.keys[:-1]) & found.forks
        done |= set(segment.keys)


class TestCounts:
    """Blur in [0, 2) or [0, 3), four epochs of recovery, and a clean run, under `restart`."""

    def test_one_run(self):
        found = plan([run((0, 2, BLUR), end=6)])
        assert (found.epochs_needed, found.epochs_separate) == (6, 6)
        assert stretches(found) == [(0, 6)]
        assert found.forks == {found.runs[0].keys[-1]}

    def test_two_removals_share_the_first_epochs(self):
        short, long = run((0, 2, BLUR), end=6), run((0, 3, BLUR), end=7)
        found = plan([short, long])
        assert (found.epochs_needed, found.epochs_separate) == (2 + 4 + 5, 13)
        assert stretches(found) == [(0, 2), (2, 7), (2, 6)]
        assert found.forks == {short.keys[2], short.keys[6], long.keys[7]}

    def test_a_removal_figure_with_both_reference_arms(self):
        # blurred: trunk 3, recoveries 4 · 3; clean: a trunk of 4 that is the fresh run, recoveries 4 · 3
        blurred = [run((0, removal, BLUR), end=removal + 4) for removal in (1, 2, 3)]
        matched = [run((0, removal, SHAM), end=removal + 4) for removal in (1, 2, 3)]
        found = plan([run(end=4), *blurred, *matched])
        assert found.epochs_separate == 4 + 2 * (5 + 6 + 7)
        assert found.epochs_needed == (3 + 12) + (4 + 12)
        assert_sound(found)

    def test_a_ladder_pays_its_trunk_once(self):
        rungs = [
            run((0, 5, BLUR), end=5 + budget, schedule=Restart(recovery_decay=0.9 - 0.1 * budget))
            for budget in (1, 2, 3)
        ]
        # The first epoch after the removal has the same rate in all three.
        assert plan(rungs).epochs_needed == 5 + 1 + 0 + 1 + 2
        assert plan(rungs).epochs_separate == 6 + 7 + 8

    def test_different_seeds_share_nothing(self):
        found = plan([run(end=4, seed=seed) for seed in range(3)])
        assert (found.epochs_needed, found.epochs_separate) == (12, 12)
        assert stretches(found) == [(0, 4)] * 3

    def test_a_run_that_is_the_beginning_of_another(self):
        short, long = run(end=2), run(end=5)
        found = plan([long, short])
        assert (found.epochs_needed, found.epochs_separate) == (5, 7)
        assert stretches(found) == [(0, 2), (2, 5)]
        assert found.forks == {short.keys[2], long.keys[5]}

    def test_a_fork_before_the_first_epoch(self):
        found = plan([run((0, 1, BLUR)), run((0, 1, PERMUTED))])
        assert found.epochs_needed == 8
        assert found.runs[0].keys[0] in found.forks

    def test_equal_runs_count_once(self):
        found = plan([run(end=3), run(end=3)])
        assert (found.epochs_needed, found.epochs_separate, len(found.runs)) == (3, 3, 1)

    def test_the_same_acts_with_other_probes_are_two_runs_trained_once(self):
        found = plan([run(end=3, probes=(Accuracy(),)), run(end=3, probes=(Accuracy(), Fisher()))])
        assert (found.epochs_needed, len(found.runs), len(found.segments)) == (3, 2, 1)
        assert names(found.segments[0]) == [{"accuracy", "fisher"}] * 3

    def test_nothing(self):
        found = plan([])
        assert (found.epochs_needed, found.epochs_separate, found.segments) == (0, 0, ())


def test_probes_are_those_of_the_runs_that_go_through():
    measured, bare = run((0, 2, BLUR), end=5, probes=(Fisher(),)), run((0, 2, PERMUTED), end=5, probes=())
    clean = run((2, 3, BLUR), end=5, schedule=Continue(), probes=(Accuracy(),))
    through = {segment.spec.run_id: names(segment) for segment in plan([measured, bare, clean]).segments}
    assert through == {measured.run_id: [{"fisher"}] * 5, bare.run_id: [set()] * 5, clean.run_id: [{"accuracy"}] * 5}
    trunk, *branches = plan([run((0, 2, BLUR), end=5, probes=(Fisher(),)), run((0, 3, BLUR), end=5)]).segments
    assert names(trunk) == [{"accuracy", "fisher"}] * 2
    assert [names(branch)[0] for branch in branches] == [{"fisher"}, {"accuracy"}]


def test_a_trunk_is_measured_where_any_run_is_due_and_a_recovery_at_its_end():
    probes = (Accuracy(recovery_every=0), Fisher(every=2))
    removals = [run((0, removal, BLUR), end=removal + 3, probes=probes) for removal in (1, 3)]
    trunk, long, short = plan(removals).segments
    assert [(part.start, part.end) for part in (trunk, long, short)] == [(0, 1), (1, 6), (1, 4)]
    assert names(trunk) == [{"accuracy", "fisher"}]
    assert names(long) == [{"accuracy", "fisher"}, {"accuracy", "fisher"}, {"fisher"}, set(), {"accuracy", "fisher"}]
    assert names(short) == [{"fisher"}, set(), {"accuracy", "fisher"}]


def test_how_often_is_measured_makes_no_other_probe():
    often, rarely = run(end=4, probes=(Accuracy(),)), run(end=4, probes=(Accuracy(every=3),))
    (segment,) = plan([often, rarely]).segments
    assert len(plan([often, rarely]).runs) == 2
    assert names(segment) == [{"accuracy"}] * 4
    assert all(len(probes) == 1 for probes in segment.probes.values())


class TestOrder:
    def test_the_longest_way_comes_first(self):
        lengths = [run((0, 1, BLUR), end=end, seed=seed) for seed, end in enumerate((2, 5, 3))]
        assert [segment.end for segment in plan(lengths).segments] == [5, 3, 2]

    def test_among_branches_of_one_fork_too(self):
        found = plan([run((0, 2, BLUR), end=5), run((0, 2, BLUR), (2, 3, PERMUTED), end=9), run((0, 4, BLUR), end=6)])
        assert [segment.epochs_behind for segment in found.segments] == [9, 7, 4, 3]
        assert [segment.end - segment.start for segment in found.segments] == [2, 7, 4, 3]

    @pytest.mark.parametrize("seed", range(5))
    def test_every_plan_is_sound(self, seed):
        draws = random.Random(seed)
        specs = []
        for _ in range(30):
            start = draws.randrange(3)
            end = start + draws.randrange(1, 4)
            window = (start, end, draws.choice([BLUR, PERMUTED, SHAM]))
            schedule = draws.choice([Restart(decay=0.9), Continue(decay=0.9)])
            specs.append(run(window, end=end + draws.randrange(5), seed=draws.randrange(2), schedule=schedule))
        found = plan(specs)
        assert_sound(found)
        assert found.epochs_needed < found.epochs_separate
        priorities = [segment.epochs_behind for segment in found.segments]
        assert priorities == sorted(priorities, reverse=True)
