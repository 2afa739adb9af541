from experiments.tracking import marker


def test_what_is_said_of_a_run_is_kept(tmp_path):
    assert (marker.place_of(tmp_path), marker.sent_to(tmp_path, "a"), marker.written(tmp_path)) == ({}, {}, {})
    marker.announce(tmp_path, {"figure": "x"})
    marker.announce(tmp_path, {"figure": "y"})
    assert marker.place_of(tmp_path) == {"figure": "x"}, "the first figure that has a run names it"
    marker.mark(tmp_path, "a", id="0123", path="e/a/0123")
    marker.mark(tmp_path, "b", id="4567", path="e/b/4567", epochs=3, closed=True)
    marker.mark(tmp_path, "a", epochs=2, closed=True)
    first, second = marker.sent_to(tmp_path, "a"), marker.sent_to(tmp_path, "b")
    assert (first["id"], first["epochs"], first["closed"]) == ("0123", 2, True)
    assert (second["id"], second["epochs"]) == ("4567", 3)
    marker.mark(tmp_path, "b", effects={"cost": 1.0})
    assert marker.sent_to(tmp_path, "b")["epochs"] == 3
    assert marker.place_of(tmp_path) == {"figure": "x"}


def test_an_offline_file_that_has_gone_is_none(tmp_path):
    (tmp_path / "offline").mkdir()
    marker.mark(tmp_path, None, id="0123", path=str(tmp_path / "offline"), epochs=2, closed=True)
    assert marker.written(tmp_path)["epochs"] == 2
    (tmp_path / "offline").rmdir()
    assert marker.written(tmp_path) == {}


def test_a_damaged_marker_knows_nothing(tmp_path):
    for text in ("{", "[]"):
        (tmp_path / marker.MARKER).write_text(text)
        assert marker.read(tmp_path) == {}
