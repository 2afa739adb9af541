import pytest
import yaml

from critical.core.spec import SpecError
from experiments.design import sweep_files
from experiments.design.sweep_files import grid

SEED = {"seed": {"values": [0, 1]}}


@pytest.fixture
def written(monkeypatch, tmp_path):
    """Writes a file of a sweep; returns its name."""
    monkeypatch.setattr(sweep_files, "FOLDER", tmp_path)

    def write(held):
        text = held if isinstance(held, str) else yaml.safe_dump(held, sort_keys=False)
        (tmp_path / "s.yaml").write_text(text)
        return "s"

    return write


def of(parameters, **more):
    return {"method": "grid", "parameters": parameters, **more}


@pytest.mark.parametrize(
    ("parameters", "overrides"),
    [
        ({"deficit.size": {"values": [None, 4]}}, ["deficit.size=null,4"]),
        ({"deficit.antialias": {"values": [True, False]}}, ["deficit.antialias=true,false"]),
        ({"data.path": {"value": "/a b#c"}}, ['data.path="/a b#c"']),
        ({"data.path": {"values": ["a,b", "c"]}}, ['data.path="a,b",c']),
        ({"model.widths": {"values": [[8, 4], [8]]}}, ["model.widths=[8,4],[8]"]),
        ({"seed": {"min": 3, "max": 5}}, ["seed=3,4,5"]),
        ({"schedule.rate": {"min": 0.1, "max": 0.3, "q": 0.1, "distribution": "q_uniform"}},
         ["schedule.rate=0.1,0.2,0.3"]),
        ({"deficit": {"parameters": {"end": {"values": [1, 2]}, "size": {"value": None}}}},
         ["deficit.end=1,2", "deficit.size=null"]),
        ({"a": {"parameters": {"b": {"parameters": {"c": {"value": 1}}}}}}, ["a.b.c=1"]),
    ],
    ids=str,
)  # fmt: skip
def test_values_as_wandb_allows_them(parameters, overrides, written):
    assert grid(written(of(parameters))) == overrides


def test_a_file_without_a_command_fixes_nothing(written):
    assert grid(written(of(SEED))) == ["seed=0,1"]


def test_what_a_command_fixes_less_the_logger(written):
    command = ["${env}", "python", "-m", "experiments.train", "data=digits", "--recovery=1", "logger=wandb",
               "deficit.end=${start_plus:5}", "${args_no_hyphens}"]  # fmt: skip
    assert grid(written(of(SEED, command=command))) == [
        "data=digits", "recovery=1", "deficit.end=${start_plus:5}", "seed=0,1"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("held", "named"),
    [
        ("method: grid\nparameters: [", "line 2: this is no YAML"),
        ("just words", "a sweep holds method and parameters"),
        ({"method": "grid"}, "parameters: is missing"),
        (of({}), "parameters: is missing"),
        (of(SEED, method="gird"), "method: gird; one of grid, random, bayes"),
        (of({"seed": 3}), "seed: 3 is no parameter; write seed: {value: 3}"),
        (of({"seed": {"valeus": [1]}}), "seed: there is no 'valeus'; did you mean 'values'?"),
        (of({"seed": {"values": 3}}), "seed: values: a list is wanted"),
        (of({"seed": {"min": 3}}), "seed: value, values, or min and max are wanted"),
        (of({"seed": {"min": 3, "max": 1}}), "min=3, max=1: numbers are wanted"),
        (of({"schedule.rate": {"min": 0.1, "max": 0.2}}), "a grid has no values; add the step q"),
        (of({"deficit": {"parameters": 3}}), "deficit: parameters: a mapping is wanted"),
        (of(SEED, command="python"), "command: a list of words is wanted"),
        ({**of(SEED, metric={"name": "test_accuracy"}), "method": "bayes"}, "method bayes lets the service choose"),
        ({**of(SEED), "method": "bayes"}, "method bayes chooses by a metric"),
        (of(SEED, metric="cost"), "metric: a name and a goal are wanted"),
        (of(SEED, metric={"goal": "minimize"}), "metric: a name and a goal are wanted"),
        (of(SEED, metric={"name": "cost", "goal": "minimise"}), "metric: a name and a goal are wanted"),
        (of(SEED, metric={"name": "cost", "goal": "minimize"}, command=["effect=harm"]), "add effect=cost"),
    ],
    ids=str,
)  # fmt: skip
def test_a_broken_file_is_one_line(held, named, written):
    with pytest.raises(SpecError) as error:
        grid(written(held))
    assert named in str(error.value)
    assert "\n" not in str(error.value)
