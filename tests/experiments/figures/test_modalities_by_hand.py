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
from experiments.design import profile
from experiments.design.modalities import Hardness, ModalityAges
from experiments.design.registry import FIGURES

AGES, NOISES = "multimodal/modality_age", "multimodal/easy_wins"
NAMES = {"a": "image", "b": "signal"}
KINDS = {"high": (True, 2, 0), "high, settled": (True, 2, 1), "low": (False, 2, 0), "low, longer": (False, 8, 0)}


def lost(view, onset, column):
    """A window whose rate starts again at the onset."""
    return {(key(window(acting, onset, 2, "at onset")), f"{column}_{view}"): weight
            for acting, weight in (("", 1.0), (f"view_dropout {view}", -1.0))}  # fmt: skip


def damage(view, onset, column):
    skipped = fresh("at onset") if not onset else seen("", decaying(0, onset) + decaying(0, 4))
    deprived = window(f"view_dropout {view}", onset, 2, "at onset")
    return {(key(skipped), f"{column}_{view}"): 1.0, (key(deprived), f"{column}_{view}"): -1.0}


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
        "older_damage": plus(damage(view, 0, "decoding"), minus(damage(view, 12, "decoding"))),
        "late": lost(view, 12, "decoding"),
        "high": age(view, "high"),
        "settled": age(view, "high, settled"),
        "settled_stream": age(view, "high, settled", "probe_maps"),
        "low": age(view, "low"),
        "rate": rate(view, "low"),
        "dose": rate(view, "low, longer"),
    }


def found_in(name):
    return {claim.id: {(of(term.arm), term.column): weight for term, weight in claim.contrast.items()}
            for claim in design(name).claims if not isinstance(claim.contrast, (Pooled, Within))}  # fmt: skip


def test_claims_about_age_and_rate_contrast_what_their_sentences_name():
    wanted = {f"ages.{name}_{what}": held for view, name in NAMES.items() for what, held in of_view(view).items()}
    assert found_in(AGES) == wanted
    requires = {claim.id: claim.requires for claim in design(AGES).claims}
    for claim_id, held in requires.items():
        begin, _, what = claim_id.rpartition("_")
        wanted_premise = {"late": f"{begin}_older", "dose": f"{begin}_rate"}.get(what, "ages.learns")
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
    """Settings by name → the arms clean, without image, without signal."""
    found = {}
    for arm in design(NOISES).trained:
        acting = {name for name, _ in of(arm)} - {""}
        found.setdefault(arm.tags.get("variant", "base"), {})[next(iter(acting), "")] = arm
    return found


def test_settings_differ_in_the_noise_that_their_names_say():
    found = arms_of_noise()
    wanted = {"base": {}, "image noise 0.3": {"noise": 0.3}, "image noise 0.6": {"noise": 0.6},
              "signal noise 0.75": {"signal_noise": 0.75}, "signal noise 1.5": {"signal_noise": 1.5}}  # fmt: skip
    assert found.keys() == wanted.keys()
    for name, arms in found.items():
        assert {acting: of(arm) for acting, arm in arms.items()} == {
            acting: key(window(acting, 0, 2, "at onset")) for acting in ("", "view_dropout a", "view_dropout b")
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
        return clean(setting, "probe_maps_a", sign) | clean(setting, "probe_maps_b", -sign)

    def used(setting, sign=1.0):
        return clean(setting, "use_a", sign) | clean(setting, "use_b", -sign)

    def stream(setting, sign=1.0):
        held = found[setting]
        return {(held[""].id, "probe_maps_b"): sign, (held["view_dropout b"].id, "probe_maps_b"): -sign,
                (held[""].id, "probe_maps_a"): -sign, (held["view_dropout a"].id, "probe_maps_a"): sign}  # fmt: skip

    noisy, clear = "image noise 0.6", "signal noise 0.75"
    assert {claim.id: {(term.arm.id, term.column): weight for term, weight in claim.contrast.items()}
            for claim in design(NOISES).claims if not isinstance(claim.contrast, Within)} == {
        "easy.image_easier": easier("base"),
        "easy.signal_easier": easier(clear, -1.0),
        "easy.used_image": used("base") | used(noisy, -1.0),
        "easy.used_signal": used("base") | used(clear, -1.0),
        "easy.image_noise_stream": stream("base") | stream(noisy, -1.0),
        "easy.signal_noise_stream": stream("base") | stream(clear, -1.0),
    }  # fmt: skip


def test_shares_of_use_are_those_of_each_modality():
    """With numbers that no other arm has: what the signal loses more, as shares."""
    found, random = arms_of_noise(), np.random.default_rng(3)
    levels = {(arm.id, column): random.uniform(1, 99)
              for arms in found.values() for arm in arms.values() for column in ("use_a", "use_b")}  # fmt: skip

    def share(setting, view):
        held = found[setting]
        return 1 - levels[held[f"view_dropout {view}"].id, f"use_{view}"] / levels[held[""].id, f"use_{view}"]

    def more(setting):
        return share(setting, "b") - share(setting, "a")

    base, noisy, clear = more("base"), more("image noise 0.6"), more("signal noise 0.75")
    wanted = {"easy.hard_loses": base, "easy.reversed": -clear, "easy.image_noise": base - noisy,
              "easy.signal_noise": base - clear}  # fmt: skip
    for claim in design(NOISES).claims:
        if claim.id in wanted:
            assert claim.unit == "share"
            values = np.array([sum(weight * levels[term.arm.id, term.column] for term, weight in part.items())
                               for part in claim.contrast.parts])  # fmt: skip
            assert claim.contrast.estimate(values) == pytest.approx(wanted[claim.id]), claim.id
            assert np.isnan(claim.contrast.estimate(np.zeros_like(values))), "of no use there is no share"
    assert len([claim for claim in design(NOISES).claims if claim.id in wanted]) == 4


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
