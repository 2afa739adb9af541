import pytest
import tiny
from omegaconf import OmegaConf

from critical.core.spec import SpecError
from experiments.design.config import CONF
from experiments.output import naming

PROFILES = ("laptop", "quick")


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "quick"),
        (["figure=all", "profile=quick", "results=r", "data_root=/d", "jobs=2", "dry=true"], "quick"),
        (["logger=wandb", "logger.project=mine", "headline=[a]", "hydra.run.dir=.", "name=x"], "quick"),
        (["data.path=/somewhere", "two_streams.data.path=/x", "data.root=y"], "quick"),
        (["device=cpu"], "quick"),
        (["device=auto"], "quick"),
        (["seeds=null"], "quick"),
        (["deficit=occlusion"], "quick+deficit=occlusion"),
        (["device=cuda"], "quick+device=cuda"),
        (["seeds=[20,21]"], "quick+seeds=20,21"),
        (["seeds=[20, 21]"], "quick+seeds=20,21"),
        (["+two_streams.protocol.points=3"], "quick+two_streams.protocol.points=3"),
        (["++model.width=4", "data=digits"], "quick+data=digits+model.width=4"),
        (["data=digits", "model.width=4"], "quick+data=digits+model.width=4"),
        (["model.width=4", "model.width=8"], "quick+model.width=8"),
        (["seeds=[20]", "seeds=null"], "quick"),
        (["figures.iclr2019/deficit_removal.removals=[5,10]"], "quick+figures.iclr2019-deficit_removal.removals=5,10"),
        (["deficit@two_streams.deficit=noise"], "quick+deficit@two_streams.deficit=noise"),
        (["~stabilizers"], "quick+~stabilizers"),
    ],
)
def test_a_name_says_what_was_changed_and_nothing_else(overrides, name):
    assert naming.results_name("quick", overrides) == name


@pytest.mark.parametrize(
    "pair",
    [
        ("data.label=a/b", "data.label=a-b"),
        ("data.label=a b", "data.label=a-b"),
        ("data.label='ä'", "data.label='ö'"),
        ("protocol={seeds:[0]}", "protocol={seeds:[1]}"),
        *((f"a.b={'x' * 100}{first}", f"a.b={'x' * 100}{second}") for first, second in ["ab", "/\\"]),
    ],
)
def test_what_a_folder_cannot_be_called_is_made_safe_and_stays_apart(pair):
    names = [naming.results_name("quick", [text]) for text in pair]
    assert len(set(names)) == 2
    for name in names:
        assert naming.checked(name) == name
        assert "/" not in name
        assert len(name) <= naming.LONGEST


NEUTRAL = {
    # Who asks, what for, and where results go.
    **dict.fromkeys(("profile", "name", "figure", "headline", "results", "reference"), True),
    # Where data lie, how fast and how loudly; each run's identity leaves them out as well.
    **dict.fromkeys(("data_root", "jobs", "dry", "logger", "hydra"), True),
    # What is trained, on what, and how.
    **dict.fromkeys(("data", "model", "deficit", "optimizer", "augmentation", "probes", "arithmetic", "device"), False),
    **dict.fromkeys(("two_streams", "modalities", "transformer", "figures", "seeds"), False),
    # Of the profiles.
    **dict.fromkeys(("protocol", "stabilizers"), False),
}
"""Key of the configuration → whether results of all its values have one name. Who adds a key decides."""


def test_of_every_key_it_is_decided_whether_it_changes_results():
    file = OmegaConf.load(CONF / "figures.yaml")
    keys = {key for key in file if key != "defaults"}
    for text in (entry if isinstance(entry, str) else next(iter(entry)) for entry in file.defaults):
        key = text.removeprefix("override ").partition("@")[2] or text.removeprefix("override ")
        keys.add(key.partition(".")[0].partition("/")[0])
    keys = (keys | set(tiny.composed("figures", "profile=smoke"))) - {"_self_"}
    assert keys <= set(NEUTRAL), "decide of the new ones"
    assert {*naming.NEUTRAL, "hydra"} == {key for key, neutral in NEUTRAL.items() if neutral}


@pytest.mark.parametrize("key", NEUTRAL)
def test_a_key_is_in_the_name_where_it_changes_results(key):
    for changed in (f"{key}=x1", f"{key}.part=x1", f"+{key}.part=x1", f"{key}@two_streams.{key}=x1"):
        assert (naming.results_name("quick", [changed]) == "quick") == NEUTRAL[key], changed


def test_the_seeds_of_committed_tables_come_in_sittings():
    assert naming.changes(["seeds=[20]", "deficit=noise"], reference=True) == ["deficit=noise"]
    assert naming.changes(["seeds=[20]", "deficit=noise"]) == ["deficit=noise", "seeds=[20]"]
    assert naming.chosen(None, "quick", ["seeds=[20]"], True, PROFILES) == "quick"


def test_a_name_that_was_given_holds():
    assert naming.chosen("mine", "quick", ["deficit=noise"], False, PROFILES) == "mine"
    assert naming.chosen("laptop_cuda", "laptop", ["device=cuda"], True, PROFILES) == "laptop_cuda"
    assert naming.chosen("quick", "quick", [], True, PROFILES) == "quick"
    assert naming.chosen(None, "quick", ["deficit=noise"], False, PROFILES) == "quick+deficit=noise"


@pytest.mark.parametrize(
    ("given", "reference", "said"),
    [
        (None, True, r"^reference: deficit=noise differs from profile quick, .*; give .* e\.g\. name=quick_noise$"),
        ("laptop", True, "^name=laptop: is a profile's own; choose another, e.g. name=quick_laptop$"),
        ("laptop", False, "^name=laptop: is a profile's own"),
        ("quick", True, "^name=quick: is the profile's own, and deficit=noise differs from it; choose another$"),
        ("quick", False, "^name=quick: is the profile's own"),
        ("a/b", False, "^name='a/b': letters, digits"),
        ("../up", True, "^name='../up'"),
        ("a" * 121, False, "^name=aaaaaaaaaaaaaaaaaaaa…: 121 letters; at most 120 are a name$"),
        ("a" * 400, True, "400 letters"),
    ],
)
def test_names_that_would_overwrite_something_are_refused(given, reference, said):
    with pytest.raises(SpecError, match=said) as raised:
        naming.chosen(given, "quick", ["deficit=noise"], reference, PROFILES)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (["profile=quick", "a=1"], ["profile=quick"], "holds results without a=1"),
        (["profile=quick"], ["profile=quick", "a=1"], "holds results with a=1"),
        (["profile=quick"], ["profile=laptop"], "holds results with profile=laptop"),
        (["data.fingerprint=1"], ["data.fingerprint=2"], "holds results with data.fingerprint=2"),
    ],
)
def test_results_of_other_settings_are_not_overwritten(now, before, said):
    with pytest.raises(SpecError, match=f"^name=mine: {said}, and nothing is overwritten; choose another name=…$"):
        naming.refuse_other("mine", now, before)


def test_the_same_settings_may_be_made_again_with_other_seeds_and_other_figures():
    naming.refuse_other("mine", ["profile=quick", "+a=1", "seeds=[1]"], ["profile=quick", "a=1", "seeds=[2]"])
    # A figure of another family knows another folder of data.
    naming.refuse_other("mine", ["data.fingerprint=1"], ["two_streams.data.fingerprint=2"])

