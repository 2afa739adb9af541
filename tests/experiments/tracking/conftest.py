import os

import pytest
import tiny
from tracked import Begun, FakeRun

from critical import stabilizers
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.stabilizers import StabilizerWindow
from experiments.tracking.mirror import logger

PERIOD = StabilizerWindow(stabilizers.WeightDecay(), 1, 2)
PROTOCOL = tiny.protocol(seeds=(0,), recovery=2)


@pytest.fixture(autouse=True)
def nobodys(monkeypatch, tmp_path):
    """No account, and no variable of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    for name in ("HOME", "WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_ARTIFACT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    (tmp_path / "home").mkdir()


@pytest.fixture(scope="session")
def spec():
    """A run of three epochs: a deficit in the first, then a fork, and a stabiliser in the second."""
    return PROTOCOL.window(0, 1, stabilizers=(PERIOD,)).deficit.of_seed(0)


@pytest.fixture(scope="session")
def trained(tmp_path_factory, spec):
    """Its results; not to be changed."""
    results = tmp_path_factory.mktemp("tracked") / "results"
    store = RunStore(results / "runs")
    tiny.train_here(plan([spec, PROTOCOL.window(0, 1).deficit.of_seed(0)]), store)
    return results


@pytest.fixture
def begun(monkeypatch, tmp_path):
    """`wandb.init` makes stand-ins, and there is a key."""
    wandb, runs = pytest.importorskip("wandb"), Begun()
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)

    def init(**settings):
        runs.append(FakeRun(settings, tmp_path, runs.known))
        return runs[-1]

    monkeypatch.setattr(wandb, "init", init)
    return runs


@pytest.fixture
def refused(monkeypatch):
    """`wandb.init` fails; what it was called with."""
    wandb, calls = pytest.importorskip("wandb"), []
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)

    def init(**settings):
        calls.append(settings)
        raise ConnectionError("no\nnetwork")

    monkeypatch.setattr(wandb, "init", init)
    return calls


@pytest.fixture
def mirror(tmp_path):
    """Makes a logger."""

    def make(results=None, **settings):
        return logger({"name": "wandb", "mode": "online", **settings}, results or tmp_path / "results")

    return make
