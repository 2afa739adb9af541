import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from experiments import opening

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (["figure=all", "profile=smoke"], "critical periods: profile smoke, every figure"),
        (["profile=smoke"], "critical periods: profile smoke, every figure"),
        (["figure=[a/b,c/d]"], "critical periods: profile quick, a/b, c/d"),
        (["profile=nope"], ""),
        (["profile=../x"], ""),
        (["--help"], ""),
        (["--cfg", "job"], ""),
    ],
    ids=str,
)
def test_the_first_line_of_figures(given, line):
    assert opening.figures(given) == line


def test_it_names_the_headline_of_the_profile():
    names = tiny.composed("figures").headline
    assert opening.figures([]) == f"critical periods: profile quick, {', '.join(names)}"


def test_the_first_line_of_a_run(capsys):
    opening.say(opening.train(["deficit=blur", "deficit.end=3"]))
    opening.say(opening.train(["-h"]))
    assert capsys.readouterr().out == "critical periods: one run, deficit=blur deficit.end=3\n"


@pytest.mark.parametrize("module", ["experiments", "experiments.train"])
def test_it_is_printed_before_torch_is_imported(module):
    """Torch is made unimportable: the line is there all the same."""
    code = f"import runpy, sys; sys.modules['torch'] = None; sys.argv = ['x', 'seed=0']; runpy.run_module('{module}', "
    command = [sys.executable, "-c", f"{code}run_name='__main__')"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "torch" in done.stderr.splitlines()[-1]
    assert done.stdout.startswith("critical periods: ")
