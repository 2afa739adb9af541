import errno
import json
import os
import signal

import pytest
from helpers import process

from critical.core.files import WriteError
from critical.execution.records import Records, read_line

pytestmark = pytest.mark.usefixtures("time_limit")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "records"


@pytest.fixture
def records(folder):
    return Records(folder)


def line(value=1.0, failure=None, maker="m1", **probes):
    """What an epoch adds."""
    trained = None if value is None else {"train_loss": value}
    return {"train": trained, "probes": probes, "seconds": {"train": 1.0}, "failure": failure, "maker": maker}


def fresh(records):
    """The same records as another process finds them."""
    found = Records(records.folder)
    found.refresh()
    return found


def test_come_back_bit_for_bit(records):
    records.refresh()
    assert records.get("ffff") is None
    record = line(0.1 + 0.2, a={"rsv": 1e-17})
    records.append("abcd", "abcd", record)
    assert records.get("abcd") == fresh(records).get("abcd") == record


def test_lie_in_a_file_a_segment_and_are_found_whatever_segment_wrote_them(records):
    for segment, key in (("aa", "aa"), ("aa", "bb"), ("cc", "cc")):
        records.append(segment, key, line())
    other = Records(records.folder)
    other.append("bb", "dd", line(2.0))
    records.refresh()
    assert sorted(path.name for path in records.folder.iterdir()) == ["aa.jsonl", "bb.jsonl", "cc.jsonl"]
    assert all(records.get(key) for key in ("aa", "bb", "cc", "dd"))
    assert len((records.folder / "aa.jsonl").read_text().splitlines()) == 2


def test_later_lines_supplement_and_change_nothing(records):
    records.append("aa", "aa", line(1.0, one={"x": 1}))
    records.append("bb", "aa", line(None, two={"y": 2}) | {"seconds": {"train": 9.0, "two": 0.5}})
    records.append("bb", "aa", line(7.0, one={"x": 8}))
    for found in (records.get("aa"), fresh(records).get("aa")):
        assert found["train"] == {"train_loss": 1.0}
        assert found["probes"] == {"one": {"x": 1}, "two": {"y": 2}}
        assert found["seconds"] == {"train": 1.0, "two": 0.5}


def test_name_who_trained_and_not_who_measured_more(records):
    records.append("aa", "aa", line(maker="m1"))
    records.append("bb", "aa", line(None, maker="m2", two={"y": 2}))
    records.append("bb", "bb", line(None, maker="m2", two={"y": 2}))  # files are read in any order
    records.append("aa", "bb", line(maker="m1"))
    records.append("aa", "cc", line(None, "non-finite loss", maker="m1"))
    records.append("bb", "cc", line(None, "non-finite loss", maker="m2"))
    for held in (records, fresh(records)):
        assert [held.get(key)["maker"] for key in ("aa", "bb")] == ["m1", "m1"]
    assert records.get("cc")["maker"] == "m1"


def test_of_before_there_were_makers_name_none(records):
    old = line()
    del old["maker"]
    records.append("aa", "aa", old)
    records.append("bb", "aa", line(maker="m2"))
    assert records.get("aa")["maker"] is None


def test_are_read_once(records, monkeypatch):
    other, taken = Records(records.folder), []
    real = Records._take
    monkeypatch.setattr(Records, "_take", lambda self, path: taken.append(path.name) or real(self, path))
    for key in ("aa", "bb"):
        other.append(key, key, line())
    records.refresh()
    records.refresh()
    other.append("bb", "cc", line())
    records.refresh()
    assert sorted(taken) == ["aa.jsonl", "bb.jsonl", "bb.jsonl"]
    assert records.get("cc")


def test_an_end_that_was_cut_is_ignored_and_spoils_no_other_line(records, recwarn):
    for key in ("aa", "bb"):
        records.append("aa", key, line())
    path = records.folder / "aa.jsonl"
    os.truncate(path, path.stat().st_size - 9)
    after = fresh(records)
    assert after.get("aa")
    assert after.get("bb") is None
    assert not recwarn.list, "it may be being written"
    Records(records.folder).append("aa", "cc", line())
    with pytest.warns(UserWarning, match=r"a line of .*aa\.jsonl is damaged"):
        after.refresh()
    after.append("aa", "bb", line(3.0))
    with pytest.warns(UserWarning, match="is damaged"):
        found = fresh(after)
    assert all(found.get(key) for key in ("aa", "bb", "cc"))


@pytest.mark.parametrize("damage", [b"\x00\x00", b"\xff\xfe", b"[]", b"7", b'{"key": "bb"}', b'{"key": "bb", "tra'])
def test_a_damaged_line_is_reported_and_missing_alone(records, damage):
    for key in ("aa", "bb", "cc"):
        records.append("aa", key, line())
    path = records.folder / "aa.jsonl"
    first, _, last = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([first, damage, last, b""]))
    with pytest.warns(UserWarning, match=r"a line of .*aa\.jsonl is damaged; its epoch is made again") as warned:
        found = fresh(records)
    assert "\n" not in str(warned[0].message)
    assert [found.get(key) is None for key in ("aa", "bb", "cc")] == [False, True, False]


def test_a_file_that_was_replaced_is_read_from_its_beginning(records):
    for key in ("aa", "bb"):
        records.append("aa", key, line())
    records.refresh()
    (records.folder / "aa.jsonl").unlink()
    Records(records.folder).append("aa", "cc", line())
    records.refresh()
    assert records.get("cc")


@pytest.mark.parametrize("written", [0, 20])
def test_a_full_disk_is_one_line(records, monkeypatch, written):
    real = os.write
    records.append("aa", "aa", line())

    def full(handle, content):
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(handle, content[:written])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(WriteError, match=f"^{records.folder} cannot be written: No space left on device"):
            records.append("aa", "bb", line())
    assert records.get("bb") is None
    assert fresh(records).get("bb") is None


def append_for_ever(folder, name):
    found, number = Records(folder), 0
    while True:
        number += 1
        columns = {f"column {place}": 0.1 for place in range(400)}
        found.append("shared", f"{name}{number}", line(float(number), p=columns))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:a line of")
def test_two_that_append_to_one_file_and_are_killed_leave_whole_lines(records):
    for number in range(10):
        with process(append_for_ever, records.folder, f"a{number}-") as one, \
                process(append_for_ever, records.folder, f"b{number}-") as other:
            path = records.folder / "shared.jsonl"
            size = path.stat().st_size if path.exists() else 0
            while not path.exists() or path.stat().st_size < size + 200_000:
                records.refresh()
            for child in (one, other):
                os.kill(child.pid, signal.SIGKILL)
                child.join()
    found = fresh(records)
    held = sorted(found._held, key=lambda key: (key.split("-")[0], int(key.split("-")[1])))
    assert len(held) > 100
    for key in held:
        assert found.get(key)["train"] == {"train_loss": float(key.split("-")[1])}
    records.refresh()
    assert records._held == found._held


def test_a_changed_digit_makes_a_line_a_damaged_one(records):
    for key in ("aa", "bb"):
        records.append("aa", key, line(0.25))
    path = records.folder / "aa.jsonl"
    path.write_bytes(path.read_bytes().replace(b"0.25", b"0.75", 1))
    with pytest.warns(UserWarning, match="is damaged; its epoch is made again"):
        found = fresh(records)
    assert [found.get(key) is None for key in ("aa", "bb")] == [True, False]


def test_lines_of_before_there_were_checksums_are_read(records):
    old = json.dumps({"key": "aa", **line(0.25)}).encode()
    assert read_line(old)[1] is False
    records.folder.mkdir()
    (records.folder / "aa.jsonl").write_bytes(old + b"\n")
    records.append("aa", "bb", line(0.5, one={"sum": "of a column"}))
    assert fresh(records).get("aa")["train"] == {"train_loss": 0.25}
    assert fresh(records).get("bb")["probes"] == {"one": {"sum": "of a column"}}
