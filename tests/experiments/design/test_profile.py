import dataclasses
import functools

import pytest
import tiny

from critical import data
from critical.core.spec import SpecError
from critical.inference.claims import BATCHES, FIRST_CALIBRATION_SEED
from experiments.design import profile
from experiments.design.config import CONF
from experiments.design.registry import FIGURES
from experiments.output import pipeline, tables

PROFILES = sorted(path.stem for path in (CONF / "profile").glob("*.yaml"))
EVERY = [(name, figure) for name in PROFILES for figure in FIGURES]
FAMILIES = list(dict.fromkeys(figure.family for figure in FIGURES.values()))


@functools.cache
def settings(name):
    """All settings of a profile."""
    return tiny.composed("figures", f"profile={name}", "device=cpu")


@functools.cache
def designs(name):
    """(protocol, parameters, design) of every figure of a profile; of data that may not be had here, the size and the
    classes are pretended."""
    config, found = settings(name), {}
    with pytest.MonkeyPatch.context() as patch:
        for kind in data.KINDS.values():
            patch.setattr(kind, "resolved", lambda self: self)
        patch.setattr("critical.data.base._loaded", tiny.pretended)
        shared = {family: profile.protocol(config, family) for family in FAMILIES}
        for figure in FIGURES.values():
            protocol, parameters = profile.figure_settings(config, figure, shared[figure.family])
            found[figure.name] = protocol, parameters, pipeline.designed(figure, protocol, parameters)
    return found


@pytest.mark.parametrize(("name", "figure"), EVERY)
def test_a_profile_designs_every_figure(name, figure):
    protocol, parameters, design = designs(name)[figure]
    assert isinstance(parameters, FIGURES[figure].parameters)
    assert design.trained
    assert len({str(arm) for arm in design.trained}) == len(design.trained), "labels tell all arms apart"
    if design.table is not None:
        return
    seeds = pipeline.planned_seeds(design, protocol)[:2]
    planned = tables.planned(design, seeds)
    assert len({item.spec.run_id for item in planned}) == len(planned)
    assert len(planned) == len(design.trained) * len(seeds)
    assert len(seeds) == 2 or name == "smoke"
    # Claims rest on what is measured: unless a probe of the profile has the column, no verdict could be given.
    columns = {term.column for claim in design.claims for term in claim.contrast.terms}
    wanted = {"fisher": ("fisher_trace",), "source_variance": ("rsv_mean", "rsv_polarised"),
              "token_variance": ("rsv_one_sided",), "code_probe": ("probe_code", "probe_untrained_code"),
              "stream_probe": ("probe_maps", "probe_averaged", "probe_untrained_maps"),
              "decoding": ("decoding_", "use_", "information_"), "gradients": ("gradient_",), "filters": ("filter_",),
              "fisher_clean": ("fisher_share_clean",), "gradients_clean": ("gradient_mean_clean",),
              "fisher_variants_clean": ("fisher_trace_relative_pathway_clean",),
              "fisher_variants": ("empirical_fisher", "uncertainty", "fixed_loss", "fisher_trace_relative",
                                  "fisher_share_relative")}  # fmt: skip
    there = {probe.name for arm in design.trained for probe in arm.run.probes}
    for probe, beginnings in wanted.items():
        if any(column.startswith(beginnings) for column in columns):
            assert probe in there, f"{figure} claims something of what {probe} measures"


@pytest.mark.parametrize("name", PROFILES)
def test_figures_of_a_profile_claim_on_seeds_of_claims_and_calibrate_on_others(name):
    for figure, (protocol, _, design) in designs(name).items():
        seeds = pipeline.planned_seeds(design, protocol)
        assert bool(design.claims) == (max(seeds) < FIRST_CALIBRATION_SEED), figure
        assert design.claims or min(seeds) >= FIRST_CALIBRATION_SEED, figure
        if design.claims and name != "smoke":
            assert set(seeds) in (set(BATCHES[0]), {*BATCHES[0], *BATCHES[1]}), f"{figure}: whole batches"


@pytest.mark.parametrize("name", PROFILES)
def test_the_headline_of_a_profile_is_of_its_figures(name):
    headline = list(settings(name).headline)
    assert headline == ["all"] or (headline and set(headline) <= set(FIGURES))


@pytest.mark.parametrize("name", PROFILES)
def test_the_strengths_in_use_were_tried(name):
    for _, held in settings(name).two_streams.stabilizers.items():
        assert held.use is None or held.use in held.grid


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "smoke"])
def test_the_strengths_in_use_are_those_that_the_reference_table_chose(name):
    """The best mean, the larger of equals, as the figure says."""
    held = tables.read(CONF.parent / "results" / "reference" / name, "stabilizers/strength").runs
    if held.empty:
        pytest.skip(f"{name} has no reference table of strengths yet")
    means = held.groupby(["stabilizer", "strength"])["accuracy"].mean()
    for method, given in settings(name).two_streams.stabilizers.items():
        if given.use is not None:
            best = means[method].max()
            assert given.use == max(strength for strength, mean in means[method].items() if mean == best), method


def test_the_paper_profile_is_the_paper():
    config = settings("paper")
    assert config.data.name == "cifar10"
    assert config.data.subset is config.data.test_subset is config.data.resolution is None
    assert (config.model.name, config.model.width, config.model.depth) == ("all_cnn", 96, 7)
    assert (config.protocol.rate, config.protocol.decay, config.protocol.recovery) == (0.05, 0.97, 160)
    assert (config.optimizer.name, config.optimizer.weight_decay, config.optimizer.batch_size) == ("sgd", 0.001, 128)
    assert (config.augmentation.shift, config.augmentation.flip) == (4, True)
    assert (config.deficit.name, config.deficit.size) == ("blur", 8)


def smoke(*overrides):
    return tiny.composed("figures", "profile=smoke", "device=cpu", *overrides)


def settled(config, name="iclr2019/deficit_removal"):
    figure = FIGURES[name]
    return profile.figure_settings(config, figure, profile.protocol(config, figure.family))


class TestProtocol:
    def test_each_family_has_its_parts_and_takes_over_the_rest(self):
        config = smoke("protocol.seeds=[4,2]", "+two_streams.protocol.recovery=3")
        vision, two, unlike = (profile.protocol(config, family) for family in ("vision", "two_streams", "modalities"))
        assert (two.parts.data.name, two.parts.model.name, two.deficit.view) == ("two_eyes", "split_all_cnn", "b")
        assert (unlike.parts.data.name, unlike.parts.model.name) == ("image_and_signal", "two_modality")
        tokens = profile.protocol(config, "transformer")
        assert (tokens.parts.model.name, tokens.parts.optimizer.name) == ("two_view_transformer", "adamw")
        assert (tokens.deficit.name, tokens.reset_optimizer) == ("dissociation", True)
        assert two.parts.arithmetic == unlike.parts.arithmetic == vision.parts.arithmetic
        assert (vision.recovery, two.recovery, unlike.recovery) == (2, 3, 2)
        assert vision.seeds == two.seeds == unlike.seeds == (4, 2)
        assert vision.stabilizers == {}
        assert two.stabilizers["fisher_penalty"] == {"grid": [0.01, 0.1], "use": 0.1}

    @pytest.mark.parametrize("given", [[], [1, 1], 3, ["a"], [1.5], [True], None])
    def test_seeds_are_different_whole_numbers(self, given):
        with pytest.raises(SpecError, match=r"^here=") as raised:
            profile.seeds(given, "here")
        assert "\n" not in str(raised.value)
        assert profile.seeds([3, 1], "here") == (3, 1)


class TestFigureSettings:
    def test_what_a_figure_does_not_say_follows_from_the_protocol(self):
        shared, parameters = settled(smoke("protocol.longest_window=6", "protocol.points=3"))
        assert parameters.removals == (2, 4, 6)
        assert shared.seeds == (0, 1)

    def test_a_profile_overrides_single_parameters(self):
        _, parameters = settled(smoke("+figures={controls/permanence:{late_onset:7}}"), "controls/permanence")
        assert dataclasses.asdict(parameters) == {"length": 1, "late_onset": 7, "budgets": (1, 2, 4, 8)}

    def test_a_figure_may_have_seeds_of_its_own(self):
        config = smoke("+figures={iclr2019/deficit_removal:{seeds:[5,6,7]}}")
        assert settled(config)[0].seeds == (5, 6, 7)
        assert settled(config, "controls/permanence")[0].seeds == (0, 1)
        assert config.figures["iclr2019/deficit_removal"].seeds == [5, 6, 7], "the configuration itself stays"

    def test_where_seeds_are_a_parameter_they_stay_one(self):
        shared, parameters = settled(smoke(), "stabilizers/strength")
        assert (shared.seeds, parameters.seeds) == ((0, 1), (1000,))

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ("{removal:[1]}", "deficit_removal.removal: there is no such setting; did you mean 'removals'"),
            ("{removals:[2,1]}", r"removals=\[2, 1\]: at least 2 ascending epochs from 1 on are wanted$"),
            ("{removals:[1]}", r"^figures\.iclr2019/deficit_removal\.removals=\[1\]: at least 2 ascending epochs from"),
            ("{removals:[1.5]}", r"^figures\.iclr2019/deficit_removal\.removals=1\.5: expected int$"),
            ("{removals:3}", r"^figures\.iclr2019/deficit_removal\.removals=3: expected a list$"),
            ("{seeds:[1,1]}", r"figures.iclr2019/deficit_removal.seeds=\[1, 1\]: at least one seed, each once"),
        ],
    )
    def test_what_cannot_be_is_refused_in_one_line(self, given, said):
        with pytest.raises(SpecError, match=said) as raised:
            settled(smoke(f"+figures={{iclr2019/deficit_removal:{given}}}"))
        assert "\n" not in str(raised.value)

    @pytest.mark.parametrize(
        ("figure", "given", "said"),
        [
            ("iclr2019/deficit_removal", "longest_window=1", "removals=[1]"),
            ("iclr2019/deficit_removal", "points=1", "removals=[2]"),
            ("iclr2019/sensitivity_window", "longest_window=1", "onsets=[0]"),
        ],
    )
    def test_of_what_follows_from_the_profile_the_refusal_says_from_what(self, figure, given, said):
        with pytest.raises(SpecError) as raised:
            settled(smoke(f"protocol.{given}"), figure)
        message = str(raised.value)
        name, _, value = given.partition("=")
        assert message.startswith(f"{said}: at least 2 ascending epochs")
        assert f"{name}={value}" in message
        assert "protocol.longest_window=" in message
        assert message.endswith(f"raise them, or set {said.partition('=')[0]} in figures")
        assert "\n" not in message

    def test_it_names_the_settings_of_the_family(self):
        with pytest.raises(SpecError, match=r"split_removal has that from two_streams\.protocol\.longest_window=1 and"):
            settled(smoke("+two_streams.protocol={longest_window:1}"), "cvpr2023/split_removal")

    def test_what_was_set_is_not_blamed_on_the_protocol(self):
        """Also where a default that stands beside it does not go with it: that one is named with what to set."""
        said = r"^other_removals=\[1, 2\]: some of removals=.* set other_removals in figures$"
        with pytest.raises(SpecError, match=said):
            settled(smoke("+figures={cvpr2023/split_removal:{removals:[1,9]}}"), "cvpr2023/split_removal")
