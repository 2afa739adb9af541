import importlib
import pkgutil

import pytest

import experiments
from critical.core.spec import SpecError
from experiments.design.figure import Figure
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
        assert module == "experiments." + name.replace("/", "."), "a figure is named after its module"


def test_figures_are_described():
    for name, figure in FIGURES.items():
        assert figure.name == name
        assert figure.title
        assert figure.alt
        assert not figure.title.endswith(".")
        assert all(text.endswith(".") for text in (figure.alt, *figure.deviations))
        assert len(figure.alt) > 80


def test_chosen():
    assert chosen("all") == list(FIGURES.values())
    names = list(FIGURES)
    assert [figure.name for figure in chosen([names[1], names[0]])] == [names[1], names[0]]


@pytest.mark.parametrize("text", ["nope", "", "all,nope", "iclr2019"])
def test_unknown_figures_are_refused(text):
    with pytest.raises(SpecError, match=r"there is no such figure") as raised:
        chosen(text)
    assert "\n" not in str(raised.value)
