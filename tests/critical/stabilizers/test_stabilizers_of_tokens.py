"""The stabilisers and probes of two streams work on a transformer, whose code has no image's shape."""

from dataclasses import replace

import pytest
import torch
from helpers import BASE, same

from critical.data import TwoEyes
from critical.models import TwoViewTransformer
from critical.probes import CodeProbe, Decoding, Fisher, SourceVarianceProbe, StreamProbe
from critical.stabilizers import (
    CrossSensorReconstruction,
    FisherPenalty,
    MaskedAutoencoder,
    ModalityDropout,
    SlowTrunk,
    StabilizerWindow,
)
from critical.stabilizers.reconstruction import code_shape
from critical.training.augmentation import Augmentation
from critical.training.loop import Trainer
from critical.training.optimizers import AdamW
from critical.training.schedules import Constant
from critical.training.timeline import Timeline

RUN = replace(
    BASE,
    data=TwoEyes(train_size=40, test_size=20, resolution=8),
    model=TwoViewTransformer(patch=4, dims=8, layers=1, attention_heads=2, expansion=2),
    optimizer=AdamW(batch_size=20),
    augmentation=Augmentation(shift=0, flip=False),
    schedule=Constant(rate=0.01),
    timeline=Timeline(1),
)


def trained(*stabilizers, **changes):
    spec = replace(RUN, stabilizers=tuple(StabilizerWindow(one) for one in stabilizers), **changes)
    trainer = Trainer(spec)
    row = trainer.train_epoch(spec.epoch_specs[0])
    return trainer, row


@pytest.mark.parametrize("stabilizer", [CrossSensorReconstruction(hidden=4), FisherPenalty(weight=1.0),
                                        ModalityDropout(0.3)], ids=lambda one: one.name)  # fmt: skip
def test_it_acts(stabilizer):
    (plain, _), (held, row) = trained(), trained(stabilizer)
    assert not same(plain.state.model.state_dict(), held.state.model.state_dict())
    assert ("stabilizer_loss" in row) == (stabilizer.name != "modality_dropout")


def test_reconstruction_reads_all_tokens_of_the_code():
    trainer, _ = trained()
    assert code_shape(trainer.state.model, ((3, 8, 8),) * 2) == (8, 8)


def test_a_slow_trunk_is_the_encoder():
    (plain, _), (slow, _) = trained(), trained(SlowTrunk(factor=0.0))
    before = Trainer(RUN).state.model.state_dict()
    for name, value in slow.state.model.state_dict().items():
        rests = name.startswith(("trunk", "heads")) or "normalise" in name
        assert torch.equal(value, before[name]) == rests, name
    assert not torch.equal(plain.state.model.trunk.norm.weight, before["trunk.norm.weight"])


def test_probes_of_two_streams_read_it():
    probes = (SourceVarianceProbe(examples=8), Decoding(partners=2, temperature_examples=10), StreamProbe(examples=20),
              CodeProbe(examples=20), Fisher(samples=16, chunk=8))  # fmt: skip
    for acting in ((), (MaskedAutoencoder(dims=8),)):
        trainer, _ = trained(*acting, probes=probes)
        rows = {}
        for measurement in trainer.measure(trainer.spec.epoch_specs[0], probes):
            rows |= measurement.columns
        assert all(torch.tensor(float(value)).isfinite() for value in rows.values())
        assert {"rsv_mean", "decoding_b", "probe_maps_a", "probe_code", "fisher_trace_pathway/trunk"} <= set(rows)
