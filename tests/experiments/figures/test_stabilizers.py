import dataclasses

import pytest
import tiny

from critical.core.spec import SpecError
from critical.inference.claims import LONGEST_SHORT
from critical.stabilizers import KINDS
from experiments.design import profile
from experiments.design.registry import FIGURES
from experiments.figures.stabilizers.methods import METHODS, NONE, strengths, windows
from experiments.figures.stabilizers.strength import Strengths, design

USED = {"fisher_penalty": {"grid": [0.01, 0.1], "use": 0.1}, "slow_trunk": {"grid": [0.15], "use": 0.15},
        "augmentation": {"grid": [1, 2], "use": None}}  # fmt: skip


def protocol(**stabilizers):
    two = tiny.protocol(seeds=(0,), recovery=2, family="two_streams", longest_window=2)
    return dataclasses.replace(two, stabilizers=stabilizers or USED)


def test_every_stabiliser_is_a_method_and_its_strength_a_field_of_it():
    # What is trained in place of the classification has a figure of its own.
    assert set(METHODS) == {name for name, kind in KINDS.items() if kind.labels} - {NONE}
    for name, method in METHODS.items():
        assert {method.strength, *method.fixed} <= {field.name for field in dataclasses.fields(KINDS[name])}
        (window,) = windows(name, 1.0 if method.whole else 0.5, removal=3)
        assert getattr(window.stabilizer, method.strength) == (1 if method.whole else 0.5)
        assert window.stabilizer.name == name


@pytest.mark.parametrize(
    ("method", "epochs"), [("fisher_penalty", (0, 3)), ("augmentation", (0, 3)), ("shrink_and_perturb", (3, 4))]
)
def test_a_method_acts_in_the_window_or_once_at_its_end(method, epochs):
    (window,) = windows(method, 1.0 if method == "augmentation" else 0.5, removal=3)
    assert (window.start, window.end) == epochs
    assert windows(NONE, 0.0, 3) == ()


def test_a_shift_is_whole():
    assert windows("augmentation", 2.0, 3)[0].stabilizer.shift == 2
    with pytest.raises(SpecError, match=r"^stabilizers\.augmentation: takes a whole number of shift, not 1\.5$"):
        windows("augmentation", 1.5, 3)


def test_what_is_too_dear_is_tried_and_not_used():
    assert strengths(protocol(), "use") == {"fisher_penalty": 0.1, "slow_trunk": 0.15}
    assert strengths(protocol(), "grid") == {name: held["grid"] for name, held in USED.items()}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fisher_penalt": {"grid": [1], "use": 1}}, "there is no 'fisher_penalt'; did you mean 'fisher_penalty'"),
        ({"fisher_penalty": {"grid": [1], "us": 1}}, "fisher_penalty: there is no 'us'"),
        ({"fisher_penalty": {"use": 1}}, "fisher_penalty: the list 'grid' of strengths to try is missing"),
        ({"slow_trunk": {"grid": [0.1], "use": None}}, "the control, slow_trunk, is missing"),
    ],
)
def test_impossible_stabilizers_of_a_profile_are_refused_in_one_line(changes, said):
    held = protocol(**{**USED, **changes})
    with pytest.raises(SpecError, match=said) as raised:
        strengths(held, "grid" if "grid" in said else "use")
    assert "\n" not in str(raised.value)


def test_short_names_of_all_methods_leave_room_for_what_is_claimed_of_them():
    longest = max(len(method.short) for method in METHODS.values())
    assert longest + len(": clean unharmed") <= LONGEST_SHORT
    assert len({method.short for method in METHODS.values()}) == len(METHODS)


class TestStrength:
    MADE = design(protocol(), Strengths(removal=2, validation=10, seeds=(1000, 1001)))

    def test_clean_networks_are_scored_on_held_out_images_on_calibration_seeds(self):
        assert self.MADE.seeds == (1000, 1001)
        assert self.MADE.claims == ()
        for arm in self.MADE.trained:
            assert not any(spec.deficits for spec in arm.run.epoch_specs)
            assert arm.run.data.validation == 10

    def test_each_method_is_tried_at_each_strength_beside_none(self):
        tried = [(arm.tags["stabilizer"], arm.tags["strength"]) for arm in self.MADE.trained]
        assert sorted(tried) == sorted([("none", 0.0), ("fisher_penalty", 0.01), ("fisher_penalty", 0.1),
                                        ("slow_trunk", 0.15), ("augmentation", 1), ("augmentation", 2)])
        for arm in self.MADE.trained:
            acting = [window.stabilizer for window in arm.run.stabilizers]
            found = [getattr(one, METHODS[one.name].strength) for one in acting]
            assert found == ([] if arm.tags["stabilizer"] == "none" else [arm.tags["strength"]])

    def test_a_panel_a_method(self):
        assert [panel.title for panel in self.MADE.shown] == ["Fisher penalty", "slow trunk (control)", "augmentation"]


def test_the_chosen_strengths_are_those_that_are_used():
    """Searching and using differ in nothing but the images that are scored."""
    config = tiny.composed("figures", "profile=smoke", "device=cpu")
    shared = profile.protocol(config, "two_streams")
    made = {name: FIGURES[name].design(*profile.figure_settings(config, FIGURES[name], shared))
            for name in ("stabilizers/strength", "stabilizers/prevention")}
    tried = {dataclasses.replace(arm.run, data=shared.parts.data).keys for arm in made["stabilizers/strength"].trained}
    used = {arm.run.keys for arm in made["stabilizers/prevention"].trained if arm.tags["role"] == "dose_matched"}
    assert len(used) == 5
    assert used <= tried
