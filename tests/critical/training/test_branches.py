"""Branches: children of one trunk that differ in the noise of training alone."""

from dataclasses import replace

import pytest
import torch
from helpers import BASE, assert_as_from_scratch, from_scratch, run, same

from critical.core.spec import SpecError
from critical.deficits import LabelPermutation
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.workers import work
from critical.training.loop import Trainer

CHILD = replace(BASE, branch=1, branch_at=2)


def test_branch_nought_is_the_run_as_it_was():
    assert replace(BASE, branch=0, branch_at=2).keys == BASE.keys
    assert "branch" not in BASE.describe()
    assert CHILD.describe()["branch_at"] == 2


def test_children_share_the_trunk_and_part_at_their_epoch():
    other = replace(BASE, branch=2, branch_at=2)
    for one, another in ((CHILD, BASE), (CHILD, other), (other, BASE)):
        assert one.keys[:3] == another.keys[:3]
        assert not set(one.keys[3:]) & set(another.keys[3:])
    assert plan([BASE, CHILD, other]).epochs_needed == 2 + 3 * 2


def test_they_are_other_networks_and_the_same_again():
    assert same(from_scratch(CHILD)[1], from_scratch(CHILD)[1])
    assert not same(from_scratch(CHILD)[1]["model"], from_scratch(BASE)[1]["model"])


def test_a_forked_child_is_the_child_from_scratch(tmp_path):
    work(plan([BASE, CHILD]), RunStore(tmp_path))
    assert_as_from_scratch(RunStore(tmp_path), BASE, CHILD)


def test_order_and_augmentation_differ_and_the_world_stays():
    """A fixed permutation of the labels is the same in both children."""
    permuted = run((0, 4, LabelPermutation()), base=BASE)
    seen = {}
    for spec in (permuted, replace(permuted, branch=1, branch_at=0)):
        trainer = Trainer(spec)
        batches = list(trainer._batches(spec.epoch_specs[0], []))
        index = torch.cat([batch.index for batch in batches])
        labels = torch.cat([batch.labels for batch in batches])
        seen[spec.branch] = index, labels[index.argsort()], batches[0].views[0]
    assert not torch.equal(seen[0][0], seen[1][0])
    assert torch.equal(seen[0][0].sort().values, seen[1][0].sort().values)
    assert torch.equal(seen[0][1], seen[1][1])
    assert not torch.equal(seen[0][2], seen[1][2])


@pytest.mark.parametrize("changes", [{"branch": -1}, {"branch": 1, "branch_at": 4}, {"branch": 1, "branch_at": -1}])
def test_branches_that_cannot_be_are_refused_in_a_line(changes):
    with pytest.raises(SpecError, match=r"^branch=.* its first epoch one of the run's 4$"):
        replace(BASE, **changes)
