import functools
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import tiny

from critical import data, deficits, models, stabilizers
from critical.models import two_stream
from critical.training import loop as training
from critical.training import optimizers, schedules
from critical.training.loop import Trainer
from experiments import train

ROOT = Path(__file__).resolve().parents[2]
AUGMENTATIONS = ("off", "shift", "shift_flip")
CASES = [
    *(("model", name) for name in models.KINDS if name != "timm" or importlib.util.find_spec("timm")),
    *(("deficit", name) for name in deficits.KINDS),
    *(("schedule", name) for name in schedules.KINDS),
    *(("optimizer", name) for name in optimizers.KINDS),
    *(("augmentation", name) for name in AUGMENTATIONS),
    *(("stabilizer", name) for name in stabilizers.KINDS),
    ("probes", "standard"),
    ("probes", "two_views_tiny"),
    *(("data", name) for name in ("glyphs", "two_eyes", "halves", "image_and_signal", "moving_glyphs")),
    *(("fusion", name) for name in two_stream.FUSIONS),
]
SMALLEST = {"torchvision": "shufflenet_v2_x0_5", "timm": "test_resnet"}
TWO_STREAMS = {name for name, kind in models.KINDS.items() if getattr(kind, "streams", 1) == 2}
DATA = {
    "glyphs": ["data.train_size=60", "data.test_size=20", "data.resolution=12"],
    "two_eyes": ["data.train_size=40", "data.test_size=20", "data.resolution=8"],
    "halves": ["data.source=digits", "data.width_pixels=5", "data.subset=40", "data.test_subset=20"],
    "moving_glyphs": ["data.train_size=40", "data.test_size=20", "data.resolution=8"],
    "image_and_signal": ["data.train_size=40", "data.test_size=20", "data.resolution=8"],
}


def command(*arguments, **environment):
    """The front end as a person calls it."""
    return subprocess.run(
        [sys.executable, "-m", "experiments.train", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=120, env={**os.environ, **environment},
    )  # fmt: skip


def needs_two(group, name):
    """Whether a choice makes sense with two views only."""
    return (
        (group == "deficit" and issubclass(deficits.KINDS[name], deficits.ViewDeficit))
        or (group == "stabilizer" and stabilizers.KINDS[name]().streams == 2)
        or (group == "model" and name in TWO_STREAMS)
        or (group, name) in {("probes", "two_views_tiny"), ("data", "two_eyes"), ("data", "halves"),
                             ("data", "moving_glyphs")}
        or group == "fusion"
    )


def without(texts, *groups):
    return [text for text in texts if text.split("=")[0].split(".")[0] not in groups]


def overrides(group, name):
    """Tiny epochs in which the choice acts."""
    base = list(tiny.TWO_EYES if needs_two(group, name) else tiny.MLP if name == "mlp" else tiny.TINY)
    base += ["epochs=2", *([f"{group}={name}"] if group not in ("data", "model", "fusion") else [])]
    if group == "deficit":
        base += ["deficit.end=1", *(["deficit.factor=2"] if name == "blur" else [])]
    if group == "schedule":
        base += ["deficit=inversion", "deficit.end=1", "epochs=4"]
        base += {"stages": ["schedule.later=[[2,0.01,0.5]]"], "steady": ["schedule.factor=0.5"]}.get(name, [])
    if group == "stabilizer":
        base += ["stabilizer.end=1"]
    if group == "probes":
        base.remove("probes=accuracy")
    if group == "model" and name in SMALLEST:
        base = [*without(base, "model"), f"model={name}", f"model.arch={SMALLEST[name]}", "model.small_stem=true"]
    if name == "resnet18":
        base = [*without(base, "model"), "model=resnet18", "model.width=0.05"]
    if group == "model" and name in TWO_STREAMS:
        # The width of a residual network is a share of the paper's.
        base = [*without(base, "model"), f"model={name}", f"model.width={0.05 if name == 'split_resnet18' else 2}"]
    if name in ("two_view_transformer", "masked_autoencoder"):
        small = ("model.patch=2", "model.dims=4", "model.layers=1", "model.attention_heads=2")
        base = [*without(base, "model"), "model=two_view_transformer", *small]
    if group == "fusion":
        base += [f"model.fusion={name}"]
    if group == "data":
        base = [*without(base, "data"), f"data={name}", *DATA[name]]
        if name == "image_and_signal":
            base = [*without(base, "model"), "model=two_modality", "model.width=2", "model.units=8"]
    return base


@functools.cache
def spec_of(group, name):
    return train.run_spec(tiny.composed("train", *overrides(group, name)))


def test_every_kind_of_data_that_is_made_here_is_tried():
    own = {"folder", "multi_feature", "arrays", "folder_and_table"}
    to_be_had = {"cifar10", "cifar100", "mnist", "fashion_mnist", *own}
    assert {*DATA, "digits"} == set(data.KINDS) - to_be_had


def test_augmentations_are_all_tried():
    assert set(AUGMENTATIONS) == {path.stem for path in (ROOT / "conf" / "augmentation").glob("*.yaml")}


@pytest.mark.parametrize(("group", "name"), CASES)
def test_every_choice_trains(group, name):
    spec = spec_of(group, name)
    if group == "deficit" and name != "none":
        assert [deficit.name for deficit in spec.epoch_specs[0].deficits] == [name]
        assert spec.epoch_specs[1].deficits == ()
    if group == "stabilizer" and name != "none":
        assert [[one.name for one in each.stabilizers] for each in spec.epoch_specs] == [[name], []]
    rows = training.train(spec)
    assert len(rows) == spec.timeline.end == (4 if group == "schedule" else 2)
    measured = [row["test_accuracy"] for row in rows if "test_accuracy" in row]
    assert all(0 <= accuracy <= 100 for accuracy in measured)
    assert "test_accuracy" in rows[-1]
    assert ("fisher_trace" in rows[0]) == (group == "probes")
    assert ("decoding_b" in rows[0]) == (name == "two_views_tiny")
    again = training.train(spec)
    losses, repeated = ([row.get("train_loss", row.get("objective")) for row in held] for held in (rows, again))
    assert repeated == losses


def test_choices_make_other_runs():
    """A choice that did not reach the run would have the identity of another one."""
    by_group: dict[str, set[str]] = {}
    for group, name in CASES:
        if group == "probes":
            continue
        by_group.setdefault(group, set()).add(spec_of(group, name).run_id)
    counts = {group: len([case for case in CASES if case[0] == group]) for group in by_group}
    assert {group: len(ids) for group, ids in by_group.items()} == counts


@pytest.mark.parametrize(
    ("given", "end", "windows"),
    [
        (["recovery=3"], 3, 0),
        (["recovery=3", "deficit=inversion", "deficit.end=4"], 7, 1),
        (["recovery=3", "deficit=none", "deficit.end=4"], 7, 1),
        (["epochs=5", "deficit=inversion", "deficit.start=1", "deficit.end=4"], 5, 1),
    ],
)
def test_the_length_of_a_run(given, end, windows):
    spec = train.run_spec(tiny.composed("train", *tiny.TINY, *given))
    assert (spec.timeline.end, len(spec.timeline.windows)) == (end, windows)


def test_a_run_is_recorded_and_not_trained_twice(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    real, counted = Trainer.train_epoch, []
    monkeypatch.setattr(Trainer, "train_epoch", lambda self, each: counted.append(each) or real(self, each))
    given = [*tiny.TINY, "deficit=blur", "deficit.factor=2", "deficit.end=1", "recovery=2", f"results={tmp_path}/r"]
    status, _, out = tiny.call(monkeypatch, capsys, tiny.train_main, *given)
    assert status == 0
    assert len(counted) == 3
    (folder,) = (tmp_path / "r" / "runs" / "runs").iterdir()
    assert str(folder) in out
    record = json.loads((folder / "run.json").read_text())
    assert record["run_id"] == folder.name
    assert record["failure"] is None
    assert record["deficit" if "deficit" in record else "timeline"]["windows"][0]["deficit"]["name"] == "blur"
    table = pd.read_csv(folder / "epochs.csv", keep_default_na=False)
    assert table["epoch"].tolist() == [1, 2, 3]
    assert table["deficit"].tolist() == ["blur", "", ""]
    assert f"{float(table['test_accuracy'].iloc[-1]):.2f} %" in out
    assert (folder / "epochs.png").stat().st_size > 10_000
    assert f"picture: {folder}/epochs.png" in out
    lines = out.splitlines()
    assert lines[0].split() == ["epoch", "loss", "accuracy", "trace", "rate", "acts"]
    for line, row in zip(lines[1:4], table.to_dict("records"), strict=True):
        epoch, loss, accuracy, trace, rate, acts = line.replace(" %", "").split()
        assert (int(epoch), acts) == (row["epoch"], row["deficit"] or "–")
        assert float(loss) == pytest.approx(row["train_loss"], abs=1e-3)
        assert trace == "–", "it was not measured"
        assert accuracy == (f"{float(row['test_accuracy']):.1f}" if row["test_accuracy"] else "–")
        assert float(rate) == pytest.approx(row["rate"], rel=1e-3)
    nexts = lines[lines.index("next, one of:") + 1 :]
    assert [line.split("  ")[1] for line in nexts] == ["deficit=none", "deficit.start=1 deficit.end=2", "recovery=4"]

    status, _, again = tiny.call(monkeypatch, capsys, tiny.train_main, *given)
    assert status == 0
    assert len(counted) == 3, "stored epochs are not trained again"
    assert again == out, "what is stored is shown all the same"

    status, _, _ = tiny.call(monkeypatch, capsys, tiny.train_main, *given, "recovery=3")
    assert status == 0
    assert len(counted) == 4, "a longer run goes on from the stored one"


def test_a_run_that_diverges_says_so(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    given = [*tiny.MLP, "epochs=4", "schedule.rate=1e30", f"results={tmp_path}/r"]
    status, lines, out = tiny.call(monkeypatch, capsys, tiny.train_main, *given)
    assert status != 0
    assert len(lines) == 1
    assert "non-finite loss" in lines[0]
    (folder,) = (tmp_path / "r" / "runs" / "runs").iterdir()
    assert "non-finite loss" in json.loads((folder / "run.json").read_text())["failure"]
    assert "test accuracy" not in out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["deficit=blurr"], "did you mean 'blur'"),
        (["schedule=restar"], "did you mean 'restart'"),
        (["deficit=blur", "deficit.edn=10"], "deficit.edn"),
        (["deficit=blur", "deficit.start=5", "deficit.end=2"], "deficit.end=2"),
        (["deficit=blur", "deficit.factor=0", "deficit.end=2"], "factor=0"),
        (["deficit=blur", "deficit.factor=3", "deficit.end=2"], "factor=3"),
        (["deficit=blur", "deficit.size=99", "deficit.end=2"], "size=99"),
        (["deficit=blur", "deficit.start=3", "deficit.end=4", "deficit.size=99"], "size=99"),
        (["deficit=blur", "deficit.end=soon"], "deficit.end='soon'"),
        (["deficit=blur", "deficit.end=9", "deficit.factor=2", "epochs=5"], "epochs=5"),
        (["deficit=label_permutation", "deficit.classes=5", "deficit.end=2"], "classes=5"),
        (["schedule.rate=-1"], "schedule.rate=-1"),
        (["schedule.rate=fast"], "schedule.rate='fast'"),
        (["seed=first"], "seed='first'"),
        (["seed=-1"], "seed=-1"),
        (["seed", "0"], "'seed' is no setting"),
        (["seed=0", "0"], "'0' is no setting"),
        (["recovery=-1"], "recovery=-1"),
        (["recovery=0"], "epochs=0"),
        (["epochs=ten"], "epochs='ten'"),
        (["optimizer.batch_size=1"], "batch_size=1"),
        (["data=folder"], "data.path: has no value"),
        (["data=arrays"], "data.path: has no value; give it, e.g. data.path=mine.npz"),
        (["deficit.type=blur"], "there is no setting 'deficit.type'; it is chosen by its name: deficit=blur"),
        (["data=folder", "data.path=/nowhere", "data.label=x"], "/nowhere"),
        (["data=folder", "data.path=/nowhere", "data.label=x", "data.split=2"], "split=2"),
        (["data=arrays", "data.path=/nowhere.npz"], "there is no /nowhere.npz"),
        (["model=torchvision", "model.arch=resnett18"], "did you mean 'resnet18'"),
        (["model=torchvision", "model.arch=alexnet"], "cannot be trained on images of 1×8×8"),
        (["arithmetic.threads=0"], "threads=0"),
        (["logger=wand"], "did you mean 'wandb'"),
        (["stabilizer=l2_ini"], "did you mean 'l2_init'"),
        (["stabilizer=l2_init", "stabilizer.wieght=1"], "stabilizer.wieght"),
        (["stabilizer=l2_init", "stabilizer.weight=-1"], "stabilizer=l2_init: weight=-1"),
        (["stabilizer=l2_init", "stabilizer.end=0"], "stabilizer.end=0 does not lie after"),
        (["stabilizer=modality_dropout"], "stabilizer=modality_dropout: needs a network of two streams"),
        (["data=two_eyes", "data.train_size=20"], "model=all_cnn: a network of 1 stream, and data=two_eyes has 2"),
        (["model=split_all_cnn"], "a network of 2 streams, and data=digits has 1 view;"),
        (["deficit=view_dropout", "deficit.end=1"], "deficit=view_dropout: needs two views, the data have 1"),
        (["probes=two_views"], "probe source_variance: needs a network of two streams"),
        (["+foo=1"], "foo: nothing reads it"),
        (["+recovry=1"], "recovry: nothing reads it; did you mean 'recovery'"),
        (["foo=1"], "foo: there is no such setting"),
        (["deficit.end=3"], "deficit.end=3: which deficit? Add one, e.g. deficit=blur"),
        (["stabilizer.end=3"], "stabilizer.end=3: which stabiliser?"),
        (["deficit.size=4"], "deficit.size: there is no such setting"),
        (["optimizer.lr=0.1"], "write schedule.rate=0.1"),
        (["schedule.lr=0.1"], "write schedule.rate=0.1"),
        (["lr=0.1"], "write schedule.rate=0.1"),
        (["batch_size=3"], "did you mean optimizer.batch_size?"),
        (["device=cuda"], "did you mean arithmetic.device=cuda?"),
        (["seeds=range(3)"], "one seed, seed=0; several are a sweep: python -m experiments.sweep -m 'seed=range(3)'"),
        (["seed=range(3)"], "several values are a sweep: python -m experiments.sweep -m 'seed=range(3)'"),
        (["seed=0,1"], "several values are a sweep: python -m experiments.sweep -m seed=0,1"),
        (["profile=quick"], "profiles are for figures"),
        (["name=x"], "python -m experiments.sweep has one"),
        (["deficit=1"], "deficit=1: it is chosen by a name; known: alternating_deprivation, blur, "),
        (["~deficit"], "~deficit: nothing goes without deficit"),
        (["seed=${foo}"], "${foo}: there is no setting of that name"),
        (["--foo"], "--foo: there is no such option; --help lists"),
        (["--config-dir=/nowhere"], "there is no such folder"),
        (["data.path=/a#b"], """since '#' cannot stand there bare: 'data.path="/a#b"'"""),
        (["data.path=a=b"], """since '=' cannot stand there bare: 'data.path="a=b"'"""),
        (["data.path=it's"], """quote the value, since "'" cannot"""),
        (["data.path=Bücher"], """since 'ü' cannot stand there bare: 'data.path="Bücher"'"""),
        (["data.path=CIFAR (JPEG)"], """'data.path="CIFAR (JPEG)"'"""),
        (["data.path=[1"], "a bracket is not closed"),
        (["a b=1"], "'a b=1' is no setting"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_a_bad_setting_is_one_line_before_any_training(arguments, named, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Trainer, "train_epoch", lambda *_: pytest.fail("something was trained"))
    base = tiny.TINY
    if arguments[0].startswith("data="):
        base = without(base, "data")
    if arguments[0].startswith("model="):
        base = without(base, "model")
    given = [*base, "recovery=2", f"results={tmp_path}/r", *arguments]
    status, lines, out = tiny.call(monkeypatch, capsys, train.command, *given)
    assert status == 2
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    assert named in lines[0]
    assert out == ""
    assert not (tmp_path / "r").exists()


def test_a_bad_command_as_a_person_sees_it(tmp_path):
    done = command(*tiny.TINY, "deficit=blurr", f"results={tmp_path}")
    assert done.returncode == 2
    assert done.stdout.splitlines()[1:] == [], "the first line is printed before anything is looked at"
    assert done.stderr == "error: deficit=blurr: there is no such choice; did you mean 'blur'?\n"


def test_cfg_job_prints_the_settings_and_trains_nothing(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    given = [*tiny.TINY, "seed=7", f"results={tmp_path}/r", "--cfg", "job"]
    status, lines, out = tiny.call(monkeypatch, capsys, train.command, *given)
    assert (status, lines) == (0, [])
    assert "seed: 7" in out
    assert "name: digits" in out
    assert not any(tmp_path.iterdir())
    status, lines, out = tiny.call(monkeypatch, capsys, train.command, *given, "deficit=blurr")
    assert (status, out) == (2, "")
    assert lines == ["error: deficit=blurr: there is no such choice; did you mean 'blur'?"]


def test_help_says_what_there_is(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    for word in ("--help", "-h"):
        status, lines, out = tiny.call(monkeypatch, capsys, train.command, "deficit=nonsense", word)
        assert (status, lines) == (0, [])
        assert "python -m experiments.train data=glyphs deficit=blur deficit.end=10 seed=0" in out
        assert "recovery=20         Clean epochs after the removal." in out
        assert re.search(r"^  deficit +alternating_deprivation  blur ", out, re.MULTILINE)


def test_a_folder_of_ones_own_configurations(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "deficit").mkdir(parents=True)
    (tmp_path / "mine" / "deficit" / "faint.yaml").write_text("{name: blur, factor: 2, start: 0, end: 1}")
    given = [*tiny.TINY, "deficit=faint", "recovery=1", "results=r"]
    for words in (["--config-dir", "mine"], ["--config-dir=mine"]):
        status, lines, out = tiny.call(monkeypatch, capsys, train.command, *words, *given)
        assert (status, lines) == (0, [])
        assert out.splitlines()[1].split()[-1] == "blur"
    assert tiny.call(monkeypatch, capsys, train.command, *given)[0] == 2


def test_the_narrow_network_of_quick_is_the_default():
    quick = tiny.composed("figures", "profile=quick").model
    assert tiny.composed("train").model == quick


def test_several_values_of_a_run_leave_nothing_beside_the_results(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    given = [*tiny.MLP, "-m", "epochs=1", "seed=0,1", "results=r"]
    status, lines, _ = tiny.call(monkeypatch, capsys, train.command, *given)
    assert (status, lines) == (0, [])
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
    assert len(list((tmp_path / "r" / "runs" / "runs").iterdir())) == 2
