"""Makes `helpers` importable from every test, also in worker processes that the tests start."""

import shutil
import signal
from pathlib import Path

import pytest

import critical  # noqa: F401  Before torch: it chooses the CPU's instructions.

TIME_LIMIT_SECONDS = 120


@pytest.fixture
def time_limit():
    """Fails a test that waits for ever, as workers would that wait for each other."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(number, frame):
        # Not an `Exception`: the code under test catches those where it reads damaged files.
        pytest.fail(f"not done after {TIME_LIMIT_SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, TIME_LIMIT_SECONDS)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def trained_results(tmp_path_factory):
    """A folder of results with four runs of a few epochs, one of them unfinished; not to be changed."""
    from helpers import results_of_few_runs

    return results_of_few_runs(tmp_path_factory.mktemp("trained") / "results")


@pytest.fixture
def results_folder(trained_results, tmp_path):
    """The same to be changed at will."""
    return Path(shutil.copytree(trained_results, tmp_path / "results"))
