"""Designs composed again from the settings of a record, where neither data nor device are."""

import dataclasses
import json
import shutil

import pytest
import tiny
from PIL import Image

from critical.core.spec import SpecError
from critical.data import base
from critical.data.images import DataError
from experiments.design import profile
from experiments.design.facts import DataFacts
from experiments.design.registry import FIGURES
from experiments.output import composing, naming, remake, tables
from experiments.output.composing import composed, found_settings
from experiments.output.recording import recorded
from experiments.output.records import REFERENCE, read_record
from experiments.output.samples import samples

VISION, HALVES = "controls/permanence", "cvpr2023/rsv_blur"


@pytest.fixture
def planted(tmp_path):
    """A folder of images of four classes."""
    folder = tmp_path / "pictures"
    for split, count in (("train", 6), ("test", 3)):
        for place, kind in enumerate(("ant", "bee", "cat", "dog")):
            (folder / split / kind).mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (8, 8), (60 * place, 20 * number, 90)).save(folder / split / kind / f"{number}.png")
    return folder


def here(name, planted, tmp_path):
    """A figure on the folder, as a command composes it where the data are."""
    overrides = ["data=folder", f"data.path={planted}", "data.label=Beasts", f"data_root={tmp_path}/cache",
                 "data@two_streams.data=halves", "two_streams.data.source=folder", f"two_streams.data.path={planted}",
                 "two_streams.data.width_pixels=4", "augmentation.shift=0"]  # fmt: skip
    config = tiny.composed("figures", "profile=quick", "device=cpu", *overrides)
    figure = FIGURES[name]
    protocol, parameters = profile.figure_settings(config, figure, profile.protocol(config, figure.family))
    settings = found_settings(naming.changes([*overrides, "device=cpu"]), protocol, figure.family)
    return figure, protocol, composing.designed(figure, protocol, parameters), settings


@pytest.mark.parametrize("name", [VISION, HALVES])
def test_a_folder_that_is_gone_leads_to_the_same_arms(name, planted, tmp_path, monkeypatch):
    _, protocol, design, settings = here(name, planted, tmp_path)
    facts = protocol.facts
    assert (facts.classes, facts.label.startswith(("Beasts", "pictures"))) == (4, True)
    assert str(planted) not in " ".join(settings), "where data lie is nobody's business"
    shutil.rmtree(planted)
    shutil.rmtree(tmp_path / "cache")
    base._loaded.cache_clear()
    monkeypatch.setattr("critical.core.arithmetic.torch.cuda.is_available", lambda: False)
    again = composed(name, "quick", settings, facts)
    assert [arm.id for arm in again.design.trained] == [arm.id for arm in design.trained]
    assert again.protocol.facts == facts
    with pytest.raises(DataError):
        samples(again.design, again.protocol)


def test_a_device_that_is_not_here_is_not_asked_for():
    facts = DataFacts("somewhere", 10)
    settings = ["device=cuda", "arithmetic.instructions=native"]
    there, cpu = (composed(VISION, "quick", held, facts) for held in
                  (settings, ["device=cpu", "arithmetic.instructions=portable"]))  # fmt: skip
    assert there.protocol.parts.arithmetic.device == "cuda"
    assert not {arm.id for arm in there.design.trained} & {arm.id for arm in cpu.design.trained}


def test_the_committed_tables_hold_the_arms_that_their_records_lead_to(monkeypatch):
    monkeypatch.setattr(base, "_loaded", lambda *_: pytest.fail("data are loaded"))
    results = composing.CONF.parent / "results"
    for name in FIGURES:
        if not tables.paths(results / REFERENCE / "quick", name)[0].exists():
            continue  # not made yet
        record = read_record(results, "quick", name, REFERENCE)
        held = set(tables.read(results / REFERENCE / "quick", name).runs["arm_id"])
        assert {arm.id for arm in composing.of_record(record).design.trained} == held, name


def test_unknown_figures_and_profiles_are_one_line():
    facts = DataFacts("x", 10)
    with pytest.raises(SpecError, match=r"^figure=controls/permanance: .* did you mean 'controls/permanence'\?$"):
        composed("controls/permanance", "quick", [], facts)


def test_the_time_of_a_figure_is_that_of_all_its_makers(tmp_path, planted):
    figure, protocol, design, settings = here(VISION, planted, tmp_path)
    held = tiny.fabricated(design, (20, 21))
    made_by = [{"commit": commit, "machine": "m", "versions": {}, "seeds": [seed], "epochs": 9, "cpu_seconds": seconds}
               for commit, seed, seconds in (("c", 20, 7.0), ("d", 21, 4.5))]  # fmt: skip
    record = recorded(figure, design, protocol, held, (20, 21), profile="quick", settings=settings, command="x",
                      table="x.csv", made_by=made_by, wall_seconds=3.0, created="2026-01-31", samples=[])  # fmt: skip
    assert record.cpu_seconds == 11.5


class TestRemake:
    """Records from tables alone."""

    @pytest.fixture
    def results(self, tmp_path, planted):
        figure, protocol, design, settings = here(VISION, planted, tmp_path)
        held = tiny.fabricated(design, (20, 21))
        folder = tmp_path / "results" / REFERENCE / "beasts"
        path, _ = tables.write(held, folder, VISION)
        made_by = [{"commit": "c", "machine": "m", "versions": {}, "seeds": [20, 21], "epochs": 9, "cpu_seconds": 7.0}]
        record = recorded(figure, design, protocol, tables.read(folder, VISION), (20, 21), profile="quick",
                          settings=settings, command="x", table="reference/beasts/" + VISION + ".csv", made_by=made_by,
                          wall_seconds=3.0, created="2026-01-31", samples=samples(design, protocol))  # fmt: skip
        text = json.dumps(dataclasses.asdict(record), allow_nan=True).replace("NaN", "null")
        path.with_suffix(".json").write_text(text)
        shutil.rmtree(planted)
        shutil.rmtree(tmp_path / "cache")
        base._loaded.cache_clear()
        return tmp_path / "results"

    def test_keeps_who_made_it_and_what_the_network_saw(self, results):
        before = read_record(results, "beasts", VISION, REFERENCE)
        table = tables.paths(results / REFERENCE / "beasts", VISION)[0].read_bytes()
        after = remake.remake(results, "beasts", VISION)
        for key in ("made_by", "cpu_seconds", "wall_seconds", "created", "samples", "settings", "data", "table"):
            assert getattr(after, key) == getattr(before, key), key
        assert after.samples
        assert after.command.startswith(f"python -m experiments figure={VISION} profile=quick name=beasts ")
        assert "data=folder" in after.command
        assert "data.path=FOLDER" in after.command
        assert tables.paths(results / REFERENCE / "beasts", VISION)[0].read_bytes() == table
        # Eight seeds are planned, and the table holds two.
        assert {verdict["verdict"] for verdict in after.verdicts} <= {"unfinished"}

    def test_takes_what_a_record_of_an_earlier_version_lacks(self, results):
        path = results / REFERENCE / "beasts" / f"{VISION}.json"
        held = json.loads(path.read_text())
        settings = held.pop("settings")
        for key in ("profile", "data_facts", "timelines", "samples", "leading"):
            held.pop(key)
        path.write_text(json.dumps(held))
        with pytest.raises(SpecError, match=r"has no arm .* give the settings it was made with"):
            remake.remake(results, "beasts", VISION, ["profile=quick"])
        again = remake.remake(results, "beasts", VISION, ["profile=quick", *settings], classes=4)
        assert (again.facts, again.samples) == (DataFacts(held["data"], 4), [])
        assert again.timelines

    def test_is_a_command(self, results, capsys):
        remake.main(["beasts", "--results", str(results)])
        assert capsys.readouterr().out.strip().endswith(f"beasts/{VISION}.json")
        with pytest.raises(SystemExit):
            remake.main(["beast", "--results", str(results)])
        said = capsys.readouterr().err
        assert said == "error: remake: there are no committed results 'beast'; did you mean 'beasts'?\n"
