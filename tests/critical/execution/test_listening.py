from dataclasses import replace

import pytest
from helpers import BLUR, FAILING, PERMUTED, SHAM, Enough, bare, from_scratch, run, until_epoch

from critical.execution.listening import EpochListener, made
from critical.execution.plan import plan
from critical.execution.pool import run_all
from critical.execution.store import RunStore
from critical.execution.workers import work
from critical.probes import Accuracy

FIRST, SECOND = run((2, 3, BLUR), end=5), run((2, 4, SHAM), end=5)
"""Two runs that share two epochs."""


class Heard(EpochListener):
    """Remembers what it was told: (what, run id, epochs)."""

    def __init__(self):
        self.told, self.rows, self.clocks = [], {}, []

    def begins(self, run, rows):
        self.told.append(("begins", run.run_id, len(rows)))
        self.rows[run.run_id] = list(rows)

    def trained(self, run, row, clock):
        self.told.append(("trained", run.run_id, row["epoch"]))
        self.rows[run.run_id].append(row)
        self.clocks.append(clock)

    def ends(self, run):
        self.told.append(("ends", run.run_id, len(self.rows[run.run_id])))

    def close(self):
        self.told.append(("close",))


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "store")


def test_every_epoch_is_told_once_and_in_order(store):
    heard = Heard()
    work(plan([FIRST, SECOND]), store, listener=heard)
    for spec in (FIRST, SECOND):
        of_it = [told for told in heard.told if told[1] == spec.run_id]
        assert of_it == [("begins", spec.run_id, 2), *(("trained", spec.run_id, epoch) for epoch in (3, 4, 5)),
                         ("ends", spec.run_id, 5)]  # fmt: skip
        assert bare(heard.rows[spec.run_id]) == from_scratch(spec)[0]
    assert heard.clocks == sorted(heard.clocks)
    # One run after the other: its end comes before the next begins.
    assert [what for what, *_ in heard.told if what != "trained"] == ["begins", "ends"] * 2
    again = Heard()
    work(plan([FIRST, SECOND]), store, listener=again)
    assert again.told == [], "nothing was trained"


def test_a_run_that_goes_on_begins_with_what_is_stored(store):
    with pytest.raises(Enough):
        work(plan([FIRST]), store, after_epoch=until_epoch(3))
    heard = Heard()
    work(plan([FIRST]), store, listener=heard)
    (_, _, begun), *_, last = heard.told
    # The checkpoint before the last epoch may have been taken since: then that epoch is told as trained.
    assert begun in (0, 3)
    assert [row["epoch"] for row in heard.rows[FIRST.run_id]] == [1, 2, 3, 4, 5]
    assert last == ("ends", FIRST.run_id, 5)


@pytest.mark.parametrize("other", [run(end=6), replace(run(end=4), probes=())], ids=["longer", "measured otherwise"])
def test_a_run_without_an_epoch_of_its_own_is_told_as_a_whole(store, other):
    short = run(end=4, probes=(Accuracy(),))
    heard = Heard()
    work(plan([short, other]), store, listener=heard)
    assert [told for told in heard.told if told[1] == short.run_id] == [
        ("begins", short.run_id, 4), ("ends", short.run_id, 4)
    ]  # fmt: skip
    assert bare(heard.rows[short.run_id]) == from_scratch(short)[0]


def test_a_failure_is_told(store):
    heard = Heard()
    work(plan([FAILING]), store, listener=heard)
    assert "failure" in heard.rows[FAILING.run_id][-1]
    assert heard.told[-1][0] == "ends"


def test_who_raises_is_told_nothing_more_and_ends_no_run(store):
    class Broken(Heard):
        def trained(self, run, row, clock):
            super().trained(run, row, clock)
            raise RuntimeError("it does not work")

    heard = Broken()
    work(plan([run((0, 1, PERMUTED))]), store, listener=heard)
    assert store.rows(run((0, 1, PERMUTED))) is not None
    assert [what for what, *_ in heard.told] == ["begins", "trained", "close"]


def test_who_cannot_be_made_is_nobody():
    assert made(None) is None
    assert made(lambda: 1 / 0) is None
    assert made(Heard).hears


def test_who_raised_is_told_nothing_of_the_next_plan(store):
    class Broken(Heard):
        def begins(self, run, rows):
            super().begins(run, rows)
            raise RuntimeError("it does not work")

    heard = Broken()
    told = made(lambda: heard)
    for spec in (FIRST, SECOND):
        work(plan([spec]), store, listener=told)
    told.close()
    assert [what for what, *_ in heard.told] == ["begins", "close"]


class Writing(Heard):
    """Leaves in a file, when it is closed, what it was told: for other processes."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def close(self):
        super().close()
        self.path.write_text(repr(self.told))


class Factory:
    def __init__(self, path):
        self.path = path

    def __call__(self):
        return Writing(self.path)


def test_a_worker_tells_and_ends_when_all_is_told(store, tmp_path):
    run_all(plan([FIRST]), store, 1, "a figure", tmp_path / "logs", Factory(tmp_path / "told"))
    told = (tmp_path / "told").read_text()
    assert [told.count(f"'{what}'") for what in ("begins", "trained", "ends", "close")] == [1, 5, 1, 1]
