"""What a run's specification says of its epochs, when it measures, and what it refuses."""

import json
import pickle
from dataclasses import replace

import pytest
from helpers import BASE, BLUR, PERMUTED, SHAM, run

from critical import data, deficits, models, probes
from critical.core.spec import SpecError, identity, settings
from critical.probes import Accuracy, Fisher
from critical.stabilizers import L2Init, ModalityDropout, StabilizerWindow
from critical.training.schedules import Constant

TWO = replace(BASE, data=data.TwoEyes(), model=models.SplitAllCNN(width=4, heads=True))


def acting(*several):
    return tuple(StabilizerWindow(stabilizer, 0, None) for stabilizer in several)


class TestMeasured:
    """Which probes are due after 1, 2, … epochs."""

    def due(self, spec):
        return ["".join(probe.name[0] for probe in spec.measured(epoch)) for epoch in range(1, spec.timeline.end + 1)]

    def test_always_at_the_removal_and_at_the_end(self):
        probes = (Accuracy(every=0), Fisher(every=5))
        assert self.due(run((0, 3, BLUR), end=7, probes=probes)) == ["", "", "af", "", "f", "", "af"]
        assert self.due(run(end=3, probes=probes)) == ["", "", "af"]
        assert self.due(run((0, 3, SHAM), end=3, probes=probes)) == ["", "", "af"]

    def test_windows_and_recoveries_each_have_their_pace(self):
        probes = (Accuracy(recovery_every=0), Fisher(every=2))
        spec = run((0, 1, BLUR), (2, 3, PERMUTED), end=7, probes=probes)
        assert self.due(spec) == ["a", "af", "af", "f", "", "f", "af"]
        # Without a window all is recovery.
        assert self.due(run(end=4, probes=probes)) == ["", "f", "", "af"]

    def test_by_default_after_each_epoch(self):
        assert self.due(run((0, 1, BLUR), end=3, probes=(Accuracy(), Fisher()))) == ["af"] * 3

    def test_none_without_probes(self):
        assert self.due(run((0, 1, BLUR), end=3, probes=())) == [""] * 3


class TestEpochSpecs:
    def test_say_what_acts_in_each_epoch(self):
        spec = run((0, 2, BLUR), (1, 3, PERMUTED), (3, 4, SHAM), end=5, schedule=Constant(rate=0.1))
        assert [each.deficits for each in spec.epoch_specs] == [(BLUR,), (BLUR, PERMUTED), (PERMUTED,), (), ()]
        assert {epoch_spec.rate for epoch_spec in spec.epoch_specs} == {0.1}

    def test_a_sham_does_not_act(self):
        spec = run((1, 3, SHAM))
        assert [epoch_spec.deficits for epoch_spec in spec.epoch_specs] == [()] * 4

    def test_there_is_a_key_before_and_after_every_epoch(self):
        spec = run((0, 2, BLUR), end=7)
        assert (len(spec.epoch_specs), len(spec.keys), len(set(spec.keys))) == (7, 8, 8)
        assert all(len(key) == 16 and int(key, 16) >= 0 for key in spec.keys)


class TestRunSpec:
    def test_its_description_is_plain_and_complete(self):
        spec = run((0, 2, BLUR), probes=(Accuracy(), Fisher()))
        described = json.loads(json.dumps(spec.describe()))
        assert described["run_id"] == spec.run_id
        assert set(described) == {"run_id", *spec.static, "schedule", "timeline", "stabilizers", "probes"}
        assert described["timeline"]["windows"][0]["deficit"]["name"] == "blur"
        assert [probe["name"] for probe in described["probes"]] == ["accuracy", "fisher"]

    def test_goes_to_another_process(self):
        spec = run((0, 2, BLUR))
        _ = spec.keys
        assert pickle.loads(pickle.dumps(spec)).keys == spec.keys

    def test_the_run_id_hangs_on_the_last_key_what_is_measured_and_the_windows(self):
        spec = run((0, 2, BLUR))
        measured = [{"name": "accuracy", "every": 1, "recovery_every": None}]
        windows = [{"start": 0, "end": 2, "deficit": settings(BLUR)}]
        assert spec.run_id == identity([spec.keys[-1], measured, {"end": 4, "windows": windows}])
        assert run((0, 2, BLUR), end=5).run_id != spec.run_id

    def test_runs_that_differ_in_their_windows_alone_share_all_states_and_are_two_runs(self):
        """A sham says when a window ends, and with that what is measured of it."""
        windows = ([(0, 1, SHAM)], [(0, 2, SHAM)], [])
        one, two, none = (run(*held, schedule=Constant(rate=0.1)) for held in windows)
        assert one.keys == two.keys == none.keys
        assert len({one.run_id, two.run_id, none.run_id}) == 3

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"seed": -1}, "seed=-1: a seed is a whole number"),
            ({"probes": (Accuracy(), Accuracy())}, "the same probe is named twice"),
            ({"probes": (Fisher(every=1), Fisher(every=2))}, "the same probe is named twice"),
            ({"probes": (probes.Decoding(),)}, "probe decoding: needs a network of two streams, and model=mlp has one"),
            ({"probes": (probes.SourceVarianceProbe(),)}, "probe source_variance: needs a network of two streams"),
            ({"stabilizers": acting(ModalityDropout())}, "stabilizer=modality_dropout: needs a network of two streams"),
            ({"stabilizers": acting(L2Init(), L2Init(0.5))}, "the same one acts twice in epoch 0; part their windows"),
        ],
    )
    def test_refuses_in_one_line(self, changes, words):
        with pytest.raises(SpecError, match=words) as raised:
            run(**changes)
        assert "\n" not in str(raised.value)

    @pytest.mark.parametrize("kind", [deficits.Dissociation, deficits.SplitHeads])
    @pytest.mark.parametrize("model", [BASE.model, models.SplitAllCNN(width=4)], ids=["one stream", "one head"])
    def test_refuses_targets_of_heads_that_there_are_not(self, kind, model):
        with pytest.raises(SpecError, match=f"^deficit={kind.name}: .* model={model.name} has none; set") as raised:
            run((0, 1, kind()), model=model)
        assert "\n" not in str(raised.value)
        assert run((0, 1, kind()), base=TWO).epoch_specs[0].deficits[0].name == kind.name

    def test_a_stabilizer_may_come_back(self):
        windows = (StabilizerWindow(L2Init(), 0, 1), StabilizerWindow(L2Init(0.5), 1, 2))
        found = run(stabilizers=windows).epoch_specs
        assert [[one.weight for one in each.stabilizers] for each in found] == [[L2Init().weight], [0.5], [], []]
