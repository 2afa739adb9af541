import json
from dataclasses import replace

import pytest
from helpers import BASE, BLUR, SHAM, run

from critical.core.spec import SpecError
from critical.data import TwoEyes
from critical.deficits import AlternatingDeprivation, Blur, Dissociation, LabelPermutation, Noise, ViewDropout
from critical.models import SplitAllCNN
from critical.probes import Accuracy, Decoding, Fisher, SourceVarianceProbe
from critical.stabilizers import FisherPenalty, StabilizerWindow
from critical.training.described import run_of
from critical.training.optimizers import Adam
from critical.training.schedules import Cyclic, Stages

TWO = {"data": TwoEyes(resolution=8), "model": SplitAllCNN(width=4, heads=True)}
RUNS = {
    "plain": run(),
    "windows": run((0, 2, Blur(factor=2)), (1, 3, LabelPermutation(classes=10)), (2, 4, Noise())),
    "sham": run((0, 2, SHAM), seed=7),
    "stages": run(end=6, schedule=Stages(rate=0.1, decay=0.9, later=((2.0, 0.05, 0.8), (4.0, 0.1, 1.0)))),
    "cyclic": run((0, 1, BLUR), schedule=Cyclic(period=2, reset_optimizer=True), optimizer=Adam(batch_size=16)),
    "probes": run(probes=(Accuracy(every=0), Fisher(samples=64, every=2, recovery_every=3))),
    "held out": run(data=replace(BASE.data, validation=10)),
    "formats": run(arithmetic=replace(BASE.arithmetic, threads=2, channels_last=False, precision="bf16")),
    "cuda": run(arithmetic=replace(BASE.arithmetic, device="cuda")),
    "stabilizer": run(stabilizers=(StabilizerWindow(FisherPenalty(weight=0.1), 1, None),)),
    "two views": run(
        (0, 2, Blur(factor=2, view="b")), (2, 3, ViewDropout(view="a")), (3, 4, AlternatingDeprivation()), end=5, **TWO
    ),
    "child": run((1, 2, BLUR), branch=2, branch_at=1),
    "heads": run((0, 2, Dissociation()), probes=(Accuracy(), SourceVarianceProbe(), Decoding()), **TWO),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_description_gives_the_run_again(name):
    spec = RUNS[name]
    again = run_of(json.loads(json.dumps(spec.describe() | {"more": "is left alone"})))
    assert again.run_id == spec.run_id
    assert again.describe() == spec.describe()
    assert again.epoch_specs[0].rate == spec.epoch_specs[0].rate


def test_settings_of_another_version_are_refused():
    held = run().describe()
    for version in (1, None):
        with pytest.raises(SpecError, match=r"^run [0-9a-f]{16}: its settings are of version .*cannot be made again$"):
            run_of(held | {"version": version})


def test_settings_that_give_another_run_are_refused():
    held = run().describe()
    with pytest.raises(SpecError, match="its settings are those of another run"):
        run_of(held | {"seed": 5})
