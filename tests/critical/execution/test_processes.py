"""Scripts that train with workers: without a guard, from standard input, with classes of their own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from critical.core.spec import SpecError
from critical.execution import processes

ROOT = Path(__file__).resolve().parents[3]
BEGINNING = """
    import multiprocessing, pickle
    from fractions import Fraction
    from critical.core.spec import SpecError
    from critical.execution import processes

    class Own:
        pass

    def go(value):
        processes.end_if_imported()
        print("begun", flush=True)
        try:
            given = processes.pickled(value)
        except SpecError as error:
            return print(error)
        names = processes.of_script(given)
        process = multiprocessing.get_context("spawn").Process(target=pickle.loads, args=(given,))
        processes.start(process, script=bool(names))
        process.join()
        print(processes.ended(process.exitcode, "", names) or process.exitcode)

"""
GUARD = 'if __name__ == "__main__":\n    '


def lines_of(script, folder=None):
    """What a script says that stands in a folder, or is read from standard input."""
    text = textwrap.dedent(BEGINNING) + script
    if folder is None:
        given = {"args": [sys.executable, "-"], "input": text}
    else:
        folder.mkdir()
        (folder / "mine.py").write_text(text)
        given = {"args": [sys.executable, folder / "mine.py"]}
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(**given, capture_output=True, text=True, timeout=100, env=variables)
    assert done.stderr == ""
    assert done.stdout.startswith("begun\n")
    return done.stdout.splitlines()[1:]


@pytest.mark.parametrize("guard", ["", GUARD], ids=["without a guard", "guarded"])
def test_a_script_that_defines_nothing_needs_no_guard(tmp_path, guard):
    assert lines_of(guard + "go(Fraction(1, 2))\n", tmp_path / "a folder") == ["0"]


def test_a_script_from_standard_input_that_defines_nothing():
    assert lines_of("go(Fraction(1, 2))\n") == ["0"]


def test_a_guarded_script_with_a_class_of_its_own(tmp_path):
    assert lines_of(GUARD + "go(Own())\n", tmp_path / "a folder") == ["0"]


def test_a_script_with_a_class_of_its_own_and_no_guard_is_one_line(tmp_path):
    (line,) = lines_of("go(Own())\n", tmp_path / "a folder")
    assert line.startswith("the script starts over in every worker, which imports it for Own: put what it does below ")


def test_standard_input_with_a_class_of_its_own_is_refused():
    (line,) = lines_of("go([Own()])\n")
    assert line.startswith("workers: Own is defined in a session or on standard input, where no process finds it; ")


def test_what_cannot_be_handed_over_is_one_line():
    class Local:
        pass

    with pytest.raises(SpecError, match=r"^workers: Can't .*Local.*; define it at the top level of a module, or train"):
        processes.pickled(Local())


def test_what_others_define_is_not_taken_for_the_scripts():
    assert processes.of_script(processes.pickled({"__main__": processes.start})) == []


def test_the_script_is_there_again_whatever_happens():
    class Failing:
        def start(self):
            assert not hasattr(sys.modules["__main__"], "__file__")
            raise OSError("no")

    before = sys.modules["__main__"]
    with pytest.raises(OSError, match="no"):
        processes.start(Failing())
    assert sys.modules["__main__"] is before
