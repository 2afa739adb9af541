"""Stabilisers in a run: they act in their window only, and a forked run is the run from scratch."""

import copy
import dataclasses
import math
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
import torch
import yaml
from helpers import BASE, assert_as_from_scratch, from_scratch, same
from torch import nn

from critical import stabilizers
from critical.core.arithmetic import Arithmetic
from critical.core.spec import SpecError, from_settings, identity
from critical.data import Dataset, Digits, Split, load
from critical.execution import workers
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.models import SplitAllCNN
from critical.stabilizers import KINDS, NoStabilizer, StabilizerWindow
from critical.training import loop as training
from critical.training.augmentation import Augmentation
from critical.training.loop import Trainer
from critical.training.optimizers import SGD, Adam
from critical.training.schedules import Constant
from critical.training.timeline import Timeline

EVERY = {
    "fisher_penalty": stabilizers.FisherPenalty(weight=1.0, every=2),
    "cross_sensor_reconstruction": stabilizers.CrossSensorReconstruction(hidden=4),
    "modality_dropout": stabilizers.ModalityDropout(probability=0.3),
    "shrink_and_perturb": stabilizers.ShrinkAndPerturb(),
    "weight_decay": stabilizers.WeightDecay(weight=0.1),
    "augmentation": stabilizers.WindowedAugmentation(shift=1, flip=False),
    "l2_init": stabilizers.L2Init(weight=0.1),
    "slow_trunk": stabilizers.SlowTrunk(),
    "mixup": stabilizers.Mixup(alpha=0.5),
}
EACH = pytest.mark.parametrize("stabilizer", EVERY.values(), ids=EVERY)
TWO = replace(
    BASE,
    model=SplitAllCNN(width=2),
    optimizer=SGD(batch_size=16),
    augmentation=Augmentation(shift=0, flip=False),
    schedule=Constant(rate=0.05),
    timeline=Timeline(3),
    probes=(),
)


@lru_cache
def two_views(spec=None, seed=0) -> Dataset:
    """Digits, and the same upside down as the second view."""
    held = load(Digits(subset=64, test_subset=20))
    train, test = (Split((*part.views, part.views[0].flip(2)), part.labels) for part in (held.train, held.test))
    return Dataset(train, test, held.classes, "two views")


@pytest.fixture(autouse=True)
def of_two_views(monkeypatch):
    monkeypatch.setattr(training, "load", two_views)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def stabilized(stabilizer, start=0, end=None, **changes):
    return replace(TWO, stabilizers=(StabilizerWindow(stabilizer, start, end),), **changes)


@lru_cache
def states(spec):
    """The state after each epoch."""
    trainer, found = Trainer(spec), []
    for epoch_spec in spec.epoch_specs:
        trainer.train_epoch(epoch_spec)
        found.append(copy.deepcopy(trainer.state.state_dict()))
    assert not trainer.state.model.trunk._forward_hooks
    return found


def test_every_kind_is_tested_and_configured_as_by_default():
    # Of another network: `test_masked_autoencoder`.
    assert {*EVERY, "masked_autoencoder", "none"} == set(KINDS)
    folder = Path(__file__).parents[3] / "conf" / "stabilizer"
    assert {path.stem for path in folder.glob("*.yaml")} == set(KINDS)
    for name, kind in KINDS.items():
        held = yaml.safe_load((folder / f"{name}.yaml").read_text())
        assert (held.pop("start"), held.pop("end")) == (0, None)
        assert set(held) == {"name", *(field.name for field in dataclasses.fields(kind))}
        assert from_settings(KINDS, held, "stabilizer") == kind()


class TestInTheLoop:
    @EACH
    def test_acts_in_exactly_its_window(self, stabilizer):
        plain, held = states(TWO), states(stabilized(stabilizer, 1, 2))
        assert same(held[0], plain[0])
        assert not same(held[1]["model"], plain[1]["model"])

    @EACH
    def test_goes_on_from_a_checkpoint_as_if_nothing_had_been(self, stabilizer):
        spec = stabilized(stabilizer, optimizer=Adam(batch_size=16))
        trainer = Trainer(spec)
        trainer.train_epoch(spec.epoch_specs[0])
        other = Trainer(spec)
        other.state.load_state_dict(copy.deepcopy(trainer.state.state_dict()))
        for epoch_spec in spec.epoch_specs[1:]:
            other.train_epoch(epoch_spec)
        assert same(other.state.state_dict(), from_scratch(spec)[1])

    def test_a_window_that_starts_at_a_fork_is_as_from_scratch(self, tmp_path, monkeypatch):
        specs = [TWO, *(stabilized(stabilizer, 1) for stabilizer in EVERY.values())]
        trained = []
        real = Trainer.train_epoch
        monkeypatch.setattr(
            Trainer, "train_epoch", lambda self, epoch_spec: trained.append(self.state.epoch) or real(self, epoch_spec)
        )
        workers.work(plan(specs), RunStore(tmp_path))
        assert trained.count(0) == 1, "one trunk for all"
        assert len(trained) == 1 + 2 * len(specs)
        assert_as_from_scratch(RunStore(tmp_path), *specs)

    def test_decoders_are_trained_along_as_long_as_the_window_lasts(self):
        decoding = EVERY["cross_sensor_reconstruction"]
        held = states(stabilized(decoding, 0, 2))
        first, second = (state["parts"][identity(decoding)]["module"] for state in held[:2])
        assert not same(first, second)
        assert "parts" not in held[2]

    def test_decoders_of_other_settings_start_anew(self):
        small, large = (replace(EVERY["cross_sensor_reconstruction"], hidden=hidden) for hidden in (2, 3))
        windows = (StabilizerWindow(small, 0, 1), StabilizerWindow(large, 1, 2))
        held = states(replace(TWO, stabilizers=windows))
        assert [list(state.get("parts", {})) for state in held[:2]] == [[identity(small)], [identity(large)]]

    @EACH
    def test_statistics_of_batches_are_taken_once_a_step_and_modes_stay(self, stabilizer):
        spec = stabilized(stabilizer)
        trainer = Trainer(spec)
        trainer.train_epoch(spec.epoch_specs[0])
        counts = [m.num_batches_tracked.item() for m in trainer.state.model.modules() if isinstance(m, nn.BatchNorm2d)]
        assert set(counts) == {4}
        assert all(module.training for module in trainer.state.model.modules())

    def test_weight_decay_is_what_the_optimiser_would_do(self):
        ours = states(stabilized(stabilizers.WeightDecay(5e-4), optimizer=SGD(batch_size=16, weight_decay=0.0)))
        theirs = states(replace(TWO, optimizer=SGD(batch_size=16, weight_decay=5e-4)))
        for name, value in theirs[-1]["model"].items():
            torch.testing.assert_close(ours[-1]["model"][name], value, msg=name)

    @EACH
    def test_works_in_half_precision_with_several_heads(self, stabilizer):
        model = SplitAllCNN(width=2, heads=True)
        spec = stabilized(stabilizer, arithmetic=Arithmetic(precision="bf16"), model=model)
        row = Trainer(spec).train_epoch(spec.epoch_specs[0])
        assert all(map(math.isfinite, row.values()))
        adds = stabilizer.name in ("fisher_penalty", "cross_sensor_reconstruction", "mixup")
        assert ("stabilizer_loss" in row) == adds
        # Mixup adds the difference of two losses.
        assert stabilizer.name == "mixup" or (row.get("stabilizer_loss", 0) > 0) == adds

    @pytest.mark.parametrize("name", ["cross_sensor_reconstruction", "modality_dropout", "slow_trunk"])
    def test_what_needs_two_streams_is_refused_with_one(self, name):
        with pytest.raises(SpecError, match=f"stabilizer={name}: needs a network of two streams"):
            replace(BASE, stabilizers=(StabilizerWindow(EVERY[name]),))
        assert replace(BASE, stabilizers=(StabilizerWindow(stabilizers.SlowTrunk(part="network")),))


def test_none_leaves_the_run_as_it_is():
    spec = stabilized(NoStabilizer())
    assert spec.keys == TWO.keys
    assert same(states(spec), states(TWO))


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("fisher_penalty", {"weight": -1.0}, "weight=-1; it must be finite and at least 0"),
        ("fisher_penalty", {"every": 0}, "every=0; it must be at least 1 step"),
        ("cross_sensor_reconstruction", {"weight": math.inf}, "weight=inf; it must be finite"),
        ("cross_sensor_reconstruction", {"hidden": 0}, "hidden=0"),
        ("modality_dropout", {"probability": 0.6}, r"probability=0.6; it must be in \[0, 0.5\]"),
        ("modality_dropout", {"absent": "grey"}, "absent=grey; known: mean, zero"),
        ("shrink_and_perturb", {"shrink": 1.5}, r"shrink=1.5; it must be in \[0, 1\]"),
        ("shrink_and_perturb", {"perturb": math.nan}, "perturb=nan"),
        ("weight_decay", {"weight": -0.1}, "weight=-0.1"),
        ("augmentation", {"shift": -1}, "shift=-1"),
        ("l2_init", {"weight": -0.1}, "weight=-0.1"),
        ("mixup", {"alpha": 0.0}, "alpha=0; it must be above 0"),
        ("mixup", {"alpha": math.inf}, "alpha=inf; it must be above 0 and finite"),
        ("slow_trunk", {"factor": 2.0}, r"factor=2; it must be in \[0, 1\]"),
        ("slow_trunk", {"part": "trunks"}, "part=trunks; did you mean 'trunk'"),
    ],
)
def test_impossible_settings_are_refused_in_a_line(name, fields, message):
    with pytest.raises(SpecError, match=f"^stabilizer={name}: {message}") as raised:
        from_settings(KINDS, {"name": name, **fields}, "stabilizer")
    assert "\n" not in str(raised.value)


def test_a_stabiliser_that_would_never_act_is_refused():
    with pytest.raises(SpecError, match=r"^stabilizer.start=3: the run ends at epoch 3, before it acts$"):
        stabilized(EVERY["l2_init"], 3)


@pytest.mark.parametrize("name", ["fisher_penalty", "cross_sensor_reconstruction"])
def test_what_does_not_work_in_a_compiled_network_is_refused(name):
    with pytest.raises(SpecError, match=f"^stabilizer={name}: .*compile=false$"):
        stabilized(EVERY[name], arithmetic=Arithmetic(compile=True))
    stabilized(EVERY["l2_init"], arithmetic=Arithmetic(compile=True))


def test_no_step_is_replayed_while_a_stabiliser_acts(monkeypatch):
    """What a stabiliser does may differ from step to step; with none the steps are alike again."""
    asked, real = [], training.Steps

    def steps(step, metrics, graphs):
        asked.append(graphs)
        return real(step, metrics, graphs=False)

    monkeypatch.setattr(Trainer, "_graphs", True)
    monkeypatch.setattr(training, "Steps", steps)
    spec = stabilized(stabilizers.L2Init(weight=0.1), 1, 2)
    trainer = Trainer(spec)
    for epoch_spec in spec.epoch_specs:
        trainer.train_epoch(epoch_spec)
    assert asked == [True, False, True]
