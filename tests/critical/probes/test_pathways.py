"""The trace of the Fisher information of each pathway: what its layers have, summed, in every probe of it."""

import pytest
from helpers import CONVOLUTIONAL, run

from critical.data import TwoEyes
from critical.deficits import Blur
from critical.models import SplitAllCNN
from critical.probes import Fisher, FisherClean, FisherVariants, FisherVariantsClean
from critical.training.loop import Trainer

EYES = TwoEyes(train_size=60, test_size=30, resolution=8)
SIZES = {"samples": 40, "chunk": 16}


@pytest.fixture(scope="module")
def columns():
    spec = run((0, 2, Blur(factor=2, view="b")), base=CONVOLUTIONAL, data=EYES, model=SplitAllCNN(width=2))
    trainer = Trainer(spec)
    trainer.train_epoch(spec.epoch_specs[0])
    probes = (Fisher(**SIZES), FisherClean(**SIZES), FisherVariants(**SIZES), FisherVariantsClean(**SIZES))
    held = trainer.measure(spec.epoch_specs[0], probes)
    return {name: value for one in held for name, value in one.columns.items()}


@pytest.mark.parametrize("kind", ["", "_relative"])
@pytest.mark.parametrize("pathway", ["a", "b", "trunk"])
def test_a_pathway_has_what_its_layers_have(columns, kind, pathway):
    layers = {name.partition("/")[2]: value for name, value in columns.items() if
              name.startswith(f"fisher_trace{kind}/")}  # fmt: skip
    own = [value for layer, value in layers.items() if layer.startswith(f"stream_{pathway}.") or
           (pathway == "trunk" and not layer.startswith("stream_"))]  # fmt: skip
    assert own
    assert columns[f"fisher_trace{kind}_pathway/{pathway}"] == pytest.approx(sum(own))


def test_the_pathways_together_have_all_of_it(columns):
    for total, prefix in (("fisher_trace", "fisher_trace_pathway/"),
                          ("fisher_trace_clean", "fisher_trace_pathway_clean/"),
                          ("fisher_trace_relative", "fisher_trace_relative_pathway/"),
                          ("fisher_trace_relative_clean", "fisher_trace_relative_pathway_clean/")):  # fmt: skip
        held = [value for name, value in columns.items() if name.startswith(prefix)]
        assert len(held) == 3
        assert sum(held) == pytest.approx(columns[total], rel=1e-5)


def test_on_clean_images_the_blurred_pathway_has_another_trace(columns):
    for kind in ("pathway", "relative_pathway"):
        seen, clean = (columns[f"fisher_trace_{kind}{on}/b"] for on in ("", "_clean"))
        assert clean != pytest.approx(seen, rel=0.01)


def test_weights_have_the_same_norms_on_either_images(columns):
    def norms(on):
        return {name.partition("/")[2]: columns[name.replace("fisher_trace", "fisher_trace_relative")] / value
                for name, value in columns.items() if name.startswith(f"fisher_trace{on}/")}  # fmt: skip

    assert norms("_clean").keys() == norms("").keys()
    assert norms("_clean") == pytest.approx(norms(""), rel=1e-4)
