"""Network families: each a frozen spec with `build(views, classes, seed, mean, std) -> nn.Module`.

Every network is called as `network(*views)`, takes images in [0, 1] (it normalises them itself)
and returns logits of shape (N, classes).
"""

from critical.models.all_cnn import AllCNN
from critical.models.base import ModelSpec, Normalise, SingleView, seeded_weights
from critical.models.mlp import MLP

KINDS: dict[str, type[ModelSpec]] = {"all_cnn": AllCNN, "mlp": MLP}

__all__ = ["KINDS", "MLP", "AllCNN", "ModelSpec", "Normalise", "SingleView", "seeded_weights"]
