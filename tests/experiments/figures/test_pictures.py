"""The pictures of every committed table: nothing is cut off, covered, pale or too small."""

import functools
import json

import pytest
from pictures import covering, cut_off, overlaps, pale, words

from critical.inference.verdicts import to_records, verdicts
from critical.plots import style
from experiments.design.config import CONF
from experiments.design.facts import DataFacts
from experiments.design.registry import FIGURES
from experiments.output import tables
from experiments.output.composing import composed
from experiments.output.drawing import draw
from experiments.output.headline import picture_title

REFERENCE = CONF.parent / "results" / "reference"
COMMITTED = sorted(
    (path.relative_to(REFERENCE).parts[0], "/".join(path.relative_to(REFERENCE).with_suffix("").parts[1:]))
    for path in REFERENCE.glob("*/*/*.csv") if not path.name.endswith(".epochs.csv")
)  # fmt: skip
EACH = pytest.mark.parametrize(("held", "name"), COMMITTED)
PHONE_PIXELS = 360
MOST_BYTES = 200_000


@functools.cache
def design(held, name):
    """Composed from the record beside the table: neither data nor device are needed."""
    record = json.loads((REFERENCE / held / f"{name}.json").read_text(encoding="utf-8"))
    return composed(name, record["profile"], record["settings"], DataFacts(**record["data_facts"])).design


@functools.cache
def title(held, name):
    runs, shown = tables.read(REFERENCE / held, name).runs, design(held, name)
    found = to_records(verdicts(runs, shown.claims, sorted(set(runs["seed"]))) if shown.claims else [])
    return picture_title(found, shown.leading, FIGURES[name].title)


def picture(held, name):
    with style.style():
        return draw(design(held, name), tables.read(REFERENCE / held, name), title(held, name))


@EACH
def test_every_word_can_be_read(held, name):
    made = picture(held, name)
    assert len(made.get_suptitle().splitlines()) <= 2
    assert not made.legends, "names stand where the lines are"
    with style.style():
        seen = words(made)
        assert len(seen) > 10
        assert not overlaps(made, seen), "words lie on each other"
        assert not cut_off(made, seen), "words reach out of the figure"
        assert not covering(made, seen), "names or legends lie on what is drawn"
        assert not pale(made, style.TEXT_CONTRAST, seen), "words are hardly seen"
    smallest = min(text.get_fontsize() for text, _ in seen)
    assert smallest * PHONE_PIXELS / (72 * made.get_figwidth()) >= 5, "too small on a phone"


@pytest.mark.parametrize("name", ["controls/age_or_rate", "cvpr2023/rsv_blur"])
def test_the_same_table_gives_the_same_file_of_moderate_size(name, tmp_path):
    """These two have every kind of panel, and the longest file."""
    first, second = (style.save_svg(picture("quick", name), tmp_path / f"{file}.svg").read_bytes() for file in "ab")
    assert first == second
    assert len(first) < MOST_BYTES


@EACH
def test_committed_rows_stand_in_the_order_of_the_design(held, name):
    """So that a reference table that is made anew differs by nothing but what is new in it."""
    runs = tables.read(REFERENCE / held, name).runs
    assert list(dict.fromkeys(runs["arm_id"])) == [arm.id for arm in design(held, name).trained]


@EACH
def test_a_committed_table_has_every_run_of_its_design_and_no_other(held, name):
    """Redrawing a figure loses no run, and asks for none that nobody has trained."""
    table = tables.read(REFERENCE / held, name)
    planned = tables.planned(design(held, name), sorted(map(int, table.runs["seed"].unique())))
    computed = design(held, name).table is not None
    assert {item.spec.run_id for item in planned} == (set() if computed else set(table.runs["run_id"]))
    curves = {arm.id for arm in design(held, name).curves}
    assert curves == (set(table.epochs["arm_id"]) if len(table.epochs) else set())
