"""The claims about networks of two streams against coefficients written by hand: dissociation, depth, Fisher, age."""

from dataclasses import replace

import numpy as np
import pytest
import tiny
from test_claims_by_hand import RECOVERY, cell, design, key, of, seen, window
from test_weights_by_hand import claim
from worlds_of_splits import deeper

from critical.core.spec import settings
from critical.inference.arms import Pooled, Within
from critical.inference.claims import BATCHES
from critical.inference.verdicts import verdicts
from critical.probes import SourceVarianceProbe
from experiments.design.depths import EQUAL, SAME, Blocks, split_networks
from experiments.design.dissociations import variants
from experiments.design.protocol import FRESH
from experiments.design.registry import FIGURES

PARTED, TOGETHER, MAPS = "dissociation b", "split_heads", "probe_maps_b"


def terms(contrast):
    """(what acts in an arm, its variant, column, whether of its logarithm) → coefficient."""
    return {(of(term.arm), term.arm.tags.get("variant", ""), term.column, term.logarithm): weight
            for term, weight in contrast.items()}  # fmt: skip


def term(epochs, column, weight=1.0, variant="", logarithm=False):
    return {(key(epochs), variant, column, logarithm): weight}


def above_sham(column, how="continue", end=6, weight=1.0, variant=""):
    return {**term(window(PARTED, 0, end, how), column, weight, variant),
            **term(window(TOGETHER, 0, end, how), column, -weight, variant)}  # fmt: skip


def both(name, **given):
    at = given.pop("at", "")
    return {f"{name}_{column}": above_sham(f"rsv_{column}{at}", **given) for column in ("two_sided", "dip")}


CONTRASTS = {
    f"dissociation.{name}": wanted
    for name, wanted in {
        **both("removal", at="@6"),
        **both("recovered"),
        **both("restarted", how="restart"),
        **both("no_weight_decay", variant="no weight decay"),
        **both("no_augmentation", variant="no augmentation"),
        **{name: {**term(window(PARTED, 0, 6, how), "rsv_two_sided"),
                  **term(window(PARTED, 0, 2, how), "rsv_two_sided", -1.0)}
           for name, how in (("longer", "continue"), ("restarted_longer", "restart"))},
        **{f"{name}_than_sham": {**above_sham("rsv_two_sided", how=how),
                                 **above_sham("rsv_two_sided", how=how, end=2, weight=-1.0)}
           for name, how in (("longer", "continue"), ("restarted_longer", "restart"))},
        "not_young": {**term(window(PARTED, 0, 6, "continue"), "rsv_two_sided@6"),
                      **term(window(TOGETHER, 0, 2, "continue"), "rsv_two_sided@2", -1.0)},
        "mends": {**above_sham("rsv_two_sided@6"), **above_sham("rsv_two_sided", weight=-1.0)},
        "no_preference": above_sham("rsv_mean@6"),
    }.items()
}  # fmt: skip
NAMES = ("cvpr2023/rsv_dissociation", "cvpr2023/split_age", "cvpr2023/split_depth", "cvpr2023/split_fisher")
FLAT, THIN = 0.02, {SAME: {1: 4, 3: 4}, EQUAL: {1: 8, 3: 2}}
"""The constant rate; and widths by number of blocks, in the second place those of as many parameters."""


def flat(*parts):
    """Epochs at the constant rate, by hand: pairs of what acts and for how long."""
    return [epoch for what, length in parts for epoch in seen(what, length * [FLAT])]


def below_flat(kind, blocks, weight=1.0, clean=0):
    """Without a window, or with as many clean epochs instead, less with one until epoch 6."""
    variant = f"blocks {blocks}, width {THIN[kind][blocks]}"
    return {**term(flat(("", clean + RECOVERY)), "accuracy", weight, variant),
            **term(flat(("blur b", 6), ("", RECOVERY)), "accuracy", -weight, variant)}  # fmt: skip


def gained_flat(kind, blocks, weight=1.0):
    """What as many clean epochs as the window has give besides."""
    variant = f"blocks {blocks}, width {THIN[kind][blocks]}"
    return {**term(flat(("", 6 + RECOVERY)), "accuracy", weight, variant),
            **term(flat(("", RECOVERY)), "accuracy", -weight, variant)}  # fmt: skip


CONTRASTS |= {
    "split_depth.deep_loses": below_flat(SAME, 3),
    "split_depth.thin_loses": below_flat(EQUAL, 3),
    "split_depth.deep_costs": below_flat(SAME, 3, clean=6),
    "split_depth.thin_costs": below_flat(EQUAL, 3, clean=6),
    "split_depth.gains_alike": {**gained_flat(SAME, 3), **gained_flat(SAME, 1, -1.0)},
    "split_depth.gains_alike_equal": {**gained_flat(EQUAL, 3), **gained_flat(EQUAL, 1, -1.0)},
    "split_depth.deeper_points": {**below_flat(SAME, 3), **below_flat(SAME, 1, -1.0)},
    "split_depth.deeper_equal_points": {**below_flat(EQUAL, 3), **below_flat(EQUAL, 1, -1.0)},
}
SEEN, CLEAN, RELATIVE, RELATIVE_CLEAN = (
    f"fisher_trace_{kind}/" for kind in ("pathway", "pathway_clean", "relative_pathway", "relative_pathway_clean"))


def tilted(trace, at="", how="continue", weight=1.0):
    """By how much more, as a logarithm, pathway b falls behind pathway a than after clean epochs."""
    found = {}
    for what, view, sign in (("blur b", "b", 1), ("blur b", "a", -1), ("", "b", -1), ("", "a", 1)):
        found |= term(window(what, 0, 6, how), f"{trace}{view}{at}", sign * weight, logarithm=True)
    return found


def side(trace, view, at="", how="continue"):
    """How many times that after clean epochs the trace of one pathway is, as a logarithm."""
    return {**term(window("blur b", 0, 6, how), f"{trace}{view}{at}", logarithm=True),
            **term(window("", 0, 6, how), f"{trace}{view}{at}", -1.0, logarithm=True)}  # fmt: skip


def window_cost(onset, weight=1.0):
    return {**term(window("", onset, 2, "at onset"), "accuracy", weight),
            **term(window("blur b", onset, 2, "at onset"), "accuracy", -weight)}  # fmt: skip


CONTRASTS |= {
    "pathways.removal": tilted(SEEN, "@6"),
    "pathways.on_clean": tilted(CLEAN, "@6"),
    "pathways.on_clean_relative": tilted(RELATIVE_CLEAN, "@6"),
    "pathways.lasting": tilted(SEEN),
    "pathways.lasting_relative": tilted(RELATIVE),
    "pathways.restarted": tilted(SEEN, how="restart"),
    "pathways.mends": {**tilted(SEEN), **tilted(CLEAN, "@6", weight=-1.0)},
    **{f"pathways.{name}_of_{view}": side(trace, view, *given)
       for name, trace, *given in (("on_clean", CLEAN, "@6"), ("lasting", SEEN), ("lasting_relative", RELATIVE),
                                   ("restarted", SEEN, "", "restart")) for view in "ab"},
    "pathways.closes": {**window_cost(0), **window_cost(3, -1.0)},
    **{f"pathways.{name}": {**term(window("", 0, 0, "restart"), column),
                            **term(window("blur b", 0, 2, "at onset"), column, -1.0)}
       for name, column in (("damages", "accuracy"), ("damages_decoded", "decoding_b"))},
}
LATE = 7
"""The age at which the rate has fallen to a quarter."""


def aged(age, high, length=2, settle=0, beside="skip", column="accuracy", weight=1.0):
    """What a window at a constant rate does, beside as many clean epochs or the run without its epochs."""
    ill = cell("blur b", age, high, length, settle)
    start = age + settle
    other = ill[:start] + ill[start + length :] if beside == "skip" else cell("", age, high, length, settle)
    return {**term(other, column, weight), **term(ill, column, -weight)}


def added(*parts):
    total = {}
    for part in parts:
        for one, weight in part.items():
            total[one] = total.get(one, 0.0) + weight
    return {one: weight for one, weight in total.items() if weight}


def early_more(high, **given):
    return added(aged(0, high, **given), aged(LATE, high, weight=-1.0, **given))


def high_more(length=2, settle=0, **given):
    """The high windows may begin settled, the low ones never do."""
    return added(*(aged(age, high, 2 if high else length, settle * high, weight=0.5 if high else -0.5, **given)
                   for age in (0, LATE) for high in (True, False)))  # fmt: skip


READ = {"damage": "accuracy", "decoded": "decoding_b", "impaired": MAPS}
RATES = {"high": (True, 0), "low": (False, 0), "settled": (True, 1)}
"""Whether high, and the epochs that settle."""


CONTRASTS |= {
    **{f"split_age.cost_{rate}": early_more(high, settle=settle, beside="clean")
       for rate, (high, settle) in RATES.items()},
    **{f"split_age.{name}_{rate}": early_more(high, settle=settle, column=column)
       for rate, (high, settle) in RATES.items() for name, column in READ.items()},
    **{f"split_age.early_{name}_{rate}": aged(0, high, settle=settle, column=column)
       for rate, (high, settle) in RATES.items() for name, column in READ.items()},
    "split_age.rate_cost": high_more(beside="clean"),
    "split_age.rate_cost_settled": high_more(settle=1, beside="clean"),
    "split_age.rate_not_dose": high_more(length=8, beside="clean"),
    "split_age.late_damage": aged(LATE, True),
    "split_age.no_shock": added(aged(LATE, True), aged(LATE, True, settle=1, weight=-1.0)),
    **{f"split_age.{name}_rate{end}": high_more(settle=settle, column=READ[name], beside="clean")
       for name in ("decoded", "impaired") for end, settle in (("", 0), ("_settled", 1))},
}  # fmt: skip
CASES = [(name, one.id) for name in NAMES for one in design(name).claims
         if not isinstance(one.contrast, (Pooled, Within))]  # fmt: skip


@pytest.mark.parametrize(("figure", "claim_id"), CASES)
def test_a_claim_contrasts_the_arms_that_its_sentence_names(figure, claim_id):
    assert terms(claim(figure, claim_id).contrast) == CONTRASTS[claim_id]


def test_every_contrast_by_hand_is_one_of_a_claim():
    assert {claim_id for _, claim_id in CASES} == set(CONTRASTS)


class TestDissociation:
    NAME = "cvpr2023/rsv_dissociation"

    def test_it_is_learnt_where_it_is_told_at_least_halfway_from_chance_to_whole_pairs(self):
        for name, variant in (("views", ""), ("no_weight_decay_views", "no weight decay"),
                              ("no_augmentation_views", "no augmentation")):  # fmt: skip
            held = claim(self.NAME, f"dissociation.{name}_learns").contrast
            assert [terms(part) for part in held.parts] == [
                term(window(what, 0, 6, "continue"), "accuracy_deficient", variant=variant)
                for what in (PARTED, TOGETHER)]  # fmt: skip
            assert held.estimate(np.array([52.0, 90.0])) == pytest.approx(52 - (10 + 90) / 2)

    def test_all_arms_say_how_far_units_are_from_one_mode(self):
        for arm in design(self.NAME).trained:
            (probe,) = (probe for probe in arm.run.probes if isinstance(probe, SourceVarianceProbe))
            assert probe.modes
            assert {**settings(probe), "modes": None} == {**settings(SourceVarianceProbe(examples=8)), "modes": None}

    def test_dissociated_networks_and_shams_have_the_rate_of_the_figure(self):
        parameters = FIGURES[self.NAME].parameters((2, 4), rate=0.01, decay=0.9)
        for arm in FIGURES[self.NAME].design(tiny.protocol(family="two_streams", longest_window=4), parameters).trained:
            rates = [epoch.rate for epoch in arm.run.epoch_specs]
            assert rates[:2] == pytest.approx([0.01, 0.009])
            removal = arm.run.timeline.removal or arm.tags["removal"]
            restarted = arm.tags["schedule"] == "restart"
            assert rates[removal] == pytest.approx(0.01 if restarted else 0.01 * 0.9**removal)

    def test_what_does_not_act_has_no_variant_without_it(self):
        held = tiny.protocol(family="two_streams")
        assert held.parts.optimizer.weight_decay > 0
        assert list(variants(held)) == ["no weight decay", "no augmentation"]
        undecayed, unmoved = (made.parts for made in variants(held).values())
        assert undecayed == replace(held.parts, optimizer=replace(held.parts.optimizer, weight_decay=0.0))
        assert unmoved == replace(held.parts, augmentation=replace(held.parts.augmentation, shift=0, flip=False))
        still = held.variant("still", augmentation={"shift": 0, "flip": False})
        assert list(variants(still)) == ["no weight decay"]
        plain = still.variant("plain", optimizer={"weight_decay": 0.0})
        assert not variants(plain)
        named = FIGURES[self.NAME].design(tiny.protocol(family="two_streams", longest_window=4),
                                          FIGURES[self.NAME].parameters((2, 4), 0.05, 0.8)).claims  # fmt: skip
        assert {"dissociation.no_weight_decay_learns", "dissociation.no_augmentation_learns"} <= {
            one.id for one in named}  # fmt: skip

    def test_histograms_are_those_after_the_epochs_that_they_name(self):
        at_end, recovered = design(self.NAME).panels[0]
        assert (at_end.suffix, recovered.suffix) == ("@6", "")
        assert [of(arm) for _, arm in at_end.lines] == [key(window(what, 0, 6, "continue"))
                                                        for what in (TOGETHER, PARTED)]  # fmt: skip
        assert [of(arm) for _, arm in recovered.lines[1:]] == [key(window(PARTED, 0, end, "continue"))
                                                               for end in (2, 4, 6)]  # fmt: skip
        assert design(self.NAME).at["rsv_histogram/19"] == (6,)


class TestDepth:
    NAME = "cvpr2023/split_depth"

    @pytest.mark.parametrize(("suffix", "kind"), [("", SAME), ("_equal", EQUAL)])
    @pytest.mark.parametrize(("reference", "clean"), [("", RECOVERY), ("_dose", 6 + RECOVERY)])
    def test_what_is_lost_is_a_share_of_what_the_same_network_has_without(self, suffix, kind, reference, clean):
        held = claim(self.NAME, f"split_depth.deeper{suffix}{reference}").contrast
        wanted = [
            term(epochs, "accuracy", variant=f"blocks {blocks}, width {THIN[kind][blocks]}")
            for blocks in (3, 1) for epochs in (flat(("blur b", 6), ("", RECOVERY)), flat(("", clean)))
        ]  # fmt: skip
        assert [terms(part) for part in held.parts] == wanted
        assert held.estimate(np.array([60.0, 80.0, 81.0, 90.0])) == pytest.approx((1 - 60 / 80) - (1 - 81 / 90))

    def test_a_deeper_network_loses_more_only_where_it_loses_something(self):
        for name, premise in (("", "deep_loses"), ("_points", "deep_loses"), ("_dose", "deep_costs"),
                              ("_equal", "thin_loses"), ("_equal_points", "thin_loses"),
                              ("_equal_dose", "thin_costs")):  # fmt: skip
            held = claim(self.NAME, f"split_depth.deeper{name}")
            assert f"split_depth.{premise}" in held.requires

    def test_that_a_shallow_network_still_learns_is_not_taken_for_a_loss_of_the_deep_one(self):
        shown, seeds = design(self.NAME), BATCHES[0]

        def world(arm):
            more = 15.0 * arm.tags["variant"].startswith("blocks 1,") * (arm.tags["role"] != FRESH)
            return {**tiny.MEASURED, "accuracy": 70.0 + more + deeper(arm.tags)["accuracy"]}

        held = tiny.fabricated(shown, seeds, world)
        words = {one.claim_id.partition(".")[2]: one.verdict for one in verdicts(held.runs, shown.claims, seeds)}
        assert words["gains_alike"] == words["gains_alike_equal"] == "reversed"
        for name in ("deeper", "deeper_points", "deeper_dose"):
            assert words[name] == words[name.replace("deeper", "deeper_equal")] == "premise failed"

    def test_lines_are_the_accuracy_kept(self):
        (same, equal), (beside_clean, _) = design(self.NAME).panels[:2]
        for panel, clean in ((same, lambda end: RECOVERY), (equal, lambda end: RECOVERY),
                             (beside_clean, lambda end: end + RECOVERY)):  # fmt: skip
            for _, line in panel.lines:
                assert list(line) == [2, 3, 4, 6]
                for end, value in line.items():
                    parts = [next(iter(terms(part))) for part in value.parts]
                    assert [epochs for epochs, *_ in parts] == [key(flat(("blur b", end), ("", RECOVERY))),
                                                                key(flat(("", clean(end))))]  # fmt: skip
                    assert value.estimate(np.array([60.0, 80.0])) == 0.75

    def test_the_rate_is_one_in_all_epochs_of_all_arms(self):
        arms = design(self.NAME).trained
        assert {epoch.rate for arm in arms for epoch in arm.run.epoch_specs} == {FLAT}
        assert {arm.run.model.heads for arm in arms} == {False}, "the papers' networks have one head"

    def test_networks_of_equal_size_have_the_parameters_of_two_blocks(self):
        parameters = Blocks(removals=(1, 2), blocks=(1, 2, 3), width=96, constant_rate=0.001, recovery=160)
        made = split_networks(parameters, 10)
        assert [made[SAME, blocks].width for blocks in (1, 2, 3)] == [96] * 3
        assert made[EQUAL, 2] == made[SAME, 2]
        for blocks in (1, 3):
            assert made[EQUAL, blocks].parameters() == pytest.approx(3_977_290, rel=0.1)

    def test_in_paper_it_has_the_papers_numbers(self):
        config = tiny.composed("figures", "profile=paper", "device=cpu")
        assert FIGURES[self.NAME].parameters(**{
            **FIGURES[self.NAME].parameters.defaults(tiny.protocol(family="two_streams", longest_window=180, points=9)),
            **config.figures[self.NAME], "width": 96,
        }) == Blocks((40, 80, 120, 160, 200, 240, 280), (1, 2, 3), 96, 0.001, 160)  # fmt: skip


class TestFisher:
    """Windows of 2 epochs at 0 to 3; correlations are over those above 0."""

    NAME, LATER = "cvpr2023/split_fisher", (1, 2, 3)
    RUN = window("", 0, 3, "continue")
    EFFECTS = {"cost": ("accuracy", False), "damage": ("accuracy", True), "decoded": ("decoding_b", True)}  # noqa: RUF012

    def effect(self, onset, column, skipped):
        ill = window("blur b", onset, 2, "at onset")
        other = ill[:onset] + ill[onset + 2 :] if skipped else window("", onset, 2, "at onset")
        return {**term(other, column), **term(ill, column, -1.0)}

    @pytest.mark.parametrize("kind", EFFECTS)
    @pytest.mark.parametrize("what", ["follows", "beyond_clock"])
    def test_what_windows_do_and_the_trace_of_pathway_b_at_their_onset_go_together(self, kind, what):
        held = claim(self.NAME, f"pathways.{what}_{kind}").contrast
        assert len(held.parts) == 6
        for onset, done, trace in zip(self.LATER, held.parts[:3], held.parts[3:], strict=True):
            assert terms(done) == self.effect(onset, *self.EFFECTS[kind])
            assert terms(trace) == term(self.RUN, f"{SEEN}b@{onset}", logarithm=True)
        same = held.estimate(np.array([3.0, 1.0, 2.0, 30.0, 10.0, 20.0]))
        assert same == pytest.approx({"follows": 1.0, "beyond_clock": 1.0 - 0.5}[what])

    def test_each_correlation_requires_that_the_first_window_does_what_is_correlated(self):
        for kind, premise in (("cost", "closes"), ("damage", "damages"), ("decoded", "damages_decoded")):
            assert f"pathways.{premise}" in claim(self.NAME, f"pathways.follows_{kind}").requires

    def test_the_pathway_is_set_against_the_whole_network(self):
        held = claim(self.NAME, "pathways.beyond_whole").contrast
        assert [terms(part) for part in held.parts[6:]] == [
            term(self.RUN, f"fisher_trace@{onset}", logarithm=True) for onset in self.LATER]  # fmt: skip
        assert held.estimate(np.array([3.0, 1, 2, 3, 1, 2, 1, 2, 3])) == pytest.approx(1.0 - 0.5)

    def test_what_is_drawn_by_epoch_is_measured_after_every_epoch(self):
        for panel in (*design(self.NAME).panels[0], design(self.NAME).panels[2][0]):
            probes = {probe.name: probe.every for probe in panel.arm.run.probes}
            assert (probes["fisher"], probes["fisher_clean"]) == (1, 1)
            assert set(panel.columns) <= {f"{trace}{pathway}" for trace in (SEEN, CLEAN) for pathway in
                                          ("a", "b", "trunk")}  # fmt: skip
        (ran,) = [arm for arm in design(self.NAME).trained if of(arm) == key(self.RUN)]
        assert next(probe for probe in ran.run.probes if probe.name == "fisher").every == 1


def test_at_one_age_both_rates_are_set_beside_the_same_skipped_run():
    skipped = [arm for arm in design("cvpr2023/split_age").trained if arm.tags["role"] == "skip"]
    epochs = [of(arm) for arm in skipped]
    late = cell("", LATE, True, 2)
    assert key(late[:LATE] + late[LATE + 2 :]) in epochs
    assert len(set(epochs)) == len(epochs) == 3, "settled ones have epochs at their own rate, and early ones are fresh"


def test_rates_are_compared_by_costs_and_no_clean_network_cancels():
    """Of damage, the skipped runs of one age would: what is left is one blurred network less another."""
    for name in ("rate_cost", "rate_cost_settled", "rate_not_dose", "decoded_rate", "decoded_rate_settled",
                 "impaired_rate", "impaired_rate_settled"):
        held = claim("cvpr2023/split_age", f"split_age.{name}").contrast
        assert len([one for one in held if one.arm.tags["role"] == "dose_matched"]) == 4
        assert sum(held.values()) == 0


def test_an_early_and_a_late_window_are_the_default():
    given = FIGURES["cvpr2023/split_age"].parameters.defaults(tiny.protocol(longest_window=8, points=2))
    assert given == {"length": 4, "late_onsets": (7,), "settle": 2}
