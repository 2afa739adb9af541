import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import tiny
import wandb_server
import yaml

from critical import data
from critical.core.spec import SpecError
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.tracker import Tracker
from critical.training import loop as training
from critical.training.loop import Trainer
from experiments import agent, sweep, sync, train
from experiments.design import sweep_files
from experiments.design.config import CONF
from experiments.design.profile import figure_settings
from experiments.design.profile import protocol as shared_protocol
from experiments.design.registry import FIGURES
from experiments.output import loggers, sweep_record, tables
from experiments.train import run_spec

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted(path.stem for path in sweep_files.FOLDER.glob("*.yaml"))
CLEAN = [*tiny.MLP, "recovery=1"]
TINY = [*CLEAN, "deficit=blur", "deficit.factor=2"]


@pytest.fixture
def here(monkeypatch, tmp_path):
    """Runs are trained in this process, and nothing is written elsewhere."""
    monkeypatch.setattr(sweep, "run_all", tiny.train_here)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(monkeypatch, capsys, *arguments):
    return tiny.call(monkeypatch, capsys, sweep.main, *arguments)


def windows_of_the_figure(profile, seeds=None):
    """The runs of iclr2019/sensitivity_window with a deficit and a standard recovery, the rate decaying on."""
    config = tiny.composed("figures", f"profile={profile}", "device=cpu")
    figure = FIGURES["iclr2019/sensitivity_window"]
    protocol, parameters = figure_settings(config, figure, shared_protocol(config))
    items = tables.planned(figure.design(protocol, parameters), seeds or protocol.seeds)
    wanted = {"role": "deficit", "schedule": "continue", "budget": protocol.recovery}
    return [item for item in items if wanted.items() <= item.tags.items()]


def read(path):
    frame = pd.read_csv(path, dtype={"run_id": str, "failure": str}, keep_default_na=False, na_values=["nan", ""])
    return frame.fillna({"failure": ""}) if "failure" in frame else frame


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

    def test_it_ends_with_the_first_rows_and_a_picture(self, here, monkeypatch, capsys):
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
        status, lines, _ = call(monkeypatch, capsys, *CLEAN, "seed=0,1", "results=r", "name=seeds")
        assert (status, lines) == (0, [])
        assert Path("r/figures/sweeps/seeds.png").exists()

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


class TestShippedSweeps:
    @pytest.mark.parametrize("name", SHIPPED)
    def test_a_file_is_a_sweep_whose_runs_can_be_built(self, name, monkeypatch):
        held = sweep_files.sweep_file(name)
        assert held["name"] == name
        command = held["command"]
        assert command[:4] == ["${env}", "python", "-m", "experiments.train"]
        assert command[-1] == "${args_no_hyphens}", "without it nothing is overridden"
        for values in held["parameters"].values():
            # The service writes None, True and text with a comma in a way that Hydra reads otherwise.
            assert all(type(value) in (int, float) for value in values.get("values", []))
        config = tiny.composed("train", *[text for text in command[4:-1] if "deficit.end" not in text])
        assert (config.logger.name, config.logger.mode) == ("wandb", "online")
        pretended = data.KINDS[config.data.name](train_size=300, test_size=10, resolution=12).load()
        monkeypatch.setattr("critical.data.base._loaded", lambda spec, draw: pretended)
        point = [f"{key}={values.get('values', [values.get('min')])[-1]}" for key, values in held["parameters"].items()]
        fixed = [text for text in command[4:-1] if not text.startswith("logger")]
        (run,) = sweep.swept_runs([[*fixed, *point, "data.validation=null"]])
        assert "accuracy" in {probe.name for probe in run.spec.probes}, "measures test_accuracy"
        assert held["metric"]["name"] == "test_accuracy"

    @pytest.mark.parametrize("name", ["stabilizer_weight", "stabilizer_weight_grid"])
    def test_a_weight_is_chosen_by_clean_runs_of_calibration_seeds(self, name):
        held = sweep_files.sweep_file(name)
        assert "deficit=none" in held["command"]
        assert any(str(text).startswith("data.validation=") for text in held["command"])
        assert min(held["parameters"]["seed"]["values"]) >= 1000
        assert not [text for text in [*held["command"], *held["parameters"]] if "deficit." in str(text)]


class TestAgent:
    @pytest.mark.parametrize(
        ("given", "named"),
        [
            ([], "sweep=NAME makes a sweep"),
            (["sweep=", "sweep_id="], "known: blur_window"),
            (["sweep=blur_windo"], "did you mean 'blur_window'"),
            (["sweep=a", "sweep_id=a/b/c"], "give one"),
            (["sweep_id=abcd"], "ENTITY/PROJECT/ID"),
            (["sweep=blur_window", "count=few"], "count=few"),
            (["swep=blur_window"], "did you mean 'sweep'"),
        ],
        ids=str,
    )
    def test_a_bad_setting_is_one_line(self, given, named, monkeypatch, capsys, tmp_path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("the service was called"))
        status, lines, _ = tiny.call(monkeypatch, capsys, agent.main, *given)
        assert (status, len(lines)) == (2, 1), lines
        assert named in lines[0]

    def test_no_key_is_one_line_that_says_what_to_do(self, monkeypatch, capsys, tmp_path):
        said = "wandb: Creating sweep\nError: No API key configured. Use `wandb login` to log in.\n"
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, said))
        status, lines, _ = tiny.call(monkeypatch, capsys, agent.main, "sweep=blur_window")
        assert (status, len(lines)) == (2, 1), lines
        assert "No API key configured" in lines[0]
        assert "python -m experiments.sweep sweep=blur_window" in lines[0]

    def test_outside_of_sweeps_nothing_is_remembered(self, monkeypatch, tmp_path):
        monkeypatch.delenv("WANDB_SWEEP_ID", raising=False)
        sweep_record.remember(tmp_path, "0123", ["seed=0"])
        sweep_record.remember_refused(tmp_path, ["seed=-1"], "seed=-1: below 0")
        assert not any(tmp_path.iterdir())


class TestRefusedPoints:
    """What an agent's command refuses is a row of its sweep's table."""

    @pytest.fixture(autouse=True)
    def of_a_sweep(self, here, monkeypatch, capsys):
        monkeypatch.setenv("WANDB_SWEEP_ID", "abcd")
        self.train = lambda *given: tiny.call(monkeypatch, capsys, train.command, *TINY, *given, "results=r")

    def table(self):
        return agent.write_table("someone/project/abcd", "t", Path("r"))

    def test_a_row_with_the_settings_and_the_reason(self):
        assert self.table() is None
        points = [("1", 0.01), ("2", 1e30), ("-1", 0.01), ("1,2", 0.01)]
        told, texts = [], []
        for end, rate in points:
            told.append(self.train("epochs=4", f"deficit.end={end}", f"schedule.rate={rate}"))
            if len(told) > 1:
                texts.append(self.table().read_text().splitlines())
        assert [status for status, *_ in told] == [0, 1, 2, 2]
        whole = self.table()
        assert whole.read_text().splitlines() == texts[-1]
        assert sweep.said(whole) == f"table: {whole} (3 failed, see its column failure)"
        table = read(whole)
        assert list(zip(table["deficit.end"], table["schedule.rate"], strict=True)) == points
        assert [line for _, (*_, line), _ in told[2:]] == [f"error: {reason}" for reason in table["failure"][2:]]
        empty = table.columns.difference(["deficit.end", "schedule.rate", "failure"])
        assert table.loc[2:, empty].isna().all(axis=None)
        # The runs have the bytes that they have without the others.
        assert texts[0] == texts[1][:3] == texts[2][:3]

    def test_what_was_run_another_time_has_only_the_row_of_the_run(self, monkeypatch):
        with monkeypatch.context() as once:
            once.setattr(train, "run_spec", lambda _: (_ for _ in ()).throw(SpecError("data=digits: not there yet")))
            assert self.train("deficit.end=1")[:2] == (2, ["error: data=digits: not there yet"])
        # The sweep has nothing else, so nothing varies.
        assert self.table().read_text().splitlines() == ["failure,run_id", "data=digits: not there yet,"]
        assert self.train("deficit.end=1")[0] == 0
        (row,) = read(self.table()).to_dict("records")
        assert (row["failure"], row["removal"]) == ("", 1)

    def test_a_folder_of_results_that_cannot_be_is_one_line(self, monkeypatch, capsys):
        status, lines, _ = tiny.call(monkeypatch, capsys, train.command, *TINY, "results=${nowhere}")
        assert (status, len(lines)) == (2, 1), lines


@pytest.fixture
def service(monkeypatch, tmp_path):
    """The stand-in service, and an account that exists nowhere else."""
    wandb = pytest.importorskip("wandb")
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    for name in ("HOME", "WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_ARTIFACT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    with wandb_server.service() as held:
        monkeypatch.setenv("WANDB_BASE_URL", held.url)
        wandb.teardown()  # a connection of an earlier test would go where that one went
        yield held
        wandb.teardown()


@pytest.fixture
def grid(monkeypatch, tmp_path):
    """The window sweep as it is shipped, but of tiny pictures and two windows, of which one cannot be.

    Agents look for work more often than every 5 s. Its name, and the settings of its runs.
    """
    held = yaml.safe_load((sweep_files.FOLDER / "blur_window.yaml").read_text())
    length = next(text for text in held["command"] if text.startswith("deficit.end="))
    assert length.endswith("start_plus:5}")
    fixed = ["data=glyphs", "data.train_size=60", "data.test_size=30", "data.resolution=8", "model=all_cnn_tiny",
             "deficit=blur", "deficit.factor=2", "optimizer.batch_size=30", "arithmetic.device=cpu",
             "probes=accuracy", "recovery=1", length.replace(":5}", ":1}"), "results=agents",
             "logger=wandb", "logger.mode=offline", "logger.folder=agents"]  # fmt: skip
    held["command"] = [*held["command"][:4], *fixed, held["command"][-1]]
    held["parameters"] = {"deficit.start": {"values": [0, -1]}, "seed": {"values": [0]}}
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "three.yaml").write_text(yaml.safe_dump(held, sort_keys=False))
    monkeypatch.setattr(sweep_files, "FOLDER", tmp_path / "sweeps")
    code = (
        "import wandb.wandb_agent as agent\nfrom wandb.cli.cli import cli\nagent.Agent.POLL_INTERVAL = 0.2\n"
        "cli(prog_name='wandb')"
    )
    monkeypatch.setattr(agent, "wandb_command", lambda: [sys.executable, "-c", code])
    return "three", fixed


@pytest.mark.slow
def test_agents_and_the_sweep_here_give_one_table(service, grid, monkeypatch, capsys, tmp_path):
    name, settings = grid
    with monkeypatch.context() as patch:
        # Another agent, which was given a third window.
        patch.setenv("WANDB_SWEEP_ID", "abcd1234")
        patch.setattr(train, "logger", lambda _: loggers.logger({"name": "none"}))
        status, lines, _ = tiny.call(monkeypatch, capsys, train.command, *settings, "deficit.start=1", "seed=0")
        assert status == 0, lines
    status, lines, out = tiny.call(monkeypatch, capsys, agent.main, f"sweep={name}", "results=agents")
    assert status == 0, lines
    assert "make agent SWEEP_ID=someone/critical-periods/abcd1234" in out
    assert out.splitlines()[-1] == "table: agents/tables/sweeps/three.csv (1 failed, see its column failure)"
    assert {"UpsertSweep", "SweepWithRuns", "CreateAgent", "Heartbeat"} <= set(service.operations)
    *by_agents, refused = Path("agents/tables/sweeps/three.csv").read_text().splitlines()
    table = read("agents/tables/sweeps/three.csv")
    assert table["deficit.start"].tolist() == [0, 1, -1]
    assert table["onset"].tolist()[:2] == [0, 1]
    assert table["length"].tolist()[:2] == [1, 1]
    assert "deficit.start=-1" in refused

    monkeypatch.setattr(sweep, "run_all", tiny.train_here)
    for results in ("here", "agents"):
        if results == "agents":
            monkeypatch.setattr(Trainer, "train_epoch", lambda *_: pytest.fail("agents had trained it already"))
        given = [f"sweep={name}", "deficit.start=0,1", f"results={results}"]
        status, lines, _ = call(monkeypatch, capsys, *given)
        assert (status, lines) == (0, [])
        assert Path(f"{results}/tables/sweeps/three.csv").read_text().splitlines() == by_agents

    # The run was the sweep's own, and wandb's file holds what epochs.csv holds.
    (folder,) = (tmp_path / "agents" / "wandb").glob("offline-run-*")
    assert folder.name.endswith("-run1")
    (log,) = folder.glob("*.wandb")
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(log)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and "No such command" in done.stderr:
        pytest.skip("this wandb cannot read its files back")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    (run,) = [record["run"] for record in records if record["type"] == "run"]
    assert run["sweep_id"] == "abcd1234"
    config = run["config"]["update"]
    assert config["deficit"] == "blur"
    stored = read(tmp_path / "agents" / "runs" / "runs" / config["run_id"] / "epochs.csv")
    history = pd.DataFrame([record["history"]["item"] for record in records if record["type"] == "history"])
    for column in ("epoch", "test_accuracy", "test_loss", "train_loss", "rate"):
        assert history[column].tolist() == pytest.approx(stored[column].tolist())
    assert history["deficit_active"].tolist() == (stored["deficit"].fillna("") != "").astype(int).tolist()


@pytest.mark.slow
def test_sync_sends_what_is_missing_once(service, here, monkeypatch, capsys):
    call(monkeypatch, capsys, *TINY, "deficit.end=1,2", "results=r", "name=ends")
    where = ["results=r", "logger.folder=r"]
    status, lines, out = tiny.call(monkeypatch, capsys, sync.main, *where)
    assert (status, [line for line in lines if "credentials" not in line]) == (0, [])
    assert out.splitlines()[-1] == "critical-periods: 2 runs of r sent"
    stored = {path.parent.name: path.parent for path in Path("r/runs/runs").glob("*/run.json")}
    assert set(service.runs) == set(stored)
    for run_id, folder in stored.items():
        sent, table = service.runs[run_id], read(folder / "epochs.csv")
        assert sent["groupName"] == "ends"
        assert [row["test_accuracy"] for row in sent["history"]] == pytest.approx(table["test_accuracy"].tolist())
        assert json.loads((folder / "wandb.json").read_text())["critical-periods"]["id"] == run_id
    asked = len(service.operations)
    assert tiny.call(monkeypatch, capsys, sync.main, *where)[2].splitlines()[-1] == "critical-periods: 0 runs of r sent"
    assert len(service.operations) == asked, "nothing is sent twice"


class TestSync:
    def test_a_failure_is_a_line_and_the_next_goes_on(self, here, monkeypatch, capsys):
        wandb = pytest.importorskip("wandb")
        call(monkeypatch, capsys, *TINY, "deficit.end=1,2", "results=r")
        folders = sorted(path.parent for path in Path("r/runs/runs").glob("*/run.json"))
        for name in ("0", "00", "000", "0000"):
            (folders[0].parent / name).mkdir()
            (folders[0].parent / name / "run.json").write_text("{")
        monkeypatch.setattr(wandb, "init", lambda **_: (_ for _ in ()).throw(ConnectionError("no network")))
        status, lines, out = tiny.call(monkeypatch, capsys, sync.main, "results=r", "logger.folder=r")
        assert status == 1
        assert len(lines) == 6, lines
        assert all("was not logged" in line for line in lines)
        assert all("no network" in line for line in lines[4:]), "damaged records do not stop the next"
        assert out.splitlines()[-1] == "critical-periods: 0 runs of r sent, 6 not sent"
        assert not list(Path("r").rglob("wandb.json"))

    def test_other_modes_send_nothing(self, monkeypatch, capsys, tmp_path):
        monkeypatch.chdir(tmp_path)
        status, lines, _ = tiny.call(monkeypatch, capsys, sync.main, "logger.mode=offline")
        assert (status, len(lines)) == (2, 1)

    def test_runs_are_found_in_the_tables(self, tmp_path):
        folder = tmp_path / "tables" / "quick" / "iclr2019"
        folder.mkdir(parents=True)
        (folder / "x.csv").write_text("role,seed,run_id\nfresh,0,0012\n")
        (folder / "x.epochs.csv").write_text("label,epoch\nfresh,1\n")
        assert sync.places(tmp_path) == {"0012": {"figure": "iclr2019/x", "profile": "quick", "role": "fresh"}}
