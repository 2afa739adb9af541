import dataclasses
import itertools
from dataclasses import replace

import pytest
from helpers import BASE, BLUR, PERMUTED, SHAM, run

from critical import data, deficits, models, probes, stabilizers
from critical.core.arithmetic import Arithmetic
from critical.core.spec import settings
from critical.probes import Accuracy, Fisher
from critical.stabilizers import FisherPenalty, L2Init, NoStabilizer, StabilizerWindow
from critical.training import augmentation, optimizers
from critical.training.runs import EpochSpec, RunSpec
from critical.training.schedules import Constant, Continue, Cyclic, HotRestart, Restart

# Where "another value" is not just the number plus one, half the number, or the other truth.
OTHER = {
    ("digits", "subset"): {"subset": 50},
    ("blur", "size"): {"factor": None, "size": 3},
    ("shift_flip", "fill"): {"fill": (0.5,)},
    ("mlp", "widths"): {"widths": (8,)},
    ("glyphs", "train_size"): {"train_size": 1000},
    ("glyphs", "test_size"): {"test_size": 1000},
    ("glyphs", "fonts"): {"fonts": 3},
    ("fisher", "noise"): {"noise": "labels"},
    ("fisher_variants", "noise"): {"noise": "labels"},
    ("fisher_clean", "noise"): {"noise": "labels"},
    ("fisher_variants_clean", "noise"): {"noise": "labels"},
    ("arithmetic", "device"): {"device": "mps"},
    ("arithmetic", "precision"): {"precision": "bf16"},
    ("two_eyes", "train_size"): {"train_size": 1000},
    ("two_eyes", "test_size"): {"test_size": 1000},
    ("moving_glyphs", "train_size"): {"train_size": 1000},
    ("moving_glyphs", "test_size"): {"test_size": 1000},
    ("two_view_transformer", "dims"): {"dims": 32},
    ("two_view_transformer", "attention_heads"): {"attention_heads": 2},
    ("masked_autoencoder", "dims"): {"dims": 16},
    ("image_and_signal", "train_size"): {"train_size": 1000},
    ("image_and_signal", "test_size"): {"test_size": 1000},
    ("halves", "source"): {"source": "mnist"},
    ("arrays", "layout_a"): {"layout_a": "NHW"},
    ("arrays", "layout_b"): {"layout_b": "NCL"},
    ("folder_and_table", "columns"): {"columns": ("age",)},
    ("multi_feature", "view_a"): {"view_a": "kar"},
    ("multi_feature", "view_b"): {"view_b": "zer"},
    ("two_modality", "fusion"): {"fusion": "sum"},
    ("view_dropout", "view"): {"view": "a"},
    ("dissociation", "view"): {"view": "a"},
    ("dissociation", "variant"): {"variant": "authors"},
    ("augmentation", "fill"): {"fill": (0.5,)},
    ("ladders", "blurs"): {"blurs": (2,)},
    ("ladders", "noises"): {"noises": (0.1,)},
    ("arithmetic", "instructions"): {"instructions": "native"},
    ("torchvision", "arch"): {"arch": "densenet121"},
    ("timm", "arch"): {"arch": "resnet50"},
    ("slow_trunk", "part"): {"part": "network"},
}
ANYWHERE = {"normalization": {"normalization": "layer"}, "fusion": {"fusion": "gate"}, "view": {"view": "b"},
            "absent": {"absent": "zero"}, "split": {"split": 0.5}}  # fmt: skip
"""The same for a field that means the same in every kind."""
FIXED = {("multi_feature", "resolution")}
"""Fields with one possible value."""
FIRST = {"blur": {"factor": 2}, "halves": {"source": "folder"}}
TWO = replace(BASE, data=data.TwoEyes(), model=models.SplitAllCNN(width=4, heads=True))


def another(spec, field):
    """The changes that give a field another value."""
    value = getattr(spec, field)
    if (spec.name, field) in OTHER:
        return OTHER[spec.name, field]
    if field in ANYWHERE and not isinstance(value, bool):
        return ANYWHERE[field]
    if isinstance(value, bool):
        return {field: not value}
    if isinstance(value, int):
        return {field: value + 1}
    if isinstance(value, float):
        return {field: value / 2}
    if isinstance(value, str):
        return {field: value + "x"}
    assert value is None, f"say in OTHER what {spec.name}.{field} can be instead of {value!r}"
    return {field: 16}


def fields(kinds, execution):
    """(spec, changes) for every field of every kind."""
    for kind in kinds:
        spec = kind(**FIRST.get(kind.name, {}))
        for field in dataclasses.fields(kind):
            if bool(field.metadata.get("execution")) == execution and (kind.name, field.name) not in FIXED:
                yield pytest.param(spec, another(spec, field.name), id=f"{kind.name}.{field.name}")


PARTS = {
    "data": data.KINDS.values(),
    "model": models.KINDS.values(),
    "optimizer": optimizers.KINDS.values(),
    "augmentation": augmentation.KINDS.values(),
    "arithmetic": [Arithmetic],
}
STATIC = [
    pytest.param(part, *param.values, id=f"{part}={param.id}")
    for part, kinds in PARTS.items()
    for param in fields(kinds, execution=False)
]
EXECUTION = [
    pytest.param(part, *param.values, id=f"{part}={param.id}")
    for part, kinds in PARTS.items()
    for param in fields(kinds, execution=True)
]


def keys(*windows, **changes):
    return run(*windows, **changes).keys


def acting(*several, start=0, end=None):
    return tuple(StabilizerWindow(stabilizer, start, end) for stabilizer in several)


def shared(first, second):
    """How many epochs two runs share."""
    return sum(1 for one, other in zip(first.keys[1:], second.keys[1:], strict=False) if one == other)


class TestWhatIsPartOfTheKeys:
    def test_every_field_of_a_run_is_accounted_for(self):
        known = {*PARTS, "schedule", "timeline", "probes", "seed", "stabilizers", "branch", "branch_at"}
        assert {field.name for field in dataclasses.fields(RunSpec)} == known
        assert set(BASE.static) == {*PARTS, "seed", "version"}

    def test_every_field_of_an_epoch_spec_is_accounted_for(self):
        known = {"deficits", "rate", "reset_optimizer", "stabilizers", "branch"}
        assert {field.name for field in dataclasses.fields(EpochSpec)} == known

    @pytest.mark.parametrize(("part", "spec", "changes"), STATIC)
    def test_every_static_setting_is(self, part, spec, changes):
        before, after = (replace(BASE, **{part: value}) for value in (spec, replace(spec, **changes)))
        assert not set(before.keys) & set(after.keys)

    @pytest.mark.parametrize("part", PARTS)
    def test_the_kind_is(self, part):
        found = [replace(BASE, **{part: kind(**FIRST.get(kind.name, {}))}).keys[0] for kind in PARTS[part]]
        assert len(set(found)) == len(found)

    def test_the_seed_is(self):
        assert not set(keys()) & set(keys(seed=1))

    @pytest.mark.parametrize(("part", "spec", "changes"), EXECUTION)
    def test_execution_settings_are_not(self, part, spec, changes):
        before, after = (replace(BASE, **{part: value}) for value in (spec, replace(spec, **changes)))
        assert before.keys == after.keys
        assert before.run_id == after.run_id

    def test_some_setting_is_an_execution_setting(self):
        assert any(param.id.endswith(".root") for param in EXECUTION)

    @pytest.mark.parametrize(("deficit", "changes"), [*fields(deficits.KINDS.values(), execution=False)])
    def test_every_setting_of_a_deficit_is_from_its_window_on(self, deficit, changes):
        before, after = keys((1, 3, deficit), base=TWO), keys((1, 3, replace(deficit, **changes)), base=TWO)
        assert before[:2] == after[:2]
        assert not set(before[2:]) & set(after[2:])

    def test_the_kind_of_a_deficit_is(self):
        found = {keys((0, 1, kind()), base=TWO)[1] for kind in deficits.KINDS.values()}
        assert len(found) == len(deficits.KINDS)

    def test_the_order_of_overlapping_deficits_is(self):
        first, second = (0, 2, BLUR), (0, 2, PERMUTED)
        assert keys(first, second)[1] != keys(second, first)[1]

    def test_when_a_deficit_acts_is(self):
        assert len({keys((0, 2, BLUR))[-1], keys((1, 3, BLUR))[-1], keys((0, 3, BLUR))[-1], keys()[-1]}) == 4

    def test_the_rate_is_whatever_the_schedule_is_called(self):
        assert keys(schedule=Constant(rate=0.1)) == keys(schedule=Continue(rate=0.1, decay=1.0))
        assert keys(schedule=Constant(rate=0.1))[1:] != keys(schedule=Constant(rate=0.1000001))[1:]

    @pytest.mark.parametrize(
        ("schedule", "changes"),
        [
            (Continue(), {"rate": 0.06}),
            (Continue(), {"decay": 0.9}),
            (Restart(), {"recovery_decay": 0.9}),
            (HotRestart(), {"heat": 2.0}),
            (Cyclic(period=3), {"period": 2}),
            (Cyclic(period=3), {"floor": 0.5}),
            (Constant(), {"rate": 0.06}),
            (Restart(), {"reset_optimizer": True}),
        ],
    )
    def test_what_a_schedule_does_is(self, schedule, changes):
        window = (0, 1, BLUR)
        assert keys(window, schedule=schedule)[-1] != keys(window, schedule=replace(schedule, **changes))[-1]

    @pytest.mark.parametrize(("probe", "changes"), [*fields(probes.KINDS.values(), execution=False)])
    def test_probes_are_not_but_of_the_run_id(self, probe, changes):
        before, after = (run(base=TWO, probes=(one,)) for one in (probe, replace(probe, **changes)))
        assert before.keys == after.keys
        assert before.run_id != after.run_id

    def test_adding_a_probe_changes_the_run_id_alone(self):
        one, two = run(probes=(Accuracy(),)), run(probes=(Accuracy(), Fisher()))
        assert one.keys == two.keys
        assert len({one.run_id, two.run_id, run(probes=()).run_id}) == 3


class TestStabilizersInTheKeys:
    @pytest.mark.parametrize(("stabilizer", "changes"), [*fields(stabilizers.KINDS.values(), execution=False)])
    def test_every_setting_is_from_its_window_on(self, stabilizer, changes):
        before, after = (
            keys(base=TWO, stabilizers=acting(one, start=1, end=2))
            for one in (stabilizer, replace(stabilizer, **changes))
        )
        plain = keys(base=TWO)
        assert before[:2] == after[:2] == plain[:2]
        assert len({*before[2:], *after[2:], *plain[2:]}) == 9

    def test_the_kind_is(self):
        found = {keys(base=TWO, stabilizers=acting(kind()))[1] for kind in stabilizers.KINDS.values()}
        assert len(found) == len(stabilizers.KINDS)

    def test_none_leaves_keys_and_run_id_as_they_are(self):
        spec = run((0, 2, BLUR), stabilizers=acting(NoStabilizer()))
        assert spec.keys == keys((0, 2, BLUR))
        assert spec.run_id == run((0, 2, BLUR)).run_id

    def test_their_order_is(self):
        first, second = (acting(*order) for order in itertools.permutations((L2Init(), FisherPenalty())))
        assert keys(stabilizers=first)[1] != keys(stabilizers=second)[1]

    def test_an_act_without_them_has_the_settings_it_had_before_there_were_any(self):
        assert settings(BASE.epoch_specs[0]) == {"deficits": [], "rate": 0.05, "reset_optimizer": False}


class TestWhatIsShared:
    def test_a_longer_run_begins_with_the_shorter(self):
        assert keys((0, 2, BLUR), end=9)[:5] == keys((0, 2, BLUR), end=4)

    def test_continue_and_restart_up_to_the_removal(self):
        continued = run((1, 3, BLUR), end=6, schedule=Continue(decay=0.9))
        restarted = run((1, 3, BLUR), end=6, schedule=Restart(decay=0.9))
        assert continued.keys[:4] == restarted.keys[:4]
        assert not set(continued.keys[4:]) & set(restarted.keys[4:])

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            *itertools.combinations(
                [Continue(decay=0.9), Restart(decay=0.9), HotRestart(decay=0.9), Cyclic(decay=0.9)], 2
            )
        ],
    )
    def test_all_decaying_schedules_up_to_the_removal(self, one, other):
        assert keys((0, 3, BLUR), schedule=one)[:4] == keys((0, 3, BLUR), schedule=other)[:4]

    def test_rungs_of_a_ladder_grow_from_one_trunk(self):
        rungs = [
            run((0, 3, BLUR), end=3 + budget, schedule=Restart(decay=0.9, recovery_decay=0.1 ** (1 / budget)))
            for budget in (2, 4, 8)
        ]
        assert len({rung.keys[:4] for rung in rungs}) == 1
        # The first epoch of every recovery has the full rate; then each goes its way.
        assert [shared(rungs[0], rung) for rung in rungs[1:]] == [4, 4]

    def test_deficits_of_different_length_share_the_shorter(self):
        assert shared(run((0, 2, BLUR), end=6), run((0, 5, BLUR), end=6)) == 2

    def test_fresh_and_dose_matched_share_the_clean_trunk(self):
        fresh, matched = run(end=6), run((0, 3, SHAM), end=9)
        assert fresh.keys[:4] == matched.keys[:4]
        assert matched.epoch_specs[3].rate == fresh.epoch_specs[0].rate, "the recovery is the same"
        longer = run((0, 5, SHAM), end=11)
        assert shared(matched, longer) == 3

    def test_under_continue_a_sham_changes_nothing(self):
        schedule = Continue()
        assert keys((0, 2, SHAM), schedule=schedule) == keys(schedule=schedule)

    def test_a_late_window_shares_the_clean_epochs_before_it(self):
        assert shared(run(end=6, schedule=Continue()), run((2, 4, BLUR), end=6, schedule=Continue())) == 2

    def test_a_reset_forks_at_the_removal(self):
        kept = run((0, 2, BLUR), schedule=Restart())
        emptied = run((0, 2, BLUR), schedule=Restart(reset_optimizer=True))
        assert shared(kept, emptied) == 2
        assert [epoch_spec.reset_optimizer for epoch_spec in emptied.epoch_specs] == [False, False, True, False]

    def test_before_epoch_0_there_is_nothing_to_reset(self):
        assert keys(schedule=Restart(reset_optimizer=True)) == keys(schedule=Restart())


def test_the_golden_identity():
    """A change here means that no stored result is found again: it must be wanted, and said out loud."""
    spec = RunSpec(
        data=data.Digits(subset=100, test_subset=50, resolution=8, test_size=360, seed=0, root="anywhere"),
        model=models.AllCNN(width=4, depth=3),
        optimizer=optimizers.SGD(batch_size=32, weight_decay=5e-4, momentum=0.9, nesterov=False),
        augmentation=augmentation.Augmentation(shift=1, flip=False, fill=(0.0,)),
        schedule=Restart(rate=0.05, decay=0.97, recovery_decay=0.9, reset_optimizer=True),
        timeline=run((0, 2, deficits.Blur(factor=2, antialias=True)), (1, 3, PERMUTED), end=5).timeline,
        probes=(Accuracy(), Fisher(samples=64, chunk=16, noise="signs", every=2)),
        arithmetic=Arithmetic(device="cpu", threads=1, precision="fp32", channels_last=True, compile=False),
        seed=3,
    )
    assert spec.keys[0] == "93916c22b5a35588"
    assert spec.keys[-1] == "e5ebae096d47b430"
    assert spec.run_id == "5cf4574f51d557c8"


@pytest.mark.parametrize(
    ("kind", "last"),
    [
        (deficits.Blur, "1a4601390b462fdd"),
        (deficits.Noise, "8c2693542ca9e23c"),
        (deficits.Occlusion, "91f3ebc5531b53e9"),
        (deficits.RandomLabels, "1470d6095e2211b2"),
    ],
)
def test_what_was_added_leaves_old_runs_as_they_were(kind, last):
    """Keys of the code that knew no second view, no stabilisers and no held-out examples."""
    spec = RunSpec(
        data.Glyphs(resolution=16), models.AllCNN(width=8), optimizers.SGD(batch_size=40),
        augmentation.Augmentation(shift=0, flip=False), Restart(rate=0.07, decay=0.8),
        run((1, 3, kind()), end=6).timeline, seed=2,
    )  # fmt: skip
    assert (spec.keys[0], spec.keys[-1]) == ("130a6b92e03bf67a", last)
