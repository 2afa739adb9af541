"""Results of other settings, and those of which nobody knows the settings, are not written over."""

import threading

import pytest
import tiny
from fabricated_report import make

from critical.core.spec import SpecError
from critical.execution import locks
from critical.plots.panel import role
from critical.plots.panels import Series
from experiments.design.figure import Design, Figure
from experiments.design.parameters import Parameters
from experiments.output import pipeline
from experiments.tracking.logger import Logger

PROTOCOL = tiny.protocol(seeds=(20,), recovery=1)
ARM = PROTOCOL.window(0, 1).deficit
DESIGN = Design(panels=[[Series(lines=[(role("deficit", "deficit"), {0: ARM})])]])
FIGURE = Figure("controls/tiny", "Tiny", "Is it?", Parameters, lambda *_: DESIGN, ("It is tiny.",))


def setting(results, train=None, **changes):
    def here(needed, _):
        tiny.train_here(needed, made.store)

    made = pipeline.Setting("smoke", results, train or here, Logger(), **changes)
    return made


def run(made):
    return pipeline.make(FIGURE, PROTOCOL, Parameters(), made)


def held(results, where="tables"):
    return {path: path.read_bytes() for path in (results / where).rglob("*") if path.is_file()}


@pytest.mark.parametrize("reference", [False, True])
def test_a_damaged_record_is_no_leave_to_overwrite(tmp_path, reference):
    made = setting(tmp_path, reference=reference)
    run(made)
    record = made.tables / "controls" / "tiny.json"
    record.write_bytes(record.read_bytes()[:200])
    before = held(tmp_path, made.where)
    for refused in (lambda: pipeline.refuse_other_settings(FIGURE, PROTOCOL, made), lambda: run(made)):
        with pytest.raises(SpecError) as raised:
            refused()
        assert str(raised.value).startswith(
            f"{record} cannot be read, so nobody knows what made its table; remove both, or give name=…"
        )
        assert "\n" not in str(raised.value)
    assert held(tmp_path, made.where) == before


def test_nor_is_a_table_without_a_record(tmp_path):
    made = setting(tmp_path)
    run(made)
    table = made.tables / "controls" / "tiny.csv"
    table.with_suffix(".json").unlink()
    before = held(tmp_path)
    with pytest.raises(SpecError, match=rf"^{table} has no record beside it, so .*; remove it, or give name=…$"):
        pipeline.refuse_other_settings(FIGURE, PROTOCOL, made)
    assert held(tmp_path) == before
    table.unlink()
    pipeline.refuse_other_settings(FIGURE, PROTOCOL, made)


def test_who_is_stopped_before_the_record_leaves_no_table(tmp_path, monkeypatch):
    """So the same command goes on."""
    made = setting(tmp_path)
    with monkeypatch.context() as stopped:
        stopped.setattr(pipeline, "samples_or", lambda *_: pytest.fail("stopped", pytrace=False))
        with pytest.raises(pytest.fail.Exception):
            run(made)
    assert not held(tmp_path)
    run(made)
    assert len(held(tmp_path)) >= 2


def test_what_another_command_wrote_in_the_meantime_stays(tmp_path):
    def slow(needed, _):
        tiny.train_here(needed, made.store)
        make(tmp_path, "controls/tiny", name="mine", profile="smoke", settings=["deficit=noise"])
        before.update(held(tmp_path))

    before, made = {}, setting(tmp_path, slow, name="mine")
    pipeline.refuse_other_settings(FIGURE, PROTOCOL, made)
    with pytest.raises(SpecError, match=r"^name=mine: holds results .*, and nothing is overwritten"):
        run(made)
    assert held(tmp_path) == before


def test_who_writes_under_a_name_waits_for_who_does(tmp_path):
    made, trained = setting(tmp_path), threading.Event()

    def train(needed, _):
        tiny.train_here(needed, made.store)
        trained.set()

    late = setting(tmp_path, train)
    assert late.lock == made.lock != setting(tmp_path, name="other").lock
    assert late.lock != setting(tmp_path, reference=True).lock
    with locks.in_turn(made.lock):
        writing = threading.Thread(target=run, args=(late,), daemon=True)
        writing.start()
        assert trained.wait(60)
        writing.join(0.5)
        assert writing.is_alive()
        assert not held(tmp_path)
    writing.join(60)
    assert held(tmp_path)
