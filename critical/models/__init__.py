"""Network families: each a frozen spec with `build(views, classes, seed, mean, std) -> nn.Module`.

Every network is called as `network(*batch.inputs)`, takes views in [0, 1] (it normalises them itself)
and returns logits of shape (N, classes). Those of two streams also take the head of each example.
"""

from critical.models.all_cnn import AllCNN
from critical.models.base import ModelSpec, Normalise, SingleView, seeded_weights
from critical.models.mlp import MLP
from critical.models.resnet import ResNet18
from critical.models.split_all_cnn import SplitAllCNN
from critical.models.split_resnet import SplitResNet18
from critical.models.two_modality import TwoModality
from critical.models.two_stream import TwoStream
from critical.models.two_view_transformer import TwoViewTransformer
from critical.models.zoo import Timm, TorchVision

KINDS: dict[str, type[ModelSpec]] = {
    "all_cnn": AllCNN,
    "mlp": MLP,
    "resnet18": ResNet18,
    "split_all_cnn": SplitAllCNN,
    "split_resnet18": SplitResNet18,
    "two_modality": TwoModality,
    "two_view_transformer": TwoViewTransformer,
    "torchvision": TorchVision,
    "timm": Timm,
}

__all__ = [
    "KINDS",
    "MLP",
    "AllCNN",
    "ModelSpec",
    "Normalise",
    "ResNet18",
    "SingleView",
    "SplitAllCNN",
    "SplitResNet18",
    "Timm",
    "TorchVision",
    "TwoModality",
    "TwoStream",
    "TwoViewTransformer",
    "seeded_weights",
]
