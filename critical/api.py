"""The public names of `critical`, each from where it is defined: `from critical import Results, Timeline, Blur`.

They are imported with the first of them that is asked for; `import critical` alone stays cheap.
"""

from critical.core.arithmetic import Arithmetic
from critical.core.batch import Batch
from critical.core.files import WriteError
from critical.core.spec import SpecError, from_settings, identity, settings
from critical.data import (
    Arrays,
    Cifar10,
    Cifar100,
    DataError,
    Dataset,
    DataSpec,
    DataWarning,
    Digits,
    FashionMnist,
    Folder,
    FolderAndTable,
    Glyphs,
    Halves,
    ImageAndSignal,
    Mnist,
    MultiFeature,
    Split,
    TwoEyes,
    load,
)
from critical.deficits import (
    AlternatingDeprivation,
    Blur,
    Deficit,
    Dissociation,
    Inversion,
    LabelPermutation,
    NoDeficit,
    Noise,
    Occlusion,
    RandomLabels,
    SplitHeads,
    VerticalFlip,
    ViewDropout,
)
from critical.execution.plan import Plan, plan
from critical.execution.pool import RunError, Workers, run_all
from critical.execution.store import RunStore
from critical.execution.workers import work
from critical.inference.arms import Arm, Contrast
from critical.inference.claims import Claim
from critical.inference.statistics import mean_interval
from critical.inference.verdicts import Verdict, verdicts
from critical.measures.fisher import trace_of_fisher
from critical.models import MLP, AllCNN, ModelSpec, SplitAllCNN, SplitResNet18, Timm, TorchVision, TwoModality
from critical.probes import Accuracy, Decoding, Fisher, Ladders, Probe, SourceVarianceProbe, StreamProbe
from critical.results import Results
from critical.stabilizers import (
    CrossSensorReconstruction,
    FisherPenalty,
    L2Init,
    ModalityDropout,
    NoStabilizer,
    ShrinkAndPerturb,
    Situation,
    SlowTrunk,
    Stabilizer,
    StabilizerWindow,
    Step,
    WeightDecay,
    WindowedAugmentation,
)
from critical.training.augmentation import Augmentation
from critical.training.loop import NonFiniteLoss, Trainer, train
from critical.training.optimizers import SGD, Adam, Optimizer
from critical.training.runs import RunSpec
from critical.training.schedules import Constant, Continue, Cyclic, HotRestart, Restart, Schedule, Stages
from critical.training.timeline import Timeline, Window

__all__ = [
    "MLP",
    "SGD",
    "Accuracy",
    "Adam",
    "AllCNN",
    "AlternatingDeprivation",
    "Arithmetic",
    "Arm",
    "Arrays",
    "Augmentation",
    "Batch",
    "Blur",
    "Cifar10",
    "Cifar100",
    "Claim",
    "Constant",
    "Continue",
    "Contrast",
    "CrossSensorReconstruction",
    "Cyclic",
    "DataError",
    "DataSpec",
    "DataWarning",
    "Dataset",
    "Decoding",
    "Deficit",
    "Digits",
    "Dissociation",
    "FashionMnist",
    "Fisher",
    "FisherPenalty",
    "Folder",
    "FolderAndTable",
    "Glyphs",
    "Halves",
    "HotRestart",
    "ImageAndSignal",
    "Inversion",
    "L2Init",
    "LabelPermutation",
    "Ladders",
    "Mnist",
    "ModalityDropout",
    "ModelSpec",
    "MultiFeature",
    "NoDeficit",
    "NoStabilizer",
    "Noise",
    "NonFiniteLoss",
    "Occlusion",
    "Optimizer",
    "Plan",
    "Probe",
    "RandomLabels",
    "Restart",
    "Results",
    "RunError",
    "RunSpec",
    "RunStore",
    "Schedule",
    "ShrinkAndPerturb",
    "Situation",
    "SlowTrunk",
    "SourceVarianceProbe",
    "SpecError",
    "Split",
    "SplitAllCNN",
    "SplitHeads",
    "SplitResNet18",
    "Stabilizer",
    "StabilizerWindow",
    "Stages",
    "Step",
    "StreamProbe",
    "Timeline",
    "Timm",
    "TorchVision",
    "Trainer",
    "TwoEyes",
    "TwoModality",
    "Verdict",
    "VerticalFlip",
    "ViewDropout",
    "WeightDecay",
    "Window",
    "WindowedAugmentation",
    "Workers",
    "WriteError",
    "from_settings",
    "identity",
    "load",
    "mean_interval",
    "plan",
    "run_all",
    "settings",
    "trace_of_fisher",
    "train",
    "verdicts",
    "work",
]
