"""The public names of `critical`."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import critical
from critical import api

PUBLIC = {
    *("Results", "RunSpec", "RunStore", "Timeline", "Window", "Trainer", "train", "plan", "work", "run_all"),
    *("Blur", "Noise", "LabelPermutation", "ViewDropout", "Deficit", "FisherPenalty", "Situation", "Step"),
    *("Digits", "Glyphs", "Folder", "TwoEyes", "Dataset", "load", "DataError", "SpecError", "WriteError"),
    *("AllCNN", "SplitAllCNN", "MLP", "SGD", "Adam", "Augmentation", "Restart", "Stages", "Arithmetic"),
    *("Accuracy", "Fisher", "Probe", "trace_of_fisher", "Arm", "Contrast", "Claim", "verdicts", "mean_interval"),
}


SLOW = {"torch", "pandas", "hydra", "matplotlib", "sklearn", "scipy.stats", "wandb"}


def imported(program):
    """Which of the packages that take long a program imports."""
    program += f"; import sys; print(*{SLOW} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True,
                          cwd=Path(critical.__file__).parents[1])  # fmt: skip
    return set(done.stdout.split())


def test_the_names_that_people_use_are_there():
    assert set(api.__all__) >= PUBLIC
    assert len(api.__all__) == len(set(api.__all__))


@pytest.mark.parametrize("package", ["data", "deficits", "models", "optimizers", "probes", "schedules", "stabilizers"])
def test_every_kind_that_settings_can_name_is_there(package):
    where = "critical.training" if package in ("optimizers", "schedules") else "critical"
    kinds = importlib.import_module(f"{where}.{package}").KINDS
    assert {kind.__name__ for kind in kinds.values()} <= set(api.__all__)


def test_each_name_is_that_of_where_it_is_defined():
    for node in ast.parse(Path(api.__file__).read_text()).body:
        for alias in node.names if isinstance(node, ast.ImportFrom) else ():
            assert alias.name in api.__all__, "all that is imported there is public"
            assert getattr(critical, alias.name) is getattr(sys.modules[node.module], alias.name)


def test_they_can_be_imported_at_once():
    held: dict = {}
    exec("from critical import *", held)
    assert set(api.__all__) <= set(held)
    assert set(api.__all__) <= set(dir(critical))


def test_a_package_is_a_package_and_another_name_an_error():
    from critical import data

    assert data.__name__ == "critical.data"
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        exec("from critical import nothing")
    with pytest.raises(AttributeError, match="module 'critical' has no attribute '__nothing__'"):
        critical.__nothing__  # noqa: B018


def test_an_import_of_critical_takes_neither_torch_nor_pandas():
    assert imported("import critical; from critical import core") == set()


def test_tables_of_runs_take_no_torch():
    assert imported("import critical.results") == {"pandas"}


def test_what_few_runs_need_is_not_imported_by_a_command():
    """Scikit-learn and scipy.stats take nearly as long to import as torch."""
    program = "import experiments.__main__; from critical.data import Digits; Digits(subset=20).load()"
    assert imported(program) == {"torch", "pandas", "hydra", "matplotlib"}
