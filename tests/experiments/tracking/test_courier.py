import threading
import time

import pytest
from tracked import done

from experiments.tracking import courier
from experiments.tracking.courier import CannotLog, Courier, Refused


def raising(error):
    def task():
        raise error

    return task


def test_tasks_are_done_in_order_and_nobody_waits():
    held, found, asked = threading.Event(), [], Courier()
    start = time.monotonic()
    asked.put("first", lambda: held.wait(30))
    for number in range(100):
        asked.put("later", lambda number=number: found.append(number))
    assert found == []
    assert time.monotonic() - start < 25, "who asks does not wait for the first"
    held.set()
    assert asked.close(30)
    assert found == list(range(100))


def test_a_failure_is_a_line_and_the_next_goes_on(capsys):
    asked, found = Courier(), []
    asked.put("run 01", raising(ConnectionError("no\nnetwork")))
    asked.put("run 02", raising(ValueError("")))
    asked.put("run 03", lambda: found.append(3))
    assert asked.close(30)
    assert found == [3]
    assert asked.failed == {"run 01", "run 02"}
    assert capsys.readouterr().err.splitlines() == [
        "wandb: run 01 was not logged (no); the record on disk is complete",
        "wandb: run 02 was not logged (ValueError); the record on disk is complete",
    ]


def test_after_a_few_refusals_nothing_more_is_tried(capsys):
    asked, calls = Courier(), []
    for number in range(5):
        asked.put(f"run {number}", lambda: calls.append(1) or raising(Refused("away"))())
    assert asked.close(30)
    assert len(calls) == courier.GIVE_UP_AFTER == 3
    *said, last = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert "make sync" in last
    assert asked.failed == {f"run {number}" for number in range(5)}


@pytest.mark.parametrize("answered", [True, False])
def test_an_answer_between_refusals_counts(answered):
    """A task that asks nothing of the service says nothing of it: that of a run that was refused has nothing to do."""
    asked = Courier(loud=False)
    for _ in range(2):
        for task in (raising(Refused("away")), raising(Refused("away")), lambda: answered or None):
            asked.put("run", task)
    assert asked.close(30)
    assert asked.given_up is not answered


def test_what_is_in_vain_is_one_line(capsys):
    asked = Courier()
    for number in range(3):
        asked.put(f"run {number}", raising(CannotLog("there is no key")))
    assert asked.close(30)
    assert capsys.readouterr().err == "wandb: nothing is logged: there is no key; the record on disk is complete\n"


def test_a_silent_one_says_nothing(capsys):
    asked = Courier(loud=False)
    asked.put("run", raising(CannotLog("there is no key")))
    assert asked.close(30)
    assert capsys.readouterr().err == ""


def test_what_hangs_is_waited_for_only_so_long(capsys):
    held, asked = threading.Event(), Courier()
    asked.put("run 01", lambda: None)
    asked.put("run 02", lambda: held.wait(30))
    asked.put("run 03", lambda: None)
    assert not asked.close(0.05)
    assert asked.failed == {"run 02", "run 03"}
    (line,) = capsys.readouterr().err.splitlines()
    assert "make sync" in line
    assert asked.given_up
    held.set()


def test_waiting_goes_on_while_anything_is_done():
    asked, found = Courier(), []
    for number in range(6):
        asked.put("run", lambda number=number: time.sleep(0.05) or found.append(number))
    assert asked.close(2)
    assert len(found) == 6


def test_a_full_queue_refuses_and_the_rest_is_done(monkeypatch, capsys):
    monkeypatch.setattr(courier, "LIMIT", 2)
    held, asked, found = threading.Event(), Courier(), []
    begun = threading.Event()
    asked.put("first", lambda: begun.set() or held.wait(30))
    begun.wait(30)
    for number in range(4):
        asked.put(f"run {number}", lambda number=number: found.append(number))
    held.set()
    done(asked)
    assert found == [0, 1]
    assert asked.failed == {"run 2", "run 3"}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("wandb: run 2 is not logged as a whole"), "the first, and no other"
