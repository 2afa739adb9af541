import math

import pandas as pd
import pytest
import tiny

from critical.execution.store import RunStore
from experiments.tracking.rows import csv_rows, point, summary


def test_rows_of_the_table_are_those_of_the_store(trained, spec):
    """So what is logged live and what is sent later are the same, number for number."""
    store = RunStore(trained / "runs")
    live = [point(spec.describe(), row) for row in store.rows(spec)]
    later = [point(spec.describe(), row) for row in csv_rows(store.root / "runs" / spec.run_id / "epochs.csv")]
    assert live == later
    assert [row["epoch"] for row in live] == [1, 2, 3]
    assert [row["deficit_active"] for row in live] == [1, 0, 0]
    assert [row["stabilizer_active"] for row in live] == [0, 1, 0]
    table = pd.read_csv(store.root / "runs" / spec.run_id / "epochs.csv")
    for column in ("test_accuracy", "test_loss", "train_loss", "rate", "seconds"):
        told = table[column].dropna()
        assert {at: row[column] for at, row in enumerate(live) if column in row} == pytest.approx(told.to_dict())
        assert len(told) >= 2


def test_every_measurement_is_a_series(tmp_path):
    """Traces a layer and shares of two views too; what was not measured in an epoch is left out."""
    text = "epoch,deficit,reset_optimizer,rate,fisher_trace,fisher_trace/head,rsv_mean\n1,none,False,0.1,2.5,1.5,\n"
    (tmp_path / "epochs.csv").write_text(text + "2,,True,0.1,,,0.25\n")
    always = {"stabilizer": {"name": "l2_init"}, "start": 1, "end": None}
    first, second = [point({"stabilizers": [always]}, row) for row in csv_rows(tmp_path / "epochs.csv")]
    assert first == {"epoch": 1, "rate": 0.1, "fisher_trace": 2.5, "fisher_trace/head": 1.5,
                     "deficit_active": 0, "stabilizer_active": 0}  # fmt: skip
    assert second == {"epoch": 2, "rate": 0.1, "rsv_mean": 0.25, "deficit_active": 0, "stabilizer_active": 1}
    # A record from before there were stabilisers names none.
    assert point({}, {"epoch": 2, "deficit": ""})["stabilizer_active"] == 0


def test_twenty_shares_are_one_histogram():
    shares = {f"rsv_histogram/{number:02}": number / 190 for number in reversed(range(20))}
    row = {"epoch": 1, "deficit": "", "rsv_mean": 0.5, "rsv_polarised": 0.2, **shares}
    found = point({}, row)
    assert found["rsv"] == tuple(number / 190 for number in range(20))
    assert (found["rsv_mean"], found["rsv_polarised"]) == (0.5, 0.2)
    assert not [name for name in found if "/" in name]
    dead = point({}, row | dict.fromkeys(shares, math.nan) | {"rsv_mean": math.nan})
    assert "rsv" not in dead
    assert "rsv_mean" not in dead


class TestSummary:
    ROWS = tuple(
        {"epoch": epoch, "deficit": "", "test_accuracy": 10.0 * epoch, "test_loss": 1.0, "fisher_trace": trace,
         "test_accuracy_deficient": 7.0}
        for epoch, trace in ((1, 2.0), (2, 5.0), (3, math.nan), (4, 1.0))
    )  # fmt: skip
    SPEC = tiny.protocol(recovery=2).window(0, 2).deficit.of_seed(0)

    def test_of_a_finished_run(self):
        assert summary(self.ROWS, self.SPEC) == {
            "final_accuracy": 40.0, "final_loss": 1.0, "accuracy_deficient": 7.0,
            "trace_peak": 5.0, "trace_peak_epoch": 2, "trace_final": 1.0,
        }  # fmt: skip

    def test_of_one_that_no_version_can_build(self):
        assert "accuracy_deficient" not in summary(self.ROWS, None)

    def test_of_one_that_failed(self):
        rows = [*self.ROWS[:1], {"epoch": 2, "deficit": "", "failure": "non-finite loss"}]
        assert summary(rows, self.SPEC) == {
            "trace_peak": 2.0, "trace_peak_epoch": 1, "trace_final": 2.0, "failure": "non-finite loss"
        }  # fmt: skip

    def test_where_a_view_was_absent_the_number_means_nothing(self):
        from critical.deficits import ViewDropout

        gone = tiny.protocol(recovery=2, family="two_streams").window(0, 2, deficit=ViewDropout(view="b"))
        assert "accuracy_deficient" not in summary(self.ROWS, gone.deficit.of_seed(0))

    def test_of_nothing(self):
        assert summary([], self.SPEC) == {}
