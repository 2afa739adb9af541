"""What tests of stores and workers share."""

import pytest
from helpers import CONTEXT

from critical.execution import member
from critical.execution.store import RunStore


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "store")


@pytest.fixture
def quick(monkeypatch):
    """Workers from the fork server, which has torch already, in place of fresh interpreters."""
    monkeypatch.setattr(member, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(member.multiprocessing, "get_context", lambda method: CONTEXT)
