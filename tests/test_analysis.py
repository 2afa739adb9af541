"""The example of an analysis runs, as a script and as a notebook, and the two are the same."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers import FEW

from critical import Results

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "examples" / "analysis.py"
NOTEBOOK = SCRIPT.with_suffix(".ipynb")


@pytest.fixture(scope="module")
def converter():
    spec = importlib.util.spec_from_file_location("notebook", ROOT / "scripts" / "notebook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def here(results_folder, monkeypatch):
    """The example wants its results where it is started; one thread, since two wait for each other on so little."""
    monkeypatch.chdir(results_folder.parent)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def code_of(notebook):
    held = json.loads(notebook.read_text())["cells"]
    return ["".join(cell["source"]) for cell in held if cell["cell_type"] == "code"]


def test_the_notebook_is_the_script(converter):
    assert json.loads(NOTEBOOK.read_text()) == converter.notebook(SCRIPT.read_text())
    script = [line for line in SCRIPT.read_text().splitlines() if line.strip() and not line.startswith("#")]
    code = [line for text in code_of(NOTEBOOK) for line in text.splitlines() if line.strip() and line[0] != "#"]
    assert code == script, "all code of the script, in its order"


def test_a_notebook_has_the_cells_of_its_script(converter):
    script = "# %% [markdown]\n# # Head\n#\n# text\n\n# %%\na = 1\n\n\nb = '# %%'\n\n# %%\n# a comment\n"
    assert converter.cells(script) == [
        ("markdown", "# Head\n\ntext"), ("code", "a = 1\n\n\nb = '# %%'"), ("code", "# a comment"),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="stands before the first cell"):
        converter.cells("a = 1\n# %%\n")


def as_a_script():
    """Its standard output, in a process of its own: what is imported first matters."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, SCRIPT], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:run .* training epochs")
def test_both_run_say_the_same_and_find_what_is_there(capsys):
    held: dict = {"__name__": "__main__"}
    for text in code_of(NOTEBOOK):
        exec(compile(text, "cell", "exec"), held)
    out = capsys.readouterr().out
    assert as_a_script() == out
    runs = Results("results").runs()
    assert all(run in out for run in runs["run_id"])
    found = held["by_window"].loc[("digits", "blur", 0, 2)]
    assert found["count"] == 2
    assert found["mean"] == runs[runs["deficit"] == "blur"]["accuracy"].mean()
    chosen = held["chosen"]["run_id"]
    assert chosen in {spec.run_id for spec in FEW}
    (sharp,) = [line for line in out.splitlines() if line.startswith("sharp ")]
    assert sharp.split()[1] == f"{Results('results').row(chosen)['accuracy']:.1f}"
    assert held["trainer"].state.epoch == 5
    assert "epoch 5: rate 0.0270" in out
    assert Path("results/analysis.png").stat().st_size > 10_000
