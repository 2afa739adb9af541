import dataclasses
import importlib
import pkgutil

import pytest

import experiments
from critical.core.spec import SpecError
from experiments.design import registry
from experiments.design.figure import Figure
from experiments.design.parameters import Parameters
from experiments.design.registry import FIGURES, chosen


def test_every_figure_module_is_registered():
    """A module that defines FIGURE and is not listed would never be made."""
    found = {}
    for module in pkgutil.walk_packages(experiments.__path__, "experiments."):
        if module.name != "experiments.__main__":
            made = getattr(importlib.import_module(module.name), "FIGURE", None)
            if isinstance(made, Figure):
                found[made.name] = module.name
    assert set(found) == set(FIGURES)
    for name, module in found.items():
        assert module == "experiments.figures." + name.replace("/", "."), "a figure is named after its module"


@pytest.mark.parametrize("figure", FIGURES.values(), ids=lambda figure: figure.name)
def test_a_figure_is_described(figure):
    assert FIGURES[figure.name] is figure
    assert figure.title[0].isupper()
    assert not figure.title.endswith((".", "?"))
    assert figure.question.partition("? ")[0].rstrip("?") != figure.question
    assert figure.deviations, "what differs from the paper is said"
    assert all(text.endswith(".") for text in figure.deviations)


@pytest.mark.parametrize("figure", FIGURES.values(), ids=lambda figure: figure.name)
def test_parameters_are_typed_and_described(figure):
    kind = figure.parameters
    assert issubclass(kind, Parameters)
    assert kind.__dataclass_params__.frozen
    written = "\n".join(base.__doc__ for base in kind.__mro__ if dataclasses.is_dataclass(base))
    assert [name for name in kind.names() if f"{name}: " not in written] == []


def test_chosen():
    names = list(FIGURES)
    assert chosen("all", []) == list(FIGURES.values())
    assert [figure.name for figure in chosen([names[1], names[0]], [])] == [names[1], names[0]]
    assert [figure.name for figure in chosen("headline", [names[2]])] == [names[2]]
    assert chosen("headline", ["all"]) == list(FIGURES.values())


@pytest.mark.parametrize("asked", ["nope", "", "iclr2019", ["all", "nope"], ["iclr2019/deficit_removal", "nope"]])
def test_unknown_figures_are_refused(asked):
    with pytest.raises(SpecError, match=r"there is no such figure") as raised:
        chosen(asked, [])
    assert "\n" not in str(raised.value)


def test_a_short_name_is_enough_where_one_figure_has_it(monkeypatch):
    assert [figure.name for figure in chosen("modality_age", [])] == ["multimodal/modality_age"]
    assert [figure.name for figure in chosen(["controls/permanence", "permanence"], [])] == ["controls/permanence"]
    twice = {**FIGURES, "controls/modality_age": FIGURES["multimodal/modality_age"]}
    monkeypatch.setattr(registry, "FIGURES", twice)
    with pytest.raises(SpecError, match=r"figure=modality_age: there is no such figure; .*(multimodal|controls)/"):
        chosen("modality_age", [])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("stabilizers", "stabilizers has stabilizers/prevention, stabilizers/strength"),
        ("stabilizers/", "stabilizers has stabilizers/prevention, stabilizers/strength"),
        ("cvpr2023/modality_age", "did you mean 'multimodal/modality_age'?"),
    ],
)
def test_what_is_no_figure_leads_to_those_that_are_meant(asked, said):
    with pytest.raises(SpecError) as raised:
        chosen(asked, [])
    assert str(raised.value) == f"figure={asked}: there is no such figure; {said}"
