import json

import pandas as pd
import pytest
import tiny
from PIL import Image
from tracked import done

from critical.deficits import Blur, SplitHeads
from experiments.tracking.logger import DrawnFigure
from experiments.tracking.pictures import runs_table, sample_images


@pytest.fixture
def drawn(tmp_path):
    """A figure with two runs and two claims."""
    Image.new("RGB", (40, 30), "teal").save(tmp_path / "figure.png")
    table = "arm_id,role,seed,accuracy,failure,run_id\n00ab,fresh,20,61.5,,0012\n00ab,fresh,21,,non-finite loss,0013\n"
    (tmp_path / "figure.csv").write_text(table)
    verdict = {"claim_id": "falls", "short": "it falls", "sentence": "It falls.", "verdict": "reproduced",
               "confirmed": False, "effect": 3.5, "low": 1.0, "high": 6.0, "p": 0.01, "n": 8, "unit": "points",
               "smallest": 2.0, "source": "the paper", "reason": "", "direction": "greater"}  # fmt: skip
    other = verdict | {"claim_id": "rises", "verdict": "undecided", "effect": None}
    return DrawnFigure("a/b", "quick", "Does it fall?", tmp_path / "figure.png", tmp_path / "figure.csv",
                       (verdict, other))  # fmt: skip


def test_a_figure_has_its_picture_and_its_tables(begun, mirror, drawn):
    asked = mirror(tags=["mine"])
    asked.log_figure(drawn)
    asked.close()
    (run,) = begun
    said = run.settings
    assert (said["id"], said["group"], said["job_type"]) == ("figure-quick-a-b", "a/b · quick", "figure")
    assert (said["name"], said["notes"], said["tags"]) == ("a/b · quick", "Does it fall?",
                                                           ["a/b", "quick", "figure", "mine"])  # fmt: skip
    assert not [call for call in run.calls if call[0] == "metric"], "its points are no epochs"
    (shown,) = [row for what, row, *_ in run.calls if what == "log"]
    assert shown["figure"].image.size == (40, 30)
    assert shown["runs"].columns == ["arm_id", "role", "seed", "accuracy", "failure", "run_id"]
    assert shown["runs"].data[0] == ["00ab", "fresh", 20, 61.5, None, "0012"]
    assert shown["runs"].data[1][3] is None
    verdicts = pd.DataFrame(shown["verdicts"].data, columns=shown["verdicts"].columns)
    assert verdicts["claim_id"].tolist() == ["falls", "rises"]
    assert verdicts["verdict"].tolist() == ["reproduced", "undecided"]
    assert verdicts["effect"].tolist()[0] == 3.5
    assert run.summary == {"verdicts/reproduced": 1, "verdicts/undecided": 1}
    (artifact,) = [call[1] for call in run.calls if call[0] == "artifact"]
    (entry,) = artifact.manifest.entries.values()
    assert entry.ref == drawn.table.resolve().as_uri(), "a reference, no copy"
    assert run.ended == [0]


def test_a_picture_that_is_missing_is_a_line(begun, mirror, drawn, capsys):
    drawn.picture.unlink()
    asked = mirror()
    asked.log_figure(drawn)
    done(asked.courier)
    assert capsys.readouterr().err.startswith("wandb: figure a/b was not logged")


def test_a_table_is_shown_as_it_is(tmp_path):
    (tmp_path / "t.csv").write_text("run_id,seed,accuracy\n0012,3,\n0013,4,50\n")
    assert json.loads(runs_table(tmp_path / "t.csv").to_json(orient="values")) == [["0012", 3, None], ["0013", 4, 50.0]]


def test_samples_show_what_each_deficit_does():
    window = tiny.protocol().window(0, 2)
    (clean, first), (blurred, second) = sample_images(window.deficit.of_seed(0))
    assert (clean, blurred) == ("clean", "blur")
    assert first.size == second.size == (5 * 8 + 4 * 2, 8)
    assert first.tobytes() != second.tobytes()
    assert [name for name, _ in sample_images(window.fresh.of_seed(0))] == ["clean"]


def test_samples_of_two_views():
    two = tiny.protocol(family="two_streams")
    names = [name for name, _ in sample_images(two.window(0, 2, deficit=Blur(factor=2, view="b")).deficit.of_seed(0))]
    assert names == ["clean, view a", "clean, view b", "blur of view b, view a", "blur of view b, view b"]
    # A choice of heads changes no image.
    assert len(sample_images(two.window(0, 2, deficit=SplitHeads()).deficit.of_seed(0))) == 2
