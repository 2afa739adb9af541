"""What is read of a finished run is what was written, and older records stay readable."""

import datetime
import json
import re
import threading

import pytest
import torch
from helpers import BLUR, PERMUTED, run, with_an_unknown_compression
from test_store import fill

from critical.core import environment
from critical.execution import locks, published
from critical.execution.plan import plan
from critical.execution.published import Damaged
from critical.execution.store import RunStore
from critical.execution.verification import verify
from critical.execution.workers import work

SPEC = run((0, 2, BLUR), (1, 2, PERMUTED))
MAKER = {"commit": "0123abcd", "machine": "a fast one", "versions": {"torch": "0"}}
NEW = ("accuracy", "loss", "date", "command", "made_by", "sums", "sum")


@pytest.fixture
def store(tmp_path):
    made = RunStore(tmp_path / "store")
    fill(made, SPEC)
    return made


@pytest.fixture
def folder(store):
    return store.publish(SPEC, MAKER)


def as_before(folder):
    """The record as earlier versions wrote it."""
    held = json.loads((folder / "run.json").read_bytes())
    (folder / "run.json").write_text(json.dumps({key: held[key] for key in held if key not in NEW}, indent=1))


def test_a_record_says_what_was_found_when_how_and_by_whom(store, monkeypatch):
    monkeypatch.setattr("sys.orig_argv", ["/somewhere/bin/python3", "-m", "experiments.train", "deficit.end=1", "a b"])
    name = store.sign(MAKER | {"more": 1})
    columns = {probe.id: {"test_accuracy": 61.5, "test_loss": 1.25} for probe in SPEC.probes}
    other = run((0, 2, BLUR), seed=3)
    for epoch in range(1, 5):
        line = {"train": {"rate": 0.1}, "probes": columns, "seconds": {}, "failure": None, "maker": name}
        store.write_record(other.keys[1], other.keys[epoch], line)
    record = published.read(store.publish(other, MAKER))
    assert (record["accuracy"], record["loss"]) == (61.5, 1.25)
    assert record["command"] == "python -m experiments.train deficit.end=1 'a b'"
    assert record["made_by"] == [MAKER | {"epochs": 4}]
    age = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(record["date"])
    assert datetime.timedelta(0) <= age < datetime.timedelta(minutes=1)
    assert record["run_id"] == other.run_id, "identities are as they were"


def test_a_whole_folder_has_checksums_that_agree(folder):
    assert published.check_files(folder, published.read(folder))


def test_numbers_that_are_none_keep_their_checksum():
    record = {"loss": float("nan"), "more": float("inf"), "ä": 0.1}
    held = json.loads(published.signed(record))
    assert held["sum"] == json.loads(published.signed(record | {}))["sum"]
    assert held["sum"] != json.loads(published.signed(record | {"loss": 1.0}))["sum"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"seed": 0', b'"seed": 1', "is not what was written: its checksum differs"),
        (b'"failure": null', b'"failure": "x"', "is not what was written: its checksum differs"),
        (b'"run_id"', b'"run_it"', "is not what was written: its checksum differs"),
        (b"{", b"", "cannot be read .JSONDecodeError."),
    ],
)
def test_a_changed_record_is_refused_in_one_line(folder, old, new, said):
    content = (folder / "run.json").read_bytes()
    assert old in content
    (folder / "run.json").write_bytes(content.replace(old, new, 1))
    with pytest.raises(Damaged, match=rf"^{re.escape(str(folder))}/run\.json {said}") as refused:
        published.read(folder)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"[]", b"7", b"{}", b'{"run_id": "another", "keys": []}', b"\xff"])
def test_what_is_no_record_is_refused(folder, content):
    (folder / "run.json").write_bytes(content)
    with pytest.raises(Damaged, match=r"run\.json"):
        published.read(folder)


def test_a_changed_or_missing_table_is_refused(folder):
    record, table = published.read(folder), folder / "epochs.csv"
    content = table.read_bytes()
    table.write_bytes(content.replace(b"blur", b"bluR", 1))
    with pytest.raises(Damaged, match=r"epochs\.csv is not what was written"):
        published.check_files(folder, record)
    table.unlink()
    with pytest.raises(Damaged, match=r"epochs\.csv cannot be read \(FileNotFoundError\)"):
        published.check_files(folder, record)


def test_an_older_record_is_read_and_has_no_checksum(folder):
    as_before(folder)
    record = published.read(folder)
    assert record["keys"] == list(SPEC.keys)
    assert not published.check_files(folder, record)
    (folder / "epochs.csv").unlink()
    with pytest.raises(Damaged, match="cannot be read"):
        published.check_files(folder, record)


class TestVerify:
    @pytest.fixture
    def whole(self, store, folder):
        store.save_state(SPEC.keys[2], {"weights": torch.arange(300.0), "epoch": 2})
        store.sign(environment.describe())
        return store

    def test_counts_what_is_whole(self, whole):
        found = verify(whole.root)
        assert found.damaged == []
        assert found.checked == {"checkpoints": 1, "epochs": 4, "makers": 1, "runs": 1}
        assert sum(found.unverifiable.values()) == 0

    def test_an_empty_store_is_whole(self, tmp_path):
        assert verify(tmp_path).damaged == []
        assert not verify(tmp_path).checked

    def test_every_byte_of_weights_counts(self, whole):
        path = whole.state_path(SPEC.keys[2])
        content = bytearray(path.read_bytes())
        place = content.index(torch.arange(300.0)[100:104].numpy().tobytes())
        content[place] ^= 1
        path.write_bytes(content)
        (line,) = verify(whole.root).damaged
        assert re.fullmatch(rf"{path} is not what was written: the checksum of .*/data/0 differs", line)
        with pytest.warns(UserWarning, match="cannot be read .BadZipFile.; training it again"):
            assert whole.load_state(SPEC.keys[2], "cpu") is None

    @pytest.mark.parametrize(
        "damage", [lambda held: b"", lambda held: held[:50], lambda held: b"x" * 99, with_an_unknown_compression])
    def test_half_a_checkpoint_is_named(self, whole, damage):
        path = whole.state_path(SPEC.keys[2])
        path.write_bytes(damage(path.read_bytes()))
        (line,) = verify(whole.root).damaged
        assert line.startswith(f"{path} cannot be read (")

    def test_a_changed_digit_in_a_line_is_named_and_made_again(self, whole):
        (path,) = (whole.root / "records").iterdir()
        content = path.read_bytes()
        path.write_bytes(content.replace(b'"train_loss": 0.5', b'"train_loss": 0.6', 1))
        (line,) = verify(whole.root).damaged
        assert line == f"{path}, line 2, is damaged (its checksum differs)"
        with pytest.warns(UserWarning, match="is damaged; its epoch is made again"):
            assert RunStore(whole.root).rows(SPEC) is None

    def test_an_end_that_is_being_written_is_no_damage(self, whole):
        (path,) = (whole.root / "records").iterdir()
        with path.open("ab") as file:
            file.write(b'{"key": "ab", "tra')
        assert verify(whole.root).damaged == []

    def test_a_changed_maker_and_a_changed_run_are_named(self, whole, folder):
        (maker,) = (whole.root / "makers").iterdir()
        maker.write_bytes(maker.read_bytes().replace(b'"commit"', b'"comMit"'))
        (folder / "epochs.csv").write_bytes(b"")
        said = verify(whole.root).damaged
        assert said == [
            f"{maker} is not what was written: its checksum differs",
            f"{folder / 'epochs.csv'} is not what was written: its checksum differs",
        ]

    def test_what_earlier_versions_wrote_is_said_to_be_unverifiable(self, whole, folder):
        as_before(folder)
        (path,) = (whole.root / "records").iterdir()
        path.write_bytes(re.sub(rb', "sum": "[0-9a-f]{8}"\}', b"}", path.read_bytes()))
        found = verify(whole.root)
        assert found.damaged == []
        assert found.unverifiable == {"epochs": 4, "runs": 1}
        assert RunStore(whole.root).rows(SPEC) is not None


class TestInUse:
    @pytest.mark.parametrize("act", [RunStore.use, lambda store: store.publish(SPEC, MAKER)])
    def test_whoever_works_shares_it_and_who_takes_away_is_alone(self, store, act):
        first, second = RunStore(store.root), RunStore(store.root)
        for one in (first, second):
            act(one)
        for left in (1, 0):
            with locks.alone(store.root / "in_use") as free:
                assert not free
            if left:
                del first, one
                second.use()
        del second
        with locks.alone(store.root / "in_use") as free:
            assert free

    def test_a_worker_shares_it_also_between_two_claims(self, tmp_path):
        seen = []

        def look(*_):
            with locks.alone(tmp_path / "in_use") as free:
                seen.append(free)

        work(plan([run(end=2)]), RunStore(tmp_path), after_epoch=look)
        look()
        assert seen == [False, False, True]

    def test_who_takes_away_is_waited_for(self, store):
        with locks.alone(store.root / "in_use") as free:
            assert free
            waiting = threading.Thread(target=RunStore(store.root).use)
            waiting.start()
            waiting.join(0.1)
            assert waiting.is_alive()
        waiting.join(30)
        assert not waiting.is_alive()

    def test_a_store_that_cannot_be_written_can_be_read(self, tmp_path):
        (tmp_path / "file").write_text("")
        RunStore(tmp_path / "file").use()


class TestAnnounced:
    def test_a_run_has_a_name_until_it_is_finished(self, store):
        path = store.root / "planned" / f"{SPEC.run_id}.json"
        store.announce([SPEC])
        held = json.loads(path.read_bytes())
        assert (held["run_id"], held["keys"]) == (SPEC.run_id, list(SPEC.keys))
        store.publish(SPEC, MAKER)
        assert not path.exists()
        store.announce([SPEC])
        assert not path.exists(), "finished runs are not announced again"
