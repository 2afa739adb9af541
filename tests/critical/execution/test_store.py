import errno
import json
import os

import pandas as pd
import pytest
import torch
from helpers import BLUR, PERMUTED, bare, from_scratch, pausing_worker, process, run, until

from critical.core.files import WriteError
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.workers import work
from critical.probes import Accuracy, Fisher

pytestmark = pytest.mark.usefixtures("time_limit")

SPEC = run((0, 2, BLUR), (1, 2, PERMUTED))


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "store")


def fill(store, spec, epochs=None, failure=None):
    """Records such as the workers write."""
    for epoch in range(1, (epochs or spec.timeline.end) + 1):
        columns = {probe.id: {f"{probe.name}_column": epoch} for probe in spec.probes}
        failed = failure if epoch == epochs else None
        store.write_record(
            spec.keys[1],
            spec.keys[epoch],
            {
                "train": None if failed else {"rate": 0.1, "train_loss": 1.0 / epoch},
                "probes": columns,
                "seconds": {"train": 1.0, "accuracy": 0.5},
                "failure": failed,
            },
        )


def full(*_):
    """In place of writing, on a disk that is full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class TestStates:
    def test_come_back_as_they_were(self, store):
        state = {"weights": torch.arange(6.0).view(2, 3), "epoch": 4, "moments": [{"step": torch.tensor(1.0)}]}
        store.save_state("abcd", state)
        held = store.load_state("abcd", "cpu")
        assert torch.equal(held["weights"], state["weights"])
        assert (held["epoch"], held["moments"]) == (4, state["moments"])
        assert store.state_path("abcd") == store.root / "states" / "ab" / "abcd.pt"

    def test_missing_is_none_without_a_warning(self, store, recwarn):
        assert store.load_state("abcd", "cpu") is None
        assert not store.has_state("abcd")
        assert not recwarn.list

    @pytest.mark.parametrize(
        "damage",
        [lambda held: b"", lambda held: held[: len(held) // 2], lambda held: held[:-1], lambda held: b"x" * 99],
        ids=["empty", "half", "last byte", "garbage"],
    )
    def test_damaged_is_reported_and_taken_away(self, store, damage):
        store.save_state("abcd", {"weights": torch.zeros(9)})
        path = store.state_path("abcd")
        path.write_bytes(damage(path.read_bytes()))
        with pytest.warns(UserWarning, match=r"checkpoint .*abcd\.pt cannot be read .*training it again") as warned:
            assert store.load_state("abcd", "cpu") is None
        assert "\n" not in str(warned[0].message)
        assert not store.has_state("abcd")

    def test_no_code_is_run_from_a_checkpoint(self, store, tmp_path):
        class Evil:
            def __reduce__(self):
                return (open, (str(tmp_path / "broken-in"), "w"))

        store.state_path("abcd").parent.mkdir(parents=True)
        torch.save({"weights": Evil()}, store.state_path("abcd"))
        with pytest.warns(UserWarning, match="cannot be read"):
            assert store.load_state("abcd", "cpu") is None
        assert not (tmp_path / "broken-in").exists()

    def test_a_write_that_fails_leaves_the_old_state_and_nothing_else(self, store):
        store.save_state("abcd", {"epoch": 1})
        with pytest.raises(Exception, match="pickle"):
            store.save_state("abcd", {"epoch": lambda: 2})
        assert store.load_state("abcd", "cpu") == {"epoch": 1}
        assert [path.name for path in store.state_path("abcd").parent.iterdir()] == ["abcd.pt"]

    def test_a_folder_that_cannot_be_written_is_one_line(self, store):
        store.root.parent.mkdir(exist_ok=True)
        store.root.write_text("a file, which even the user root cannot make a folder of")
        for act in (
            lambda: store.save_state("abcd", {}),
            lambda: store.want(["abcd"]),
            lambda: store.claim("abcd"),
            lambda: store.write_record("abcd", "abcd", {}),
        ):
            with pytest.raises(WriteError, match=f"^{store.root}.* cannot be written: .* run the same command again"):
                act()

    def test_a_full_disk_is_one_line_and_leaves_the_old_state(self, store, monkeypatch):
        store.save_state("abcd", {"epoch": 1})
        monkeypatch.setattr("pathlib.Path.write_bytes", full)
        with pytest.raises(WriteError, match=f"^{store.root}/states/ab cannot be written: No space left on device"):
            store.save_state("abcd", {"epoch": 2})
        assert store.load_state("abcd", "cpu") == {"epoch": 1}
        assert [path.name for path in store.state_path("abcd").parent.iterdir()] == ["abcd.pt"]

    def test_are_dropped_unless_wanted(self, store):
        for key in ("aa01", "aa02"):
            store.save_state(key, {"epoch": 1})
        store.want(["aa02"])
        RunStore(store.root).drop_state("aa01")
        RunStore(store.root).drop_state("aa02")
        assert [store.has_state(key) for key in ("aa01", "aa02")] == [False, True]
        store.drop_state("never there")


class TestClaims:
    @pytest.mark.slow
    def test_a_dead_worker_keeps_none(self, store, tmp_path):
        spec, reached = run(end=4), tmp_path / "reached"
        with process(pausing_worker, store.root, spec, 2, reached) as child:
            until(reached.exists, "the second epoch")
            assert store.claim(spec.keys[1]) is None, "the living worker has it"
            child.kill()
            child.join()
        claim = store.claim(spec.keys[1])
        assert claim is not None
        claim.release()
        work(plan([spec]), store)
        assert bare(store.rows(spec)) == from_scratch(spec)[0]


class TestRows:
    def test_are_flat_and_say_what_acted(self, store):
        fill(store, SPEC)
        rows = store.rows(SPEC)
        assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
        assert [row["deficit"] for row in rows] == ["blur", "blur+label_permutation", "", ""]
        assert rows[1]["accuracy_column"] == 2
        assert rows[1]["train_loss"] == 0.5
        assert rows[1]["seconds"] == 1.5
        assert not any("failure" in row for row in rows)

    def test_prices_add_up_over_what_is_there(self, store):
        fill(store, SPEC, epochs=3)
        assert store.cpu_seconds(SPEC.keys[1:3]) == 3.0
        assert store.cpu_seconds(SPEC.keys[1:]) == 4.5, "the epoch that is not there costs nothing"

    def test_none_until_all_are_there(self, store):
        fill(store, SPEC, epochs=3)
        assert store.rows(SPEC) is None
        assert store.row(SPEC, 3) is not None
        assert store.row(SPEC, 4) is None

    def test_none_until_all_probes_are_there(self, store):
        fill(store, SPEC)
        assert store.rows(run((0, 2, BLUR), (1, 2, PERMUTED), probes=(Accuracy(), Fisher()))) is None
        assert "accuracy_column" not in store.rows(run((0, 2, BLUR), (1, 2, PERMUTED), probes=()))[0]

    def test_lack_what_is_not_due_whoever_else_measured_it(self, store):
        fill(store, SPEC)
        rarely = run((0, 2, BLUR), (1, 2, PERMUTED), probes=(Accuracy(every=0),))
        assert ["accuracy_column" in row for row in store.rows(rarely)] == [False, True, False, True]

    def test_a_failed_run_ends_with_its_failure(self, store):
        fill(store, SPEC, epochs=2, failure="non-finite loss")
        rows = store.rows(SPEC)
        assert [row.get("failure") for row in rows] == [None, "non-finite loss"]


class TestPublish:
    def test_writes_what_people_read(self, store):
        fill(store, SPEC)
        folder = store.publish(SPEC, {"machine": "a fast one"})
        assert folder == store.root / "runs" / SPEC.run_id
        held = json.loads((folder / "run.json").read_text())
        assert held["environment"] == {"machine": "a fast one"}
        assert held["keys"] == list(SPEC.keys)
        assert (held["failure"], held["forked_from"], held["seed"]) == (None, None, 0)
        table = pd.read_csv(folder / "epochs.csv", keep_default_na=False)
        assert table["epoch"].tolist() == [1, 2, 3, 4]
        assert table["deficit"].tolist() == ["blur", "blur+label_permutation", "", ""]

    def test_names_the_fork(self, store):
        fill(store, SPEC)
        store.save_state(SPEC.keys[2], {})
        store.save_state(SPEC.keys[4], {})
        held = json.loads((store.publish(SPEC, {}) / "run.json").read_text())
        assert held["forked_from"] == {"key": SPEC.keys[2], "epoch": 2}

    def test_says_that_a_run_failed(self, store):
        fill(store, SPEC, epochs=2, failure="non-finite loss")
        held = json.loads((store.publish(SPEC, {}) / "run.json").read_text())
        assert held["failure"] == "non-finite loss"

    def test_refuses_an_unfinished_run(self, store):
        with pytest.raises(ValueError, match="is not finished"):
            store.publish(SPEC, {})

    def test_leaves_a_published_run_alone(self, store):
        fill(store, SPEC)
        store.publish(SPEC, {"machine": "first"})
        folder = store.publish(SPEC, {"machine": "second"})
        assert json.loads((folder / "run.json").read_text())["environment"] == {"machine": "first"}
