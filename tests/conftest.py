"""Makes `helpers` importable from every test, also in worker processes that the tests start."""

import shutil
import signal
from pathlib import Path

import pytest

import critical  # noqa: F401  Before torch: it chooses the CPU's instructions.

TIME_LIMIT_SECONDS = 120


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Begins with the files that have slow tests, so that no process is left with one while others idle.

    That order counts with `--no-loadscope-reorder`; xdist's own begins with the files of most tests.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


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
