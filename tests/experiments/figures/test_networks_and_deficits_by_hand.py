"""The claims of figures over deficits and networks against coefficients written by hand.

As in `test_claims_by_hand`, but here arms differ in the settings of a deficit or of a network, too.
"""

import pytest
import tiny
from test_claims_by_hand import costs, decaying, design, fresh, key, of_arms, plus, seen, window

from critical.core.spec import SpecError, settings
from experiments.design.depths import all_cnns
from experiments.design.facts import DataFacts
from experiments.design.networks import Architectures
from experiments.output.composing import composed
from experiments.runs.needs import ELSEWHERE


def of(arm):
    """What acts in each epoch of an arm: deficits, `anew` where they are drawn anew, and the rate."""

    def called(deficit):
        return deficit.name + " anew" * bool(getattr(deficit, "resample", False))

    return key(("+".join(map(called, spec.deficits)), spec.rate) for spec in arm.run.epoch_specs)


def found(name, claim_id):
    """The contrast of a claim: (what acts in an arm, column) → coefficient."""
    (claim,) = [claim for claim in design(name).claims if claim.id == claim_id]
    return {(of(term.arm), term.column): weight for term, weight in claim.contrast.items()}


def minus(part):
    return {term: -weight for term, weight in part.items()}


def cost(deficit, how="restart"):
    return costs(deficit, 0, 6, how)


def below_fresh(deficit):
    return of_arms(fresh("restart"), window(deficit, 0, 6, "restart"))


def less(one, other):
    return of_arms(window(other, 0, 6, "restart"), window(one, 0, 6, "restart"))


SKIP = seen("", decaying(0, 4)) + seen("", decaying(0, 4))
"""Clean until epoch 4, then the recovery."""
DAMAGE_EARLY = of_arms(fresh("at onset"), window("blur", 0, 2, "at onset"))
DAMAGE_LATE = of_arms(SKIP, window("blur", 4, 2, "at onset"))
WINDOWS = {
    "window.second_same_total": plus(costs("blur", 0, 3, "continue", 8), minus(costs("blur", 4, 3, "continue"))),
    "window.longer_costs_more": plus(costs("blur", 0, 3, "continue", 8), minus(costs("blur", 0, 2, "continue", 8))),
    "window.early_damage": plus(DAMAGE_EARLY, minus(DAMAGE_LATE)),
    "window.late_damage": DAMAGE_LATE,
}


@pytest.mark.parametrize("claim_id", WINDOWS)
def test_a_claim_about_windows_contrasts_the_arms_that_its_sentence_names(claim_id):
    wanted = {term: weight for term, weight in WINDOWS[claim_id].items() if weight}
    assert found("iclr2019/sensitivity_window", claim_id) == wanted


DEFICITS = {
    "deficits.blur": cost("blur", "continue"),
    "deficits.flip": cost("vertical_flip", "continue"),
    "deficits.permutation": cost("label_permutation", "continue"),
    "deficits.noise": cost("noise", "continue"),
    "deficits.blur_more_than_noise": plus(cost("blur", "continue"), minus(cost("noise", "continue"))),
    "deficits.room": of_arms(window("", 0, 6, "restart"), fresh("restart")),
    "deficits.flip_restart": cost("vertical_flip"),
    "deficits.permutation_restart": cost("label_permutation"),
    "deficits.inversion_restart": cost("inversion"),
    "deficits.flip_teaches": below_fresh("vertical_flip"),
    "deficits.permutation_teaches": below_fresh("label_permutation"),
    "deficits.noise_damage": below_fresh("noise"),
    "deficits.blur_more_than_noise_restart": plus(cost("blur"), minus(cost("noise"))),
    "deficits.blur_more_than_occlusion": plus(cost("blur"), minus(cost("occlusion"))),
    "deficits.noise_commitment": less("noise", "noise anew"),
    "deficits.permutation_consistent": less("label_permutation anew", "label_permutation"),
}


@pytest.mark.parametrize("claim_id", [claim.id for claim in design("iclr2019/high_level_deficits").claims])
def test_a_claim_about_deficits_contrasts_the_arms_that_its_sentence_names(claim_id):
    wanted = {term: weight for term, weight in DEFICITS[claim_id].items() if weight}
    assert found("iclr2019/high_level_deficits", claim_id) == wanted


def test_no_two_arms_of_the_deficits_are_alike():
    arms = design("iclr2019/high_level_deficits").trained
    assert len({of(arm) for arm in arms}) == len(arms)
    assert len({str(settings(arm.run.model)) for arm in arms}) == 1


def test_what_the_removal_figure_trains_is_not_trained_again():
    """Blur and its references are the same arms."""
    shared = {arm.id for arm in design("iclr2019/deficit_removal").trained}
    arms = design("iclr2019/high_level_deficits").trained
    common = [arm for arm in arms if arm.tags["deficit"] in ("blur", "none")]
    assert len(common) == 9  # fresh; clean and blur until 2, 4 and 6 restarted, and until 6 decaying
    assert {arm.id for arm in common} <= shared


def network(claim_id, name="iclr2019/depth"):
    """The contrast of a claim with the network of each arm: (depth, width, what acts) → coefficient."""
    (claim,) = [claim for claim in design(name).claims if claim.id == claim_id]
    return {(term.arm.run.model.depth, term.arm.run.model.width, of(term.arm)): weight
            for term, weight in claim.contrast.items()}  # fmt: skip


def of_networks(deep, shallow, part):
    return {(*size, epochs): sign * weight for size, sign in ((deep, 1), (shallow, -1))
            for (epochs, _), weight in part.items()}  # fmt: skip


# Widths 4 at depths 3 and 5; 58·6² weights and a little are about 130·4² and a little.
SAME, EQUAL = ((5, 4), (3, 4)), ((5, 4), (3, 6))


@pytest.mark.parametrize(
    ("claim_id", "sizes", "part"),
    [
        ("depth.deeper", SAME, cost("blur", "continue")),
        ("depth.deeper_equal", EQUAL, cost("blur", "continue")),
        ("depth.deeper_restart", SAME, cost("blur")),
        ("depth.deeper_equal_restart", EQUAL, cost("blur")),
        ("depth.damage", SAME, below_fresh("blur")),
        ("depth.damage_equal", EQUAL, below_fresh("blur")),
    ],
)
def test_a_claim_about_depth_compares_the_deepest_network_with_the_shallowest(claim_id, sizes, part):
    assert network(claim_id) == of_networks(*sizes, part)


CLEAN = {"": key(window("", 0, 6, "continue")), "_restarted": key(window("", 0, 6, "restart"))}


@pytest.mark.parametrize("how", CLEAN)
def test_a_network_learns_by_its_clean_run(how):
    claims = {claim.id: claim for claim in design("iclr2019/depth").claims}
    for claim_id, size in {"shallow": (3, 4), "deep": (5, 4), "wide": (3, 6), "thin": (5, 4)}.items():
        (part,) = claims[f"depth.{claim_id}{how}_learns"].contrast.parts
        ((term, weight),) = part.items()
        model = term.arm.run.model
        assert (model.depth, model.width, weight, term.column) == (*size, 1.0, "accuracy")
        assert of(term.arm) == CLEAN[how]


def learning(claim):
    """The clean runs that a premise is about: (network, what acts)."""
    return {(settings_of(term.arm.run), of(term.arm)) for term in claim.contrast.terms}


def settings_of(run):
    return str((settings(run.model), settings(run.optimizer), settings(run.data)))


@pytest.mark.parametrize("name", ["iclr2019/depth", "iclr2019/architectures"])
def test_every_clean_run_in_a_claim_about_networks_is_one_that_has_to_learn(name):
    claims = {claim.id: claim for claim in design(name).claims}
    for claim in claims.values():
        if claim.id.endswith("learns"):
            continue
        clean = {(settings_of(term.arm.run), of(term.arm)) for term in claim.contrast.terms
                 if term.arm.tags["role"] == "dose_matched"}  # fmt: skip
        required = [claims[needed] for needed in claim.requires]
        learnt = set().union(*(learning(held) for held in required if held.id.endswith("learns")))
        networks = {settings_of(term.arm.run) for term in claim.contrast.terms}
        assert clean <= learnt, claim.id
        assert networks <= {network for network, _ in learnt}, claim.id


def test_networks_of_other_depths_are_otherwise_the_given_one():
    protocol = tiny.protocol()
    protocol = protocol.variant("layer norm", model={"normalization": "layer"})
    assert {made.normalization for made in all_cnns(protocol, (3, 5)).values()} == {"layer"}


NETWORKS = ("all_cnn", "resnet", "fully_connected", "constant", "adam", "no_decay", "heavy_decay", "layer", "group",
            "none")  # fmt: skip
MADE = {
    "all_cnn": {}, "resnet": {"name": "resnet18"}, "fully_connected": {"name": "mlp"}, "constant": {},
    "adam": {"optimizer": "adam", "weight_decay": 0.0}, "no_decay": {"weight_decay": 0.0},
    "heavy_decay": {"weight_decay": 0.002}, "none": {"normalization": "none"},
    **{kind: {"normalization": kind, "optimizer": "adam", "weight_decay": 0.0} for kind in ("layer", "group")},
}  # fmt: skip
"""What parts each network from the profile's All-CNN under SGD with a weight decay of 0.0005, besides its rate."""


def is_network(run, wanted):
    usual = {"name": "all_cnn", "normalization": "batch", "optimizer": "sgd", "weight_decay": 0.0005, **wanted}
    found = {"name": run.model.name, "normalization": getattr(run.model, "normalization", "batch"),
             "optimizer": run.optimizer.name, "weight_decay": run.optimizer.weight_decay}  # fmt: skip
    return found == usual


def parts(claim):
    """A claim's arms: whether a deficit acts until epoch 6, the number of clean epochs after, coefficient and run."""
    for term, weight in claim.contrast.items():
        acting = [bool(spec.deficits) for spec in term.arm.run.epoch_specs]
        assert len(acting) == 6 + 4
        yield (acting[:6] == [True] * 6, weight), term.arm.run


@pytest.mark.parametrize("network", NETWORKS)
def test_a_claim_about_a_network_is_its_own_cost(network):
    claims = {claim.id: claim for claim in design("iclr2019/architectures").claims}
    held = dict(parts(claims[f"networks.{network}"]))
    assert set(held) == {(True, -1.0), (False, 1.0)}
    for run in held.values():
        assert is_network(run, MADE[network])
        rates = [spec.rate for spec in run.epoch_specs]
        assert (len(set(rates)) == 1) == (network == "constant")
        assert rates == sorted(rates, reverse=True), "the rate never starts again"


@pytest.mark.parametrize("kind", ["layer", "group"])
@pytest.mark.parametrize("how", ["decaying", "restarted"])
def test_a_claim_about_normalisation_is_what_batch_normalisation_costs_more(kind, how):
    claims = {claim.id: claim for claim in design("iclr2019/architectures").claims}
    found = list(parts(claims[f"networks.{kind}_{how}"]))
    shares = list(parts(claims[f"networks.{kind}_share_{how}"]))
    assert sorted((acts, -weight, run.run_id) for (acts, weight), run in shares) == sorted(
        (acts, weight, run.run_id) for (acts, weight), run in found)  # fmt: skip
    terms = claims[f"networks.{kind}_share_{how}"].contrast.terms
    assert {(term.column, term.logarithm) for term in terms} == {("error", True)}
    wanted = {("adam", False): 1.0, ("adam", True): -1.0, (kind, False): -1.0, (kind, True): 1.0}
    for (acts, weight), run in found:
        (network,) = [name for name in ("adam", kind) if is_network(run, MADE[name])]
        assert wanted.pop((network, acts)) == weight
        rates = [spec.rate for spec in run.epoch_specs]
        assert (rates[6] == rates[0]) == (how == "restarted")
        assert rates[0] == 0.003, "one rate for what is compared"
    assert not wanted


@pytest.mark.parametrize("network", ["all_cnn", "adam"])
def test_an_all_cnn_costs_when_the_rate_restarts_too(network):
    wanted = f"networks.{network}_restarted"
    (claim,) = [claim for claim in design("iclr2019/architectures").claims if claim.id == wanted]
    held = dict(parts(claim))
    assert set(held) == {(True, -1.0), (False, 1.0)}
    for run in held.values():
        assert is_network(run, MADE[network])
        assert run.epoch_specs[6].rate == run.epoch_specs[0].rate


def test_weight_decay_matters_by_what_a_strong_one_costs_more_than_none():
    (claim,) = [claim for claim in design("iclr2019/architectures").claims if claim.id == "networks.decay_matters"]
    wanted = {(0.002, False): 1.0, (0.002, True): -1.0, (0.0, False): -1.0, (0.0, True): 1.0}
    assert {(run.optimizer.weight_decay, acts): weight for (acts, weight), run in parts(claim)} == wanted


def test_the_fully_connected_network_of_the_paper_has_the_papers_settings():
    """Achille et al. 2019: MNIST blurred by 4, a rate of 0.005·0.98^epoch, a weight decay of 1e-4."""
    composed_design = composed("iclr2019/architectures", "paper", ELSEWHERE, DataFacts("CIFAR-10", 10)).design
    (claim,) = [claim for claim in composed_design.claims if claim.id == "networks.fully_connected"]
    for term in claim.contrast.terms:
        run = term.arm.run
        assert (run.model.name, run.model.widths) == ("mlp", (2500, 2000, 1500, 1000, 500))
        assert (run.data.name, run.data.subset) == ("mnist", None)
        assert (run.augmentation.shift, run.augmentation.flip) == (0, False)
        assert run.optimizer.weight_decay == 1e-4
        rates = [spec.rate for spec in run.epoch_specs]
        assert rates[:2] == pytest.approx([0.005, 0.005 * 0.98])
        assert rates[-1] == pytest.approx(0.005 * 0.98 ** (len(rates) - 1))


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"widths": ()}, r"^widths=\[\]: at least one layer is wanted$"), ({"adam_rate": 0.0}, "^adam_rate=0: above 0$"),
     ({"fully_connected_decay": 2.0}, "^fully_connected_decay=2: from 1e-06 to 1$")],
)  # fmt: skip
def test_networks_that_cannot_be_trained_are_refused_by_the_names_of_their_settings(changes, said):
    with pytest.raises(SpecError, match=said):
        Architectures(**{**Architectures.defaults(tiny.protocol(longest_window=2, points=2)), **changes})
