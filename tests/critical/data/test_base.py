"""What a draw is: other training examples, the same test examples."""

from dataclasses import replace

import pytest
import torch
from helpers import BASE

from critical.core.spec import SpecError
from critical.data import Digits, Glyphs, ImageAndSignal, TwoEyes, load
from critical.training.loop import Trainer

SMALL = {"train_size": 40, "test_size": 20, "resolution": 12}
GENERATED = [Glyphs(**SMALL), TwoEyes(**SMALL), ImageAndSignal(**SMALL)]
SUBSET = Digits(subset=100, test_subset=50)


def named(spec):
    return spec.name


def equal(first, second):
    return torch.equal(first.labels, second.labels) and all(map(torch.equal, first.views, second.views))


def examples(split):
    """Each example as bytes."""
    flat = torch.cat([view.reshape(len(split), -1).double() for view in split.views], dim=1)
    return [row.numpy().tobytes() for row in flat]


@pytest.mark.parametrize("spec", [*GENERATED, SUBSET], ids=named)
def test_another_draw_has_other_training_examples_and_the_same_test_examples(spec):
    first, again, other = (spec.load(draw) for draw in (0, 0, 1))
    assert equal(first.train, again.train)
    assert not equal(first.train, other.train)
    assert equal(first.test, other.test)
    assert (first.classes, first.label) == (other.classes, other.label)


@pytest.mark.parametrize("spec", GENERATED, ids=named)
def test_generated_draws_share_no_picture(spec):
    first, other = (examples(spec.load(draw).train) for draw in (0, 1))
    assert len({*first, *other}) == len(first) + len(other)
    assert not set(first) & set(examples(spec.load().test))


def test_drawn_subsets_are_other_choices_among_the_same_images():
    whole = examples(Digits().load().train)
    first, other = (examples(SUBSET.load(draw).train) for draw in (0, 1))
    assert set(first) <= set(whole)
    assert set(other) <= set(whole)
    # Two choices of 100 among 1,437 have about 7 in common.
    assert len(set(first) & set(other)) < 25
    for draw in (0, 1):
        assert SUBSET.load(draw).train.labels.bincount().tolist() == [10] * 10


def test_where_all_images_train_nothing_is_drawn():
    whole = Digits(test_subset=50)
    first, other = whole.load(0), whole.load(1)
    assert equal(first.train, other.train)
    assert equal(first.test, other.test)


@pytest.mark.parametrize("spec", [Digits(subset=100, validation=30), Glyphs(**SMALL, validation=10)], ids=named)
def test_held_out_images_are_of_the_draw_and_none_of_them_trains(spec):
    first, other = spec.load(0), spec.load(1)
    assert len(first.test) == spec.validation
    assert not set(examples(first.train)) & set(examples(first.test))
    assert not equal(first.test, other.test)
    assert not set(examples(first.test)) & set(examples(replace(spec, validation=None).load().test))


@pytest.mark.parametrize("draw", [0, 1])
@pytest.mark.parametrize("spec", [*GENERATED, SUBSET, replace(SUBSET, validation=30)], ids=named)
def test_unseen_examples_are_no_training_examples_and_no_test_examples(spec, draw):
    data = spec.load(draw)
    for count in (len(data.train), 60):
        unseen = examples(data.unseen(count))
        assert len(unseen) == count
        assert not set(unseen) & set(examples(data.train))
        assert not set(unseen) & set(examples(data.test))


def test_where_not_as_many_are_left_none_are_unseen():
    data = Digits(subset=1400).load()
    left = len(Digits().load().train) - 1400
    assert len(data.unseen(left)) == left
    assert data.unseen(left + 1) is None
    assert Digits().load().unseen(1) is None


@pytest.mark.parametrize("spec", [SUBSET, GENERATED[0]], ids=named)
def test_a_run_trains_on_the_draw_of_its_seed(spec):
    for seed in (0, 3):
        trained = Trainer(replace(BASE, data=spec, seed=seed)).dataset
        assert equal(trained.train, load(spec, seed).train)
        assert equal(trained.test, load(spec, 0).test)
    assert not equal(load(spec, 0).train, load(spec, 3).train)


def test_more_than_there_are_is_refused():
    with pytest.raises(SpecError, match=r"^data=digits: subset=5,000: there are only 1,437 images$"):
        Digits(subset=5000).load(2)
