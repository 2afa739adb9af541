"""`python -m experiments.runs`: what is printed, drawn and refused."""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import tiny
from helpers import FAILING, FEW, STOPPED
from PIL import Image

import critical
from critical import Results
from critical.deficits import ViewDropout
from critical.execution.store import RunStore
from critical.training.schedules import Stages
from critical.training.timeline import Timeline, Window
from experiments.design import config as configuration
from experiments.runs import __main__ as front
from experiments.runs import pictures, printing, texts

BLURRED, OTHER_SEED, CLEAN = FEW
ROOT = Path(critical.__file__).parents[1]


@pytest.fixture
def call(monkeypatch, capsys, trained_results):
    """Calls the command; returns its status, standard output and the lines of standard error."""

    def command(*arguments, folder=trained_results):
        monkeypatch.setattr(sys, "argv", ["runs", *map(str, arguments), "--results", str(folder)])
        capsys.readouterr()
        try:
            status = front.main()
        except SystemExit as stop:
            status = stop.code
        held = capsys.readouterr()
        return status, held.out, held.err.splitlines()

    return command


def table_of(folder, place, *specs, column="run_id"):
    """A table of a figure that has these runs."""
    path = folder / f"{place}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(pd.DataFrame({"arm_id": "a", column: [spec.run_id for spec in specs]}).to_csv(index=False))


class TestList:
    def test_shows_a_row_a_run_and_counts_them(self, call, trained_results):
        status, out, err = call("list")
        assert (status, err) == (0, [])
        lines = out.splitlines()
        for spec, words in (
            (BLURRED, ["finished", "digits", "all_cnn", "blur [0, 2)", " 0 ", " 5 "]),
            (OTHER_SEED, [" 1 "]),
            (CLEAN, ["none [0, 2)"]),
            (FAILING, ["failed", " none "]),
            (STOPPED, ["unfinished", "label_permutation [1, 3)", " 2/6 "]),
        ):
            (line,) = [line for line in lines if spec.run_id[:8] in line]
            assert all(word in line for word in words), line
        assert f"{Results(trained_results).row(BLURRED.run_id)['accuracy']:.2f} %" in out
        assert lines[-1] == "5 runs: 3 finished, 1 failed, 1 unfinished"
        assert "\x1b" not in out, "no colours in a pipe"

    def test_tells_views_and_rates_apart(self, call, tmp_path):
        """Runs of one figure that differ in nothing else; they are described before they are trained."""
        parts = configuration.parts(tiny.composed("train", *tiny.TWO_EYES))
        store = RunStore(tmp_path / "runs")
        held = {}
        for view in "ab":
            timeline = Timeline(6, (Window(2, 5, ViewDropout(view=view)),))
            for rate in (0.05, 0.0125):
                run = parts.run(0, Stages(rate=0.05, decay=1.0, later=((2.0, rate, 1.0),)), timeline)
                held[run.run_id[:8]] = [f"view_dropout of view {view} [2, 5)", f" {rate:g} "]
                store.announce([run])
        lines = call("list", folder=tmp_path)[1].splitlines()
        for run, words in held.items():
            (line,) = [line for line in lines if run in line]
            assert all(word in line for word in words), line

    def test_csv_holds_every_column(self, call, trained_results):
        held = pd.read_csv(io.StringIO(call("list", "--csv")[1]))
        expected = Results(trained_results).runs()
        assert list(held) == [*expected, "figures"]
        assert list(held["run_id"]) == list(expected["run_id"])
        assert held["accuracy"].dropna().tolist() == expected["accuracy"].dropna().tolist()

    @pytest.mark.parametrize(
        ("options", "specs"),
        [
            ((), (*FEW, FAILING, STOPPED)),
            (("--deficit", "blur"), (BLURRED, OTHER_SEED)),
            (("--deficit", "none"), (CLEAN, FAILING)),
            (("--deficit", "blur,none", "--seed", "0"), (BLURRED, CLEAN, FAILING)),
            (("--seed", "1"), (OTHER_SEED,)),
            (("--state", "failed,unfinished"), (FAILING, STOPPED)),
            (("--state", "running"), ()),
            (("--data", "digits", "--state", "finished"), FEW),
        ],
    )
    def test_filters(self, call, options, specs):
        status, out, _ = call("list", "--csv", *options)
        assert status == 0
        assert set(pd.read_csv(io.StringIO(out))["run_id"]) == {spec.run_id for spec in specs}

    def test_filters_by_the_tables_that_have_a_run(self, call, results_folder):
        table_of(results_folder, "tables/quick/iclr2019/one", BLURRED, CLEAN)
        table_of(results_folder, "reference/laptop/iclr2019/one", CLEAN)
        table_of(results_folder, "tables/sweeps/mine", OTHER_SEED)
        table_of(results_folder, "tables/quick/iclr2019/one.epochs", FAILING)
        table_of(results_folder, "tables/quick/iclr2019/computed", FAILING, column="other")
        for name, specs in {
            "iclr2019/one": (BLURRED, CLEAN), "quick/iclr2019/one": (BLURRED, CLEAN), "laptop/iclr2019/one": (CLEAN,),
            "mine": (OTHER_SEED,), "sweeps/mine,laptop/iclr2019/one": (OTHER_SEED, CLEAN),
        }.items():  # fmt: skip
            held = pd.read_csv(io.StringIO(call("list", "--csv", "--figure", name, folder=results_folder)[1]))
            assert set(held["run_id"]) == {spec.run_id for spec in specs}, name
        figures = held.set_index("run_id")["figures"]
        assert figures[CLEAN.run_id] == "laptop/iclr2019/one;quick/iclr2019/one"
        out = call("list", folder=results_folder)[1]
        assert "laptop/iclr2019/one and 1 more" in out

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (("--deficit", "blr"), "--deficit blr: no run has it; did you mean 'blur'?"),
            (("--state", "done"), "--state done: no run has it; "),
            (("--seed", "x"), "--seed x: no run has it; known: 0, 1"),
            (("--figure", "one"), "--figure one: no run has it; none has any"),
        ],
    )
    def test_a_value_that_no_run_has_is_refused_in_one_line(self, call, options, said):
        status, out, err = call("list", *options)
        assert (status, out, len(err)) == (2, "", 1)
        assert err[0].startswith(f"error: {said}")

    def test_a_damaged_record_is_said_and_left_out(self, call, results_folder):
        path = results_folder / "runs" / "runs" / BLURRED.run_id / "run.json"
        path.write_text("")
        status, out, err = call("list", folder=results_folder)
        assert status == 0
        assert err == [f"warning: {path} cannot be read (JSONDecodeError); it is left out"]
        assert out.splitlines()[-1].startswith("4 runs:")

    @pytest.mark.parametrize("part", ["timeline", "data", "keys", "seed", "failure", "environment", "made_by", "date"])
    def test_a_record_of_other_kinds_costs_its_run_alone(self, call, results_folder, part):
        path = results_folder / "runs" / "runs" / BLURRED.run_id / "run.json"
        record = {key: held for key, held in json.loads(path.read_bytes()).items() if key != "sum"}
        path.write_text(json.dumps(record | {part: 7.5 if part != "seed" else [7]}))
        status, out, err = call("list", folder=results_folder)
        assert (status, len(err)) == (0, 1)
        assert err[0].startswith(f"warning: {path} is damaged: ")
        assert out.splitlines()[-1].startswith("4 runs:")
        assert call("show", BLURRED.run_id, folder=results_folder)[0] == 2

    @pytest.mark.parametrize("content", ["{}", "[]", "7", "{", '{"run_id": "of another"}'])
    def test_a_damaged_plan_costs_its_run_alone(self, call, results_folder, content):
        path = results_folder / "runs" / "planned" / f"{STOPPED.run_id}.json"
        path.write_text(content)
        status, out, err = call("list", folder=results_folder)
        assert (status, len(err)) == (0, 1)
        assert err[0].startswith(f"warning: {path} ")
        assert out.splitlines()[-1].startswith("4 runs:")

    def test_epochs_that_are_needed_and_lack_cost_their_run_alone(self, call, results_folder):
        path = results_folder / "runs" / "runs" / FAILING.run_id / "epochs.csv"
        path.unlink()
        status, out, err = call("list", folder=results_folder)
        assert (status, len(err)) == (0, 1)
        assert str(path) in err[0]
        assert out.splitlines()[-1].startswith("4 runs:")


class TestPrinting:
    @pytest.mark.parametrize(
        ("width", "left_out", "last"),
        [(80, [], "abcdefghijklmnopqrst"), (41, [], "abcdefghijklmno…"), (30, ["b"], "abcdefghijklmn…")],
    )
    def test_a_table_is_as_wide_as_there_is_room(self, monkeypatch, capsys, width, left_out, last):
        monkeypatch.setattr(printing, "PIPE_COLUMNS", width)
        columns = {"a": ["x" * 10], "b": ["y" * 8], "c": ["1"], "d": ["abcdefghijklmnopqrst"]}
        assert printing.show(columns, right=("c",), spare=("b", "a")) == left_out
        row = capsys.readouterr().out.splitlines()[-1]
        assert row.split() == ["x" * 10, *(["y" * 8] if not left_out else []), "1", last]
        assert len(row.rstrip()) <= width

    def test_one_is_no_plural(self):
        assert [printing.counted(number, "files of epochs") for number in (0, 1, 2)] == [
            "0 files of epochs", "1 file of epochs", "2 files of epochs",
        ]  # fmt: skip


class TestShow:
    def test_says_what_a_run_is_made_of(self, call):
        status, out, _ = call("show", BLURRED.run_id[:10])
        assert status == 0
        assert out.startswith(f"run {BLURRED.run_id}: finished, 5 of 5 epochs, written 20")
        for words in (
            "deficit       [0, 2) blur: factor=2", "all_cnn: width=4, depth=3", "sgd: batch_size=32",
            "accuracy: every=1", "fisher: every=1, recovery_every=null, samples=64", "seed          0",
            "  command     python ", "  made by     commit ", ", 5 epochs, ",
        ):  # fmt: skip
            assert words in out, words

    def test_draws_its_curves_with_the_window_marked(self, call, trained_results):
        lines = call("show", BLURRED.run_id)[1].partition("curves, epochs 1 to 5\n")[2].splitlines()
        epochs = Results(trained_results).epochs(BLURRED.run_id)
        names = [line.split()[0] for line in lines]
        assert names == ["accuracy", "loss", "trace", "window"]
        assert lines[-1].split()[1:] == ["██···", "blur", "[0,", "2)"]
        drawn = lines[2][13:18]
        order = sorted(range(5), key=lambda place: epochs["fisher_trace"][place])
        assert (drawn[order[0]], drawn[order[-1]]) == ("▁", "█")
        assert f"{epochs['test_loss'].iloc[-1]:.4g} nats" in lines[1]

    def test_of_a_failed_and_of_an_unfinished_run(self, call):
        out = call("show", FAILING.run_id)[1]
        assert "failure     non-finite loss" in out
        out = call("show", STOPPED.run_id)[1]
        assert f"run {STOPPED.run_id}: unfinished, 2 of 6 epochs\n" in out
        assert "curves, epochs 1 to 2" in out
        assert "·█" in out

    def test_csv_are_its_epochs(self, call, trained_results):
        held = pd.read_csv(io.StringIO(call("show", "--csv", BLURRED.run_id)[1]))
        assert held["test_loss"].tolist() == Results(trained_results).epochs(BLURRED.run_id)["test_loss"].tolist()

    def test_long_curves_are_put_together(self):
        epochs = pd.DataFrame({"epoch": range(1, 151), "test_accuracy": [float("nan"), *range(149)]})
        window = {"start": 3, "end": 7, "deficit": {"name": "blur"}}
        head, curve, marks = texts.curves(epochs, {"timeline": {"windows": [window]}})
        assert head == "curves, epochs 1 to 150, 3 a sign"
        assert len(curve.split()[1]) == 50 == len(marks.split()[1])
        assert marks.split()[1].startswith("·██··")

    def test_blocks_are_of_eight_heights(self):
        assert texts.blocks(pd.Series([0.0, 1, 2, 3, 4, 5, 6, 7])) == texts.BLOCKS
        assert texts.blocks(pd.Series([2.0, float("nan"), 2.0, float("inf")])) == "▁ ▁ "


class TestCompare:
    def test_says_what_differs_and_nothing_else(self, call):
        out = call("compare", BLURRED.run_id, OTHER_SEED.run_id, "--csv")[1]
        held = pd.read_csv(io.StringIO(out), index_col="what")
        assert list(held) == [BLURRED.run_id, OTHER_SEED.run_id]
        assert set(held.index) <= {"seed", "accuracy", "loss"}
        assert held.loc["seed"].astype(float).tolist() == [0, 1]

    def test_numbers_are_short_unless_that_hides_how_they_differ(self):
        assert texts._told(2.0892445068359375, 1.91889453125) == ["2.08924", "1.91889"]
        assert texts._told(2.00000001, 2.00000002) == ["2.00000001", "2.00000002"]
        assert texts._told(None, "blur") == ["–", "blur"]

    def test_says_how_far_runs_are_one(self, call):
        assert call("compare", BLURRED.run_id, OTHER_SEED.run_id)[1].splitlines()[-1].startswith("no past in common")
        out = call("compare", CLEAN.run_id, STOPPED.run_id)[1]
        assert out.splitlines()[-1] == "epochs in common, trained once: 1"
        assert "timeline.windows.0.deficit.name" in out
        assert "label_permutation" in out
        assert call("compare", BLURRED.run_id, CLEAN.run_id)[1].splitlines()[-1].startswith("begun alike")

    def test_of_a_run_with_itself_is_said(self, call):
        assert call("compare", BLURRED.run_id, BLURRED.run_id[:9])[1] == f"{BLURRED.run_id} is one and the same run\n"


class TestPlot:
    def test_draws_accuracy_loss_and_trace_with_the_window_shaded(self, trained_results):
        results = Results(trained_results)
        made = pictures.drawn({BLURRED.run_id: (results.record(BLURRED.run_id), results.epochs(BLURRED.run_id))})
        words = [axis.get_ylabel().replace("\n", " ") for axis in made.axes]
        assert words == ["test accuracy (%)", "test loss (nats)", "trace of the Fisher information"]
        for axis, column in zip(made.axes, ("test_accuracy", "test_loss", "fisher_trace"), strict=True):
            (shade,) = axis.patches
            assert (shade.get_x(), shade.get_x() + shade.get_width()) == (0, 2)
            first = axis.lines[0]
            assert list(first.get_xdata()) == [1, 2, 3, 4, 5]
            assert list(first.get_ydata()) == results.epochs(BLURRED.run_id)[column].tolist()
        assert made.axes[2].get_yscale() == "log"
        assert made.axes[0].lines[1].get_label().endswith("on deficient images")

    def test_a_sham_is_not_shaded(self, trained_results):
        results = Results(trained_results)
        made = pictures.drawn({CLEAN.run_id: (results.record(CLEAN.run_id), results.epochs(CLEAN.run_id))})
        assert not any(axis.patches for axis in made.axes)

    def test_writes_beside_the_record_or_where_it_is_told(self, call, results_folder, tmp_path):
        status, out, _ = call("plot", BLURRED.run_id[:9], OTHER_SEED.run_id, folder=results_folder)
        home = results_folder / "runs" / "runs" / BLURRED.run_id
        assert status == 0
        assert set(out.split()) == {str(home / f"curves.{end}") for end in ("png", "pdf", "svg")}
        assert Image.open(home / "curves.png").width > 1000
        assert call("verify", folder=results_folder)[0] == 0
        target = tmp_path / "new" / "mine.svg"
        assert call("plot", BLURRED.run_id, "--to", target)[1] == f"{target}\n"
        assert target.read_text().startswith("<?xml")

    @pytest.mark.parametrize(
        ("arguments", "status", "said"),
        [
            ((BLURRED.run_id, "--to", "a.gif"), 2, "--to a.gif: give a name that ends in .png, .pdf, .svg"),
            ((FAILING.run_id,), 2, f"plot: nothing was measured yet in {FAILING.run_id}"),
            ((BLURRED.run_id, "--to", "/proc/none/a.png"), 1, "/proc/none cannot be written"),
        ],
    )
    def test_what_cannot_be_is_one_line(self, call, arguments, status, said):
        found, out, err = call("plot", *arguments)
        assert (found, out, len(err)) == (status, "", 1)
        assert err[0].startswith(f"error: {said}")


class TestExport:
    def test_writes_a_row_a_run_or_a_row_an_epoch(self, call, trained_results, tmp_path):
        held = pd.read_csv(io.StringIO(call("export", "--deficit", "blur")[1]))
        assert set(held["run_id"]) == {BLURRED.run_id, OTHER_SEED.run_id}
        target = tmp_path / "epochs.csv"
        status, out, _ = call("export", "--epochs", "--state", "finished,unfinished", "--to", target)
        assert (status, out) == (0, f"17 rows: {target}\n")
        epochs = pd.read_csv(target)
        assert list(epochs)[:2] == ["run_id", "epoch"]
        expected = Results(trained_results).epochs(STOPPED.run_id)["test_loss"]
        assert epochs[epochs["run_id"] == STOPPED.run_id]["test_loss"].tolist() == expected.tolist()
        assert call("export", "--epochs", "--state", "running")[1].startswith("run_id,epoch")


class TestVerify:
    def test_a_whole_store_ends_well_and_a_damaged_one_with_status_1(self, call, results_folder):
        status, out, _ = call("verify", folder=results_folder)
        assert status == 0
        assert out.startswith("nothing is damaged: ")
        assert "4 runs" in out
        path = results_folder / "runs" / "runs" / BLURRED.run_id / "epochs.csv"
        path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
        old = results_folder / "runs" / "runs" / CLEAN.run_id / "run.json"
        before = json.loads(old.read_bytes())
        old.write_text(json.dumps({key: before[key] for key in before if key not in ("sum", "sums")}))
        status, out, _ = call("verify", folder=results_folder)
        assert status == 1
        first, last = out.splitlines()
        assert first == f"{path} is not what was written: its checksum differs"
        assert last.startswith("1 damaged (")
        assert "no checksum, since of an earlier version: 1 run)" in last


class TestEnds:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("shw",), "argument COMMAND: invalid choice: 'shw'"),
            (("show",), "the following arguments are required: RUN"),
            (("list", "--deficits", "blur"), "unrecognized arguments: --deficits"),
            (("show", "zzz"), "run 'zzz': there is none in "),
            (("list", "--se", "1"), "unrecognized arguments: --se"),
        ],
    )
    def test_what_cannot_be_is_one_line_and_status_2(self, call, arguments, said):
        status, out, err = call(*arguments)
        assert (status, out, len(err)) == (2, "", 1)
        assert err[0].startswith(f"error: {said}")

    def test_a_folder_without_runs_is_one_line(self, call, tmp_path):
        assert call("list", folder=tmp_path)[2] == [
            f"error: results={tmp_path}: there are no runs below it; train some, or name another folder"
        ]

    def test_what_the_system_refuses_says_what_to_do(self, call, results_folder, monkeypatch):
        def full(*_: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "curves.png")

        monkeypatch.setattr("experiments.runs.texts.exported", full)
        status, out, err = call("export", folder=results_folder)
        assert (status, out) == (1, "")
        assert err == ["error: curves.png: No space left on device; make room"]

    def test_help_names_every_command(self, call):
        status, out, _ = call("--help")
        assert status == 0
        assert all(f"\n    {name} " in out for name in ("list", "show", "compare", "plot", "export", "verify", "prune"))

    @pytest.mark.slow
    @pytest.mark.parametrize("shell", ["{} | head -c 5", "{} >&-", "{} | true"])
    def test_a_reader_that_goes_away_ends_it_quietly(self, trained_results, shell):
        command = f"{sys.executable} -m experiments.runs export --epochs --results {trained_results}"
        program = f"set -o pipefail; {shell.format(command)}"
        done = subprocess.run(["bash", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False,
                              env={**os.environ, "PYTHONUNBUFFERED": ""})  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
