"""Deficits want images in [0, 1]: normalised or 0 … 255 input is refused instead of clipped."""

import copy
import pickle

import pytest
import torch
from helpers import BASE
from torchvision.transforms import v2

from critical.core.batch import Batch
from critical.core.spec import SpecError, identity
from critical.data import Dataset, Split
from critical.deficits import Blur, Inversion, NoDeficit, Noise, Occlusion, RandomLabels, VerticalFlip, images
from critical.training.loop import Trainer

IMAGES = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
NORMALISED = v2.Normalize([0.5] * 3, [0.25] * 3)(IMAGES)
KINDS = [Blur, Noise, VerticalFlip, Inversion, Occlusion]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize(("given", "remedy"), [(NORMALISED, "normalised"), (IMAGES * 255, "by 255")], ids=["", "255"])
def test_other_ranges_are_refused_with_the_remedy(kind, given, remedy):
    where = torch.arange(4)
    calls = (lambda: kind()(given, index=where), lambda: kind()(given[0], index=0),
             lambda: kind().apply(Batch((given,), where, where)))  # fmt: skip
    for call in calls:
        with pytest.raises(SpecError, match=rf"^deficit={kind.name}: .*{remedy}") as caught:
            call()
        assert "\n" not in str(caught.value)


def test_what_was_refused_is_refused_again():
    blur = Blur()
    for _ in range(3):
        with pytest.raises(SpecError):
            blur(NORMALISED)


def test_only_the_first_calls_are_looked_at(monkeypatch):
    blur, looks = Blur(), []
    monkeypatch.setattr(images, "out_of_range", lambda seen: looks.append(seen) or "")
    for _ in range(images.CALLS_LOOKED_AT + 5):
        blur(IMAGES)
    assert len(looks) == images.CALLS_LOOKED_AT
    assert identity(blur) == identity(Blur()), "how often is no setting"
    assert identity(pickle.loads(pickle.dumps(copy.deepcopy(blur)))) == identity(Blur())


def test_what_changes_no_image_does_not_look():
    assert torch.equal(NoDeficit()(NORMALISED), NORMALISED)
    assert torch.equal(RandomLabels()(NORMALISED, torch.arange(4), index=torch.arange(4))[0], NORMALISED)


def test_a_view_that_is_not_changed_may_be_anything():
    views = (IMAGES, NORMALISED)
    seen = Blur(view="a").apply(Batch(views, torch.arange(4), torch.arange(4)))
    assert torch.equal(seen.views[1], NORMALISED)


@pytest.mark.parametrize(
    ("view", "message"),
    [(NORMALISED, "view a of the test part has values from .* normalised"),
     ((IMAGES * 255).to(torch.int64), "has torch.int64, not uint8")],
)  # fmt: skip
def test_data_of_ones_own_are_looked_at_before_they_train(view, message):
    labels = torch.arange(4)
    train = IMAGES if view.is_floating_point() else view
    with pytest.raises(SpecError, match=f"^mine: view a .*{message}|^mine: {message}"):
        Trainer(BASE, Dataset(Split((train,), labels), Split((view,), labels), tuple("abcd"), "mine"))
