import base64
import io

import numpy as np
import pytest
import tiny
import torch
from PIL import Image

from critical.data import load
from critical.deficits import Dissociation, LabelPermutation, SplitHeads, ViewDropout
from critical.plots.panel import role
from critical.plots.panels import Series
from experiments.design.figure import Design
from experiments.output import samples as module
from experiments.output.samples import samples


def shown(*arms):
    return Design(panels=[[Series(lines=[(role("deficit", "x"), dict(enumerate(arms)))])]])


def pixels(view):
    image = Image.open(io.BytesIO(base64.b64decode(view["png"]))).convert("RGBA").convert("RGB")
    assert image.size == (view["width"], view["height"])
    return np.asarray(image).astype(float)


def test_they_are_test_images_of_different_classes_as_the_network_sees_them():
    protocol = tiny.protocol(recovery=2)
    arms = [protocol.window(0, 2, deficit=held).deficit for held in (None, LabelPermutation())]
    clean, blur, permuted = samples(shown(*arms), protocol)
    assert [row["label"] for row in (clean, blur, permuted)] == ["clean", "blur", "label permutation"]
    dataset = load(protocol.parts.data)
    assert len(set(clean["classes"])) == module.COUNT
    first = int((dataset.test.labels == dataset.classes.index(clean["classes"][0])).nonzero()[0])
    stored = dataset.test.views[0][first, 0].numpy().astype(float)
    (sheet,) = clean["views"]
    assert np.abs(pixels(sheet)[:8, :8, 0] - stored).max() < 16, "64 colours"
    assert pixels(blur["views"][0])[:8, :8, 0].std() < 0.8 * stored.std()
    assert permuted["views"] == clean["views"]
    assert all(told != true for told, true in zip(permuted["classes"], clean["classes"], strict=True))


def test_both_views_are_there_and_what_looks_the_same_is_not_shown_again():
    protocol = tiny.protocol(family="two_streams", recovery=2)
    arms = [protocol.window(0, 2, deficit=held, sham=SplitHeads()).deficit for held in (ViewDropout(), Dissociation())]
    held = samples(shown(*arms, protocol.window(0, 2, sham=SplitHeads()).dose_matched), protocol)
    rows = {row["label"]: row["views"] for row in held}
    assert list(rows) == ["clean", "dissociation of view b", "view dropout of view b"]
    assert [view["name"] for view in rows["clean"]] == ["a", "b"]
    assert pixels(rows["view dropout of view b"][1])[:8, :8].std(axis=(0, 1)).max() == 0, "an absent view is one colour"
    assert rows["view dropout of view b"][0] == rows["clean"][0]


def test_they_are_fewer_rather_than_too_heavy(monkeypatch):
    protocol = tiny.protocol(recovery=2)
    design = shown(protocol.window(0, 2).deficit)
    whole = samples(design, protocol)
    size = sum(len(view["png"]) for row in whole for view in row["views"])
    assert size < module.BYTES
    monkeypatch.setattr(module, "BYTES", size - 1)
    assert len(samples(design, protocol)[0]["classes"]) == module.COUNT - 1
    monkeypatch.setattr(module, "BYTES", 1)
    assert samples(design, protocol) == []


def test_of_a_deficit_that_takes_other_examples_there_may_be_a_single_one(monkeypatch):
    protocol = tiny.protocol(family="two_streams", recovery=2)
    design = shown(protocol.window(0, 2, deficit=Dissociation(), sham=SplitHeads()).deficit)
    encoded = module._encoded
    monkeypatch.setattr(module, "_encoded", lambda whole: encoded(whole) | {"png": "x" * (whole.width * 10)})
    one = sum(len(view["png"]) for row in samples(design, protocol) for view in row["views"]) // module.COUNT
    monkeypatch.setattr(module, "BYTES", one + 100)
    assert [len(row["classes"]) for row in samples(design, protocol)] == [1, 1]


def test_signals_of_several_channels_are_a_line_each():
    sheet = np.asarray(module.sheet(torch.tensor([[[0.0] * 40, [1.0] * 40]])).convert("RGB"))
    assert np.flatnonzero((sheet[..., 0] > 150).any(axis=1)).tolist() == [1, module.SIGNAL_HEIGHT - 2]


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_signal_is_a_line(value):
    sheet = np.asarray(module.sheet(torch.full((1, 1, 40), value)).convert("RGB"))
    rows = np.flatnonzero((sheet[..., 0] > 150).any(axis=1))
    assert rows.tolist() == [round((module.SIGNAL_HEIGHT - 3) * (1 - value)) + 1]
