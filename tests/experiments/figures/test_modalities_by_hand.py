"""Unlike modalities by age, rate and noise: arms and claims against epochs written by hand.

Windows have two epochs, recoveries four; the rate has become low at epoch 7.
"""

import numpy as np
import pytest
import tiny
from test_claims_by_hand import RATE, cell, decaying, design, fresh, key, minus, of, plus, seen, times, window

from critical.core.spec import SpecError
from critical.data import Arrays
from critical.inference.arms import Pooled, Within
from critical.inference.claims import BATCHES
from critical.inference.verdicts import verdicts
from experiments.design import profile
from experiments.design.hardness import Hardness
from experiments.design.modalities import ModalityAges
from experiments.design.registry import FIGURES

AGES, NOISES = "multimodal/modality_age", "multimodal/easy_wins"
NAMES = {"a": "image", "b": "signal"}
KINDS = {"high": (True, 2, 0), "high, settled": (True, 2, 1), "low": (False, 2, 0), "low, longer": (False, 8, 0)}


def lost(view, onset, column):
    """A window whose rate starts again at the onset; without a column accuracy is meant."""
    measured = f"{column}_{view}" if column else "accuracy"
    return {(key(window(acting, onset, 2, "at onset")), measured): weight
            for acting, weight in (("", 1.0), (f"view_dropout {view}", -1.0))}  # fmt: skip


def damage(view, onset, column):
    skipped = fresh("at onset") if not onset else seen("", decaying(0, onset) + decaying(0, 4))
    deprived = window(f"view_dropout {view}", onset, 2, "at onset")
    return {(key(skipped), f"{column}_{view}"): 1.0, (key(deprived), f"{column}_{view}"): -1.0}


def damage_at(view, kind, age, column="decoding"):
    """A window at a constant rate beside the run that skips it; of settled windows only the settling is left."""
    high, length, settle = KINDS[kind]
    whole = cell(f"view_dropout {view}", age, high, length, settle)
    skipped = whole[: age + settle] + whole[age + settle + length :]
    return {(key(skipped), f"{column}_{view}"): 1.0, (key(whole), f"{column}_{view}"): -1.0}


def at_rate(view, kind, age, column="decoding"):
    high, length, settle = KINDS[kind]
    return {(key(cell(acting, age, high, length, settle)), f"{column}_{view}"): weight
            for acting, weight in (("", 1.0), (f"view_dropout {view}", -1.0))}  # fmt: skip


def age(view, kind, column="decoding"):
    return plus(at_rate(view, kind, 0, column), minus(at_rate(view, kind, 7, column)))


def rate(view, low):
    return times(0.5, plus(*(plus(at_rate(view, "high", at), minus(at_rate(view, low, at))) for at in (0, 7))))


def of_view(view):
    return {
        "older": plus(lost(view, 0, "decoding"), minus(lost(view, 12, "decoding"))),
        "older_stream": plus(lost(view, 0, "probe_maps"), minus(lost(view, 12, "probe_maps"))),
        "late": lost(view, 12, "decoding"),
        "high": age(view, "high"),
        "settled": age(view, "high, settled"),
        "settled_stream": age(view, "high, settled", "probe_maps"),
        "low": age(view, "low"),
        "rate": rate(view, "low"),
        "dose_early": plus(at_rate(view, "high", 0), minus(at_rate(view, "low, longer", 0))),
        "dose_late": plus(at_rate(view, "high", 7), minus(at_rate(view, "low, longer", 7))),
        "accuracy": plus(lost(view, 0, ""), minus(lost(view, 12, ""))),
        "errs_less": {(place, "log error"): -weight for (place, _), weight in lost(view, 0, "").items()},
        "age_or_rate": plus(damage_at(view, "low", 0), minus(damage_at(view, "high", 7))),
        "no_shock": plus(damage_at(view, "high", 7), minus(damage_at(view, "high, settled", 7))),
        **of_damage(view),
    }


def of_damage(view):
    """Of each kind the damage of the early window, and how much more that is than the late one's."""
    found = {}
    for what, column in (("older", "decoding"), ("older_stream", "probe_maps")):
        found[what] = damage(view, 0, column), damage(view, 12, column)
    for what, kind, column in (("high", "high", "decoding"), ("settled", "high, settled", "decoding"),
                               ("settled_stream", "high, settled", "probe_maps"), ("low", "low", "decoding"),
                               ("longer", "low, longer", "decoding"), ("longer_stream", "low, longer", "probe_maps")):
        found[what] = damage_at(view, kind, 0, column), damage_at(view, kind, 7, column)
    return {
        **{f"{what}_harmed": early for what, (early, _) in found.items()},
        **{f"{what}_damage": plus(early, minus(late)) for what, (early, late) in found.items()},
    }


def found_in(name):
    return {claim.id: {(of(term.arm), f"log {term.column}" if term.logarithm else term.column): weight
                       for term, weight in claim.contrast.items()}
            for claim in design(name).claims if not isinstance(claim.contrast, (Pooled, Within))}  # fmt: skip


def test_claims_about_age_and_rate_contrast_what_their_sentences_name():
    wanted = {f"ages.{name}_{what}": held for view, name in NAMES.items() for what, held in of_view(view).items()}
    assert found_in(AGES) == wanted
    requires = {claim.id: claim.requires for claim in design(AGES).claims}
    for claim_id, held in requires.items():
        begin, first = claim_id.rpartition("_")[0], claim_id.partition("_")[0]
        known = {f"{begin}_damage": f"{begin}_harmed", f"{first}_late": f"{first}_older"}
        known |= {f"{first}_age_or_rate": f"{first}_low_harmed"}
        wanted_premise = known.get(claim_id, "ages.learns")
        assert held == ((wanted_premise,) if claim_id != "ages.learns" else ())


def test_equal_doses_have_equal_summed_rates():
    for view in NAMES:
        for at in (0, 7):
            sums = []
            for kind in ("high", "low, longer"):
                epochs = next(epochs for epochs, _ in at_rate(view, kind, at) if any(acting for acting, _ in epochs))
                sums.append(sum(float(held) for acting, held in epochs if acting))
            assert sums[0] == pytest.approx(sums[1]) == pytest.approx(2 * RATE)


def test_four_ages_are_those_of_the_figure_of_two():
    """So that the arms of both are trained once."""
    ages, both = (set(design(name).trained) for name in (AGES, "multimodal/modality_dropout"))
    early = {arm for arm in both if arm.tags["onset"] == 0}
    assert early <= ages
    config = tiny.composed("figures", "profile=quick", "device=cpu")
    shared = profile.protocol(config, "modalities")
    ages, both = (set(FIGURES[name].design(*profile.figure_settings(config, FIGURES[name], shared)).trained)
                  for name in (AGES, "multimodal/modality_dropout"))  # fmt: skip
    assert both <= ages, "in quick both its onsets are among the four"


@pytest.mark.parametrize(
    ("longest", "points", "length", "onsets"),
    [(8, 2, 4, (0, 4, 8, 16)), (20, 4, 5, (0, 10, 20, 40)), (1, 1, 1, (0, 1, 2, 3)), (2, 2, 1, (0, 1, 2, 4))],
)
def test_windows_lie_at_four_ages(longest, points, length, onsets):
    held = ModalityAges.defaults(tiny.protocol(longest_window=longest, points=points))
    assert (held["length"], held["onsets"], held["late"]) == (length, onsets, 7)


def arms_of_noise():
    """Settings by name → the arms clean, fresh, without image, without signal."""
    found = {}
    for arm in design(NOISES).trained:
        acting = {name for name, _ in of(arm)} - {""}
        role = "fresh" if len(of(arm)) == 4 else next(iter(acting), "")
        found.setdefault(arm.tags.get("variant", "base"), {})[role] = arm
    return found


def test_settings_differ_in_the_noise_that_their_names_say():
    found = arms_of_noise()
    wanted = {"base": {}, "image noise 0.3": {"noise": 0.3}, "image noise 0.6": {"noise": 0.6},
              "signal noise 0.75": {"signal_noise": 0.75}, "signal noise 1.5": {"signal_noise": 1.5}}  # fmt: skip
    assert found.keys() == wanted.keys()
    for name, arms in found.items():
        assert {acting: of(arm) for acting, arm in arms.items()} == {
            **{acting: key(window(acting, 0, 2, "at onset")) for acting in ("", "view_dropout a", "view_dropout b")},
            "fresh": key(fresh("at onset")),
        }
        for arm in arms.values():
            own = arm.run.data
            assert {"noise": own.noise, "signal_noise": own.signal_noise} == {
                "noise": 0.02, "signal_noise": 2.5, **wanted[name]
            }  # fmt: skip


def test_claims_about_noise_compare_the_ends():
    found = arms_of_noise()

    def clean(setting, column, weight=1.0):
        return {(found[setting][""].id, column): weight}

    def easier(setting, sign=1.0):
        """Each stream at the end of the window, when it was trained alone."""
        no_image, no_signal = (found[setting][f"view_dropout {view}"].id for view in "ab")
        return {(no_signal, "probe_maps_a@2"): sign, (no_image, "probe_maps_b@2"): -sign}

    def used(setting, sign=1.0):
        return clean(setting, "use_a", sign) | clean(setting, "use_b", -sign)

    noisy, clear = "image noise 0.6", "signal noise 0.75"
    assert {claim.id: {(term.arm.id, term.column): weight for term, weight in claim.contrast.items()}
            for claim in design(NOISES).claims if not isinstance(claim.contrast, Within)} == {
        "easy.image_easier": easier("base"),
        "easy.signal_easier": easier(clear, -1.0),
        "easy.used_image": used("base") | used(noisy, -1.0),
        "easy.used_signal": used("base") | used(clear, -1.0),
    }  # fmt: skip
    assert design(NOISES).at == {"probe_maps_a": (2,), "probe_maps_b": (2,)}


CHANCE = {"use": 0.0, "probe_maps": 10.0}


def levels_at_random(found):
    """Numbers that no other arm has, above chance."""
    random = np.random.default_rng(3)
    return {(arm.id, f"{column}_{view}"): random.uniform(11, 99)
            for arms in found.values() for arm in arms.values() for column in CHANCE for view in "ab"}  # fmt: skip


def values_of(claim, levels):
    return np.array([sum(weight * levels[term.arm.id, term.column] for term, weight in part.items())
                     for part in claim.contrast.parts])  # fmt: skip


@pytest.mark.parametrize(("end", "beside"), [("", ""), ("_damage", "fresh")])
def test_shares_that_are_lost_are_those_of_each_modality(end, beside):
    """What the signal loses more, as shares of what clean networks have, or fresh ones."""
    found = arms_of_noise()
    levels = levels_at_random(found)

    def share(setting, view, column):
        held, floor = found[setting], CHANCE[column]
        whole, left = (levels[held[role].id, f"{column}_{view}"] - floor for role in (beside, f"view_dropout {view}"))
        return 1 - left / whole

    def more(setting, column="use"):
        return share(setting, "b", column) - share(setting, "a", column)

    base, noisy, clear = "base", "image noise 0.6", "signal noise 0.75"
    def grows(noisier, clearer, view, column="use"):
        return share(noisier, view, column) - share(clearer, view, column)

    stream = {setting: more(setting, "probe_maps") for setting in (base, noisy, clear)}
    wanted = {"hard_loses": more(base), "reversed": -more(clear),
              "hard_loses_stream": stream[base], "reversed_stream": -stream[clear],
              "image_noise": more(base) - more(noisy), "signal_noise": more(base) - more(clear),
              "image_noise_stream": stream[base] - stream[noisy], "signal_noise_stream": stream[base] - stream[clear],
              "image_noise_own": grows(noisy, base, "a"), "signal_noise_own": grows(base, clear, "b"),
              "image_noise_stream_own": grows(noisy, base, "a", "probe_maps"),
              "signal_noise_stream_own": grows(base, clear, "b", "probe_maps")}  # fmt: skip
    claims = {claim.id: claim for claim in design(NOISES).claims}
    for name, value in wanted.items():
        claim = claims[f"easy.{name}{end}"]
        values = values_of(claim, levels)
        assert claim.unit == "share"
        assert claim.contrast.estimate(values) == pytest.approx(value), claim.id
        assert np.isnan(claim.contrast.estimate(np.zeros_like(values))), "of nothing there is no share"


def test_a_modality_that_loses_no_more_itself_is_not_said_to_lose_more_beside_the_other():
    """A noisier image also makes the signal the easier one, whose smaller loss would bear out the difference alone."""
    cuts = arms_of_noise()
    lost = {("base", "a"): 0.2, ("base", "b"): 0.7, ("image noise 0.6", "a"): 0.2, ("image noise 0.6", "b"): 0.2}

    def world(arm):
        setting = arm.tags.get("variant", "base")
        cut = next(acting for acting, held in cuts[setting].items() if held == arm)[-1:]
        return {f"use_{view}": 50.0 * (1 - lost.get((setting, view), 0.4) * (view == cut)) for view in "ab"}

    claims = design(NOISES).claims
    found = verdicts(tiny.fabricated(design(NOISES), BATCHES[0], lambda arm: {"accuracy": 80.0, **world(arm)}).runs,
                     claims, BATCHES[0])  # fmt: skip
    own, beside = (next(one for one in found if one.claim_id == f"easy.{name}") for name in
                   ("image_noise_own", "image_noise"))  # fmt: skip
    assert (own.verdict, round(beside.effect, 1)) == ("negligible", 0.5)
    assert (beside.verdict, beside.lacking) == ("premise failed", ("easy.image_noise_own",))


def test_a_share_is_claimed_of_something_alone():
    """Every setting that enters a share has the premise that there is something of it: the least of four numbers."""
    found, claims = arms_of_noise(), {claim.id: claim for claim in design(NOISES).claims}
    levels, settings = levels_at_random(found), {"base": "base", "image": "image noise 0.6",
                                                 "signal": "signal noise 0.75"}  # fmt: skip
    premises = {}
    for name, setting in settings.items():
        for role, arm in (("dose_matched", ""), ("fresh", "fresh")):
            claim = claims[f"easy.{name}_{role}_to_lose"]
            there = [levels[found[setting][arm].id, f"{column}_{view}"] - floor
                     for column, floor in CHANCE.items() for view in "ab"]  # fmt: skip
            assert claim.contrast.estimate(values_of(claim, levels)) == pytest.approx(min(there))
            assert (claim.unit, claim.smallest) == ("readout", 5.0)
            premises[found[setting][arm].id] = claim.id
    for claim in claims.values():
        if claim.unit == "share":
            entered = {premises[arm.id] for arm in claim.arms if arm.id in premises}
            assert entered == {one for one in claim.requires if one.endswith("to_lose")} != set(), claim.id


def test_data_without_noise_are_refused_in_one_line(tmp_path):
    protocol = tiny.protocol(family="two_streams", longest_window=6, points=3)
    with pytest.raises(SpecError, match=r"^data=two_eyes: there is no noise .* leave multimodal/easy_wins out, or"):
        FIGURES[NOISES].design(protocol, Hardness(length=2))
    assert "noise" not in Arrays.__dataclass_fields__


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"image_noises": (0.01, 0.6)}, "those of the image lie above that of the data, 0.02"),
     ({"signal_noises": (1.0, 2.5)}, "those of the signal below it, 2.5")],
)  # fmt: skip
def test_noises_lie_on_the_side_that_is_meant(changes, said):
    config = tiny.composed("figures", "profile=smoke", "device=cpu")
    with pytest.raises(SpecError, match=said):
        FIGURES[NOISES].design(profile.protocol(config, "modalities"), Hardness(length=2, **changes))


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (ModalityAges, {"length": 2, "onsets": (1, 2, 3), "late": 7, "settle": 1}, r"^onsets=\[1, 2, 3\]: the first"),
        (ModalityAges, {"length": 2, "onsets": (0, 2), "late": 7, "settle": 1}, "^onsets=.*at least 3"),
        (ModalityAges, {"length": 2, "onsets": (0, 2, 4), "late": 7, "settle": 0}, "^settle=0"),
        (Hardness, {"length": 0}, "^length=0"),
        (Hardness, {"length": 1, "image_noises": ()}, r"^image_noises=\[\]"),
        (Hardness, {"length": 1, "signal_noises": (2.0, 1.0)}, r"^signal_noises=\[2.0, 1.0\]"),
    ],
)
def test_parameters_that_cannot_be_are_refused(kind, given, said):
    with pytest.raises(SpecError, match=said):
        kind(**given)


def test_a_late_window_lies_where_the_rate_is_low():
    protocol = tiny.protocol(family="two_streams", recovery=4)
    with pytest.raises(SpecError, match=r"^late=6: a late window begins where the rate has decayed to 0\.25"):
        FIGURES[AGES].design(protocol, ModalityAges(length=2, onsets=(0, 2, 4), late=6, settle=1))
