import pytest
import tiny

from critical.core.spec import SpecError
from critical.deficits import Dissociation, SplitHeads
from experiments.design import effects, protocol, rates
from experiments.design.effects import EFFECTS, effects_of, references, window_arms
from experiments.design.two_streams import sham
from experiments.figures.stabilizers.methods import windows
from experiments.train import run_spec

BLURRED = [*tiny.MLP, "deficit=blur", "deficit.factor=2", "deficit.end=2", "recovery=3"]
DEPRIVED = [*(text for text in tiny.TWO_EYES if not text.startswith("probes=")), "probes=two_views_tiny",
            "deficit=blur_view_b", "deficit.factor=2", "deficit.end=2", "recovery=3"]  # fmt: skip
PENALTY = ["stabilizer=fisher_penalty", "stabilizer.end=2"]


def run(*overrides):
    return run_spec(tiny.composed("train", *overrides))


def terms(effect):
    return {(term.arm.tags["role"], term.column, weight) for term, weight in effect.contrast.items()}


class TestArms:
    """The arms beside one run are those of figures."""

    @pytest.mark.parametrize("schedule", [*protocol.SCHEDULE_WORDS])
    @pytest.mark.parametrize(("onset", "budget"), [(0, None), (3, None), (0, 4)])
    def test_they_are_those_of_a_protocol(self, schedule, onset, budget):
        wanted = tiny.protocol(recovery=3).window(onset, 2, schedule, budget)
        found = window_arms(wanted.deficit.of_seed(5))
        for role in ("deficit", "dose_matched", "fresh", "from_scratch", "skip"):
            arm = getattr(wanted, role)
            assert getattr(found, role) == arm, role
            assert getattr(found, role).of_seed(5).run_id == arm.of_seed(5).run_id

    def test_a_sham_stands_in_the_place_of_a_dissociation(self):
        split = tiny.protocol(family="two_streams").window(0, 2, deficit=Dissociation(), sham=sham(Dissociation()))
        found = window_arms(split.deficit.of_seed(0))
        assert found.dose_matched == split.dose_matched
        assert isinstance(found.dose_matched.of_seed(0).timeline.windows[0].deficit, SplitHeads)

    @pytest.mark.parametrize("schedule", ["hot_restart", "cyclic", "constant"])
    def test_a_fresh_run_has_the_rates_of_the_recovery(self, schedule):
        blurred = run(*BLURRED, f"schedule={schedule}")
        fresh = window_arms(blurred).fresh.of_seed(0)
        assert [each.rate for each in fresh.epoch_specs] == [each.rate for each in blurred.epoch_specs[2:]]
        assert fresh.timeline.end == 3

    @pytest.mark.parametrize("high", [True, False], ids=["high", "low"])
    @pytest.mark.parametrize("age", [0, 3, 8, 11])
    def test_steady_windows_are_those_of_age_or_rate(self, high, age):
        held = tiny.protocol(recovery=3)
        wanted = rates.constant_rate(held, age, high, 2)
        share = f"schedule.factor={1 if high else 0.25}"
        given = ["schedule=steady", "schedule.rate=0.05", "schedule.decay=0.8", share]
        found = window_arms(run(*tiny.TINY, "deficit=blur", "deficit.factor=2", f"deficit.start={age}",
                                f"deficit.end={age + 2}", "recovery=3", *given))  # fmt: skip
        assert [each.rate for each in found.deficit.of_seed(0).epoch_specs] == [
            each.rate for each in wanted.deficit.of_seed(0).epoch_specs
        ]
        assert found.fresh.of_seed(0).epoch_specs == wanted.fresh.of_seed(0).epoch_specs


class TestContrasts:
    """The definitions of docs/methods.md, written out by hand."""

    @pytest.mark.parametrize(
        ("name", "wanted"),
        [
            ("cost", {("dose_matched", "accuracy", 1), ("deficit", "accuracy", -1)}),
            ("harm", {("fresh", "accuracy", 1), ("deficit", "accuracy", -1)}),
            ("opportunity", {("dose_matched", "accuracy", 1), ("fresh", "accuracy", -1)}),
            ("stream_probe_lost", {("dose_matched", "probe_maps_b", 1), ("deficit", "probe_maps_b", -1)}),
        ],
    )
    def test_of_a_deficit(self, name, wanted):
        (effect,) = effects_of(name, run(*DEPRIVED))
        assert terms(effect) == wanted
        assert effect.unit == "points"

    def test_the_price_of_a_stabiliser_is_that_of_clean_networks(self):
        (effect,) = effects_of("price", run(*BLURRED, *PENALTY))
        assert terms(effect) == {("dose_matched", "accuracy", 1), ("dose_matched", "accuracy", -1)}
        acting = {weight: [held.stabilizer.name for held in term.arm.of_seed(0).stabilizers]
                  for term, weight in effect.contrast.items()}  # fmt: skip
        assert acting == {1: [], -1: ["fisher_penalty"]}
        assert all(not spec.timeline.active(0) for spec in effect.runs.values())

    def test_the_price_is_the_same_beside_no_deficit(self):
        stabilised = run(*tiny.MLP, "recovery=3", *PENALTY)
        (effect,) = effects_of("price", stabilised)
        assert {weight: term.arm.of_seed(0).stabilizers for term, weight in effect.contrast.items()} == {
            1: (),
            -1: stabilised.stabilizers,
        }
        assert {spec.timeline.end for spec in effect.runs.values()} == {3}
        assert stabilised.run_id in {spec.run_id for spec in effect.runs.values()}

    def test_the_gain_is_beyond_a_slow_trunk_in_the_window(self):
        deprived = run(*DEPRIVED, *PENALTY)
        (effect,) = effects_of("gain_over_slow_trunk", deprived, slow_factor=0.7)
        slow = windows("slow_trunk", 0.7, 2)
        weights = {(term.arm.tags["role"], term.arm.of_seed(0).stabilizers == slow): weight
                   for term, weight in effect.contrast.items()}  # fmt: skip
        assert weights == {("dose_matched", True): 1, ("deficit", True): -1, ("dose_matched", False): -1,
                           ("deficit", False): 1}  # fmt: skip
        assert {term.column for term in effect.contrast} == {"decoding_b"}

    def test_references_are_named_once_and_without_the_run(self):
        blurred = run(*BLURRED, "seed=7")
        found = references(effects_of(["cost", "harm", "opportunity"], blurred))
        held = window_arms(blurred)
        assert {spec.run_id for spec in found} == {arm.of_seed(7).run_id for arm in (held.dose_matched, held.fresh)}
        assert len(found) == 2
        assert references(effects_of(None, blurred)) == []


@pytest.mark.parametrize(
    ("name", "overrides", "said"),
    [
        ("costs", BLURRED, "effect=costs: there is no such effect; did you mean 'cost'?"),
        ("cost", [*tiny.MLP, "deficit=none", "deficit.end=2"], "no deficit acts"),
        ("harm", tiny.MLP, "no deficit acts"),
        ("harm", [*BLURRED, "recovery=0"], "nothing recovers"),
        ("stream_probe_lost", BLURRED, "model=mlp has one stream"),
        ("stream_probe_lost", [*DEPRIVED, "deficit.view=null"], "acts on no single view"),
        ("stream_probe_lost", [*DEPRIVED, "probes=accuracy"], "the probe stream_probe measures it, and probes lack it"),
        ("price", BLURRED, "no stabiliser acts"),
        ("gain_over_slow_trunk", DEPRIVED, "no stabiliser acts"),
        ("gain_over_slow_trunk", [*BLURRED, *PENALTY], "model=mlp has one stream"),
        ("gain_over_slow_trunk", [*DEPRIVED, "stabilizer=slow_trunk", "stabilizer.end=2"], "are the same"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_what_cannot_be_is_one_line(name, overrides, said):
    with pytest.raises(SpecError) as error:
        effects_of([name], run(*overrides))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("names", [3, 0, True, ["cost", ["harm"]], ["cost", None], {"cost": 1}], ids=str)
def test_what_is_no_list_of_names_is_one_line(names):
    with pytest.raises(SpecError, match=r"^effect=.*: a name or a list of names is wanted, e\.g\. effect="):
        effects_of(names, run(*BLURRED))


def test_all_effects_are_in_the_table_of_the_module():
    assert all(f"| `{name}`" in effects.__doc__ for name in EFFECTS)
