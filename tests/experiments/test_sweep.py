from pathlib import Path

import pandas as pd
import pytest
import tiny
import yaml
from swept import CLEAN, TINY, call, read

from critical.execution.plan import plan
from critical.execution.pool import RunError
from critical.execution.store import RunStore
from critical.execution.tracker import Tracker
from critical.training import loop as training
from critical.training.loop import Trainer
from experiments import sweep
from experiments.design import sweep_files
from experiments.design.config import CONF
from experiments.design.profile import figure_settings
from experiments.design.profile import protocol as shared_protocol
from experiments.design.registry import FIGURES
from experiments.output import tables
from experiments.tracking.logger import Logger
from experiments.train import run_spec


def windows_of_the_figure(profile, seeds=None):
    """The runs of iclr2019/sensitivity_window with a deficit and a standard recovery, the rate decaying on."""
    config = tiny.composed("figures", f"profile={profile}", "device=cpu")
    figure = FIGURES["iclr2019/sensitivity_window"]
    protocol, parameters = figure_settings(config, figure, shared_protocol(config))
    items = tables.planned(figure.design(protocol, parameters), seeds or protocol.seeds)
    wanted = {"role": "deficit", "schedule": "continue", "budget": protocol.recovery, "length": parameters.length}
    return [item for item in items if wanted.items() <= item.tags.items()]


class TestTable:
    def test_a_row_a_run_and_a_second_time_nothing_is_trained(self, here, monkeypatch, capsys):
        given = [*CLEAN, "deficit=inversion,none", "-m", "deficit.end=range(1,3)", "name=w", "results=r"]
        status, lines, out = call(monkeypatch, capsys, *given)
        assert (status, lines) == (0, [])
        assert out.splitlines()[-1] == "table: r/tables/sweeps/w.csv"
        assert out.startswith("4 runs: 8 epochs needed, 10 if each were trained by itself")
        table = read("r/tables/sweeps/w.csv")
        assert len(table) == 4
        assert set(table["role"]) == {"deficit", "dose_matched"}
        assert table["deficit.end"].tolist() == table["removal"].tolist() == table["length"].tolist()
        assert (table["setting.deficit"] == table["deficit"]).all()
        assert set(table["seed"]) == {0}
        assert set(table["stabilizer"]) == {"none"}
        before = Path("r/tables/sweeps/w.csv").read_bytes()
        monkeypatch.setattr(Trainer, "train_epoch", lambda *_: pytest.fail("something was trained"))
        call(monkeypatch, capsys, *reversed(given))
        assert Path("r/tables/sweeps/w.csv").read_bytes() == before

    def test_it_holds_what_training_from_scratch_gives(self, here, monkeypatch, capsys):
        call(monkeypatch, capsys, "-m", *TINY, "deficit.end=1,2", "results=r")
        table = read("r/tables/sweeps/sweep.csv")
        rows = training.train(run_spec(tiny.composed("train", *TINY, "deficit.end=2")))
        row = table[table["deficit.end"] == 2].iloc[0]
        assert row["accuracy"] == pytest.approx(rows[-1]["test_accuracy"], rel=1e-9)
        assert row["accuracy_deficient"] == pytest.approx(rows[1]["test_accuracy_deficient"], rel=1e-9)

    def test_a_failed_run_is_a_row(self, here, monkeypatch, capsys):
        status, _, out = call(monkeypatch, capsys, *CLEAN, "schedule.rate=0.01,1e30", "epochs=4", "results=r")
        assert status == 0
        assert out.splitlines()[-1].endswith("(1 failed, see its column failure)")
        table = read("r/tables/sweeps/sweep.csv")
        assert table["failure"].str.contains("non-finite loss").tolist() == [False, True]
        assert table["accuracy"].notna().tolist() == [True, False]

    def test_it_ends_with_the_first_rows_and_a_picture(self, here_with_pictures, monkeypatch, capsys):
        given = [*CLEAN, "deficit=inversion", "deficit.end=1,2", "schedule.rate=0.01,0.02", "seed=range(2)"]
        status, lines, out = call(monkeypatch, capsys, *given, "results=r", "name=w")
        assert (status, lines) == (0, [])
        *_, header, one, _, _, _, _, six, more, picture, _ = out.splitlines()
        assert header.split() == ["deficit.end", "schedule.rate", "seed", "accuracy", "(%)"]
        assert one.split()[:3] == ["1", "0.01", "0"]
        assert six.split()[:3] == ["2", "0.01", "1"]
        assert more == "… 2 more rows"
        assert picture == "picture: r/figures/sweeps/w.png"
        assert Path("r/figures/sweeps/w.png").stat().st_size > 10_000

    def test_names_are_drawn_too_and_seeds_alone(self, here, monkeypatch, capsys):
        (here / "mine" / "deficit").mkdir(parents=True)
        (here / "mine" / "deficit" / "faint.yaml").write_text("{name: blur, factor: 2, start: 0, end: 1}")
        folder = ["--config-dir", "mine"]
        status, lines, out = call(monkeypatch, capsys, *folder, *CLEAN, "deficit=glob([fain*,none])", "results=r")
        assert (status, lines) == (0, [])
        assert set(read("r/tables/sweeps/sweep.csv")["setting.deficit"]) == {"faint", "none"}
        assert "setting.deficit" in out
        status, lines, out = call(monkeypatch, capsys, *CLEAN, "seed=0,1", "results=r", "name=seeds")
        assert (status, lines) == (0, [])
        assert "picture: r/figures/sweeps/seeds" in out

    def test_a_glob_chooses_among_files(self, here):
        (only,) = sweep.expand(["schedule=glob(cyc*)"])
        assert only == ["schedule=cyclic"]
        networks = len(list((CONF / "model").glob("all_cnn*.yaml")))
        assert len(sweep.expand(["model=glob(all_cnn*)", "seed=0,1"])) == 2 * networks > 2

    def test_a_file_of_wandb_with_null_and_without_a_command(self, here, monkeypatch, capsys):
        monkeypatch.setattr(sweep_files, "FOLDER", here)
        parameters = {"deficit": {"parameters": {"end": {"min": 1, "max": 2}, "factor": {"values": [None, 2]}}}}
        (here / "w.yaml").write_text(yaml.safe_dump({"method": "grid", "parameters": parameters}))
        given = [*CLEAN, "deficit=blur", "deficit.size=4"]
        status, lines, out = call(monkeypatch, capsys, *given, "deficit.size=null", "sweep=w", "results=r")
        assert (status, lines) == (0, [])
        assert out.splitlines()[-1] == "table: r/tables/sweeps/w.csv"
        table = read("r/tables/sweeps/w.csv")
        assert table["deficit.end"].tolist() == [1, 1, 2, 2]

    def test_windows_of_one_length(self, here):
        length = "deficit.end=${start_plus:2}"
        runs = sweep.swept_runs(sweep.expand([*TINY, "deficit.start=0,3", length]))
        assert [(held.spec.timeline.windows[0].start, held.spec.timeline.windows[0].end) for held in runs] == [
            (0, 2),
            (3, 5),
        ]

    @pytest.mark.parametrize(
        ("given", "named"),
        [
            (["deficit.edn=1,2"], "deficit.edn"),
            (["deficit.start=5", "deficit.end=2,6"], "deficit.end=2"),
            (["name=../x"], "name=../x"),
            (["jobs=none"], "jobs=none"),
            (["seed"], "'seed' is no setting"),
            (["--hlep"], "--hlep: there is no such option; --help lists what there is"),
            (["sweep=blur_windo"], "did you mean 'blur_window'"),
            (["sweep=stabilizer_weight"], "method bayes"),
            (["seed=1,,2"], "seed=1,,2"),
            (["+foo=1,2"], "foo: nothing reads it"),
            (["deficit=none", "seeds=range(3)"], "python -m experiments.sweep -m 'seed=range(3)'"),
            (["model=glob(nothing*)"], "model=glob(nothing*): there is no such choice"),
            (["optimizer.lr=0.1,0.2"], "write schedule.rate=0.1,0.2"),
            (["--cfg", "job"], "--cfg: is no option of a sweep"),
            (["data.path=/a#b,c"], "quote the value"),
            (["seed=3", "deficit.end=1"], "sweep: no setting has several values; give some, e.g. 'seed=range(3)'"),
        ],
        ids=lambda part: " ".join(part) if isinstance(part, list) else "",
    )
    def test_a_bad_setting_is_one_line_before_any_training(self, here, monkeypatch, capsys, given, named):
        monkeypatch.setattr(Trainer, "train_epoch", lambda *_: pytest.fail("something was trained"))
        status, lines, _ = call(monkeypatch, capsys, *TINY, *given, "results=r")
        assert status == 2
        assert len(lines) == 1, lines
        assert named in lines[0]


@pytest.mark.parametrize("fails", [False, True])
def test_the_table_is_there_before_anybody_waits_for_a_service(here, monkeypatch, capsys, fails):
    waited = []

    def wait(*_):
        waited.append(Path("r/tables/sweeps/sweep.csv").exists())

    def stopped(*_):
        raise RunError("a worker stopped")

    monkeypatch.setattr(Logger, "close", wait)
    monkeypatch.setattr(tiny.WorkersHere, "__exit__", wait)
    if fails:
        monkeypatch.setattr(tiny.WorkersHere, "run", stopped)
    status, lines, _ = call(monkeypatch, capsys, *CLEAN, "seed=0,1", "results=r")
    assert (status, lines) == ((1, ["error: a worker stopped"]) if fails else (0, []))
    assert waited == [not fails] * 2


def test_a_sweep_and_a_figure_share_the_store(here, monkeypatch, capsys):
    """What a sweep has trained, a figure with the same settings does not train again."""
    smoke = ["data=digits", "data.subset=120", "data.test_subset=60", "model=all_cnn_tiny", "augmentation.shift=1"]
    given = [*smoke, "optimizer.batch_size=32", "schedule=continue", "schedule.decay=0.5", "recovery=2",
             "probes=standard", "arithmetic.device=cpu"]  # fmt: skip
    windows = ["deficit=blur", "deficit.start=0,1", "deficit.end=${start_plus:1}"]
    status, lines, _ = call(monkeypatch, capsys, *given, *windows, "seed=0,1", "results=r")
    assert (status, lines) == (0, [])
    same = windows_of_the_figure("smoke")
    assert len({item.spec.run_id for item in same}) == 4
    tracker = Tracker(plan(item.spec for item in same), RunStore("r/runs"))
    assert (tracker.finished, tracker.epochs_done, tracker.epochs_total) == (True, *2 * (tracker.epochs_total,))
    table = read("r/tables/sweeps/sweep.csv").set_index("run_id")
    figure_table = tables.collect(same, RunStore("r/runs")).runs.set_index("run_id")
    shared = [column for column in figure_table.columns if column in table.columns]
    assert {"role", "onset", "budget", "accuracy", "loss"} <= set(shared)
    pd.testing.assert_frame_equal(table.loc[figure_table.index, shared], figure_table[shared], check_dtype=False,
                                  rtol=1e-9)  # fmt: skip
