"""Deficits: what is wrong with the eye, or with the teacher, while a window lasts.

A deficit is a spec (`spec.settings`, `spec.identity` and `KINDS` work on it) and an `nn.Module` at
once, so it can be used alone, in `torchvision.transforms.v2.Compose`, or by the suite's loop:

    Blur()(images)                                   # (N, C, H, W) or (C, H, W), floats in [0, 1]
    LabelPermutation(classes=10)(images, labels)     # -> images, permuted labels
    Noise().apply(batch, seed=0, epoch=3)            # what the loop calls, after augmentation
    Blur(view="b").apply(batch)                      # one eye of two: the amblyopia of CVPR 2023

What takes a view away or exchanges it between examples is no matter of one image, so it has `apply` only.

The result depends on the settings, (seed, epoch) and each example's index alone, never on batch order,
batch composition or device: a draw for an image is a hash (`counter_noise`), a draw for an epoch has
a generator of its own. The exception is `Dissociation`, which pairs the examples of a batch. Outside the
loop, a resampled deficit that is given no index draws from torch's global generator, as torchvision's
transforms do. Deficits compare by identity, as modules do; compare their `spec.settings` instead.
"""

from critical.deficits.base import Deficit, Draw
from critical.deficits.dissociation import Dissociation, SplitHeads
from critical.deficits.images import Blur, ImageDeficit, Inversion, NoDeficit, Noise, Occlusion, VerticalFlip
from critical.deficits.labels import LabelPermutation, RandomLabels
from critical.deficits.views import AlternatingDeprivation, ViewDeficit, ViewDropout

KINDS: dict[str, type[Deficit]] = {
    kind.name: kind
    for kind in (
        NoDeficit,
        Blur,
        Noise,
        VerticalFlip,
        LabelPermutation,
        RandomLabels,
        Occlusion,
        Inversion,
        ViewDropout,
        AlternatingDeprivation,
        Dissociation,
        SplitHeads,
    )
}

__all__ = [
    "KINDS",
    "AlternatingDeprivation",
    "Blur",
    "Deficit",
    "Dissociation",
    "Draw",
    "ImageDeficit",
    "Inversion",
    "LabelPermutation",
    "NoDeficit",
    "Noise",
    "Occlusion",
    "RandomLabels",
    "SplitHeads",
    "VerticalFlip",
    "ViewDeficit",
    "ViewDropout",
]
