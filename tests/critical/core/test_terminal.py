"""Standard output that is closed or full: nothing, or one line."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FULL = Path("/dev/full")
SAID = "error: standard output cannot be written: No space left on device\n"


def called(code, where):
    """Runs Python in a shell that closes standard output, or sends it somewhere."""
    command = ["sh", "-c", f'exec "$0" -c "$1" {where}', sys.executable, code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stderr


BAR = "from critical.execution.progress import progress\nwith progress('x', 2, 1) as bar: bar.update(2, 0)\n"


def test_progress_where_output_is_closed():
    assert called(BAR, ">&-") == (0, "")


def test_what_is_closed_is_opened_to_nowhere(tmp_path):
    code = "from experiments import opening\nopening.say('x')\nimport os\nprint('y', flush=True)\n"
    opened = "assert os.readlink('/proc/self/fd/1') == os.devnull\n" if Path("/proc/self/fd").exists() else ""
    assert called(code + opened, ">&-") == (0, "")


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has it")
@pytest.mark.parametrize(
    "code",
    [
        "from experiments import opening\nopening.say('x')\n",
        "from experiments.design.command import in_one_line\nin_one_line(lambda: print('x'))()\n",
        "import sys\nfrom experiments.runs import __main__ as front\nfront.run = lambda given: print('x')\n"
        "sys.exit(front.main())\n",
    ],
    ids=["opening", "command", "runs"],
)
def test_a_full_disk_is_one_line(code):
    assert called(code, ">/dev/full") == (1, SAID)


@pytest.mark.parametrize(
    "setting", ["PYTHONIOENCODING=ascii", "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0", "PYTHONIOENCODING=latin-1"]
)
def test_signs_that_an_encoding_lacks_are_spelt(setting):
    """A minus above all."""
    code = f"from experiments import opening\nopening.say({'−3.1 pt ✓ ✗ ≈ … 漢'!a})\n"
    code += f"import sys\nprint({'→'!a}, file=sys.stderr)\n"
    command = ["env", *setting.split(), sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"-3.1 pt + x ~ ... ?\n", b"->\n")
