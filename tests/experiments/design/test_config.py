import collections
import dataclasses
import importlib
import json
import re
from pathlib import Path

import pytest
import tiny
import torch
from omegaconf import OmegaConf
from PIL import Image

from critical import data, deficits, models, probes, stabilizers
from critical.core.arithmetic import Arithmetic
from critical.core.spec import SpecError, from_settings
from critical.training import augmentation, optimizers, schedules
from experiments.design import config as configuration
from experiments.design.registry import FIGURES
from experiments.output import prices
from experiments.tracking import settings

GROUPS = {
    "data": data.KINDS,
    "model": models.KINDS,
    "deficit": deficits.KINDS,
    "optimizer": optimizers.KINDS,
    "schedule": schedules.KINDS,
    "augmentation": augmentation.KINDS,
    "stabilizer": stabilizers.KINDS,
    "logger": settings.KINDS,
}
EXTRA = {"deficit": {"start", "end"}, "stabilizer": {"start", "end"}}
FILES = [(group, path) for group in GROUPS for path in sorted((configuration.CONF / group).glob("*.yaml"))]


def held(path: Path):
    raw = OmegaConf.load(path)
    root = OmegaConf.create({"data_root": "data", "deficit": {"start": 0}, "held": raw})
    return OmegaConf.to_container(root, resolve=True)["held"]


def fields(kind):
    return {field.name for field in dataclasses.fields(kind) if field.init}


def test_every_group_is_tested():
    tested = {*GROUPS, "arithmetic", "probes", "profile"}
    assert {path.name for path in configuration.CONF.iterdir() if path.is_dir()} - {"sweeps"} == tested


@pytest.mark.parametrize(("group", "path"), FILES, ids=lambda part: getattr(part, "stem", part))
def test_a_file_holds_every_setting_of_its_kind(group, path):
    given = held(path)
    assert set(given) - {"name"} - EXTRA.get(group, set()) == fields(GROUPS[group][given["name"]])
    assert EXTRA.get(group, set()) <= set(given)


@pytest.mark.parametrize("group", [group for group in GROUPS if group != "augmentation"])
def test_every_kind_has_a_file_of_its_name(group):
    files = [path for of, path in FILES if of == group]
    assert set(GROUPS[group]) <= {path.stem for path in files}
    # Others are variants, such as all_cnn_narrow: the kind's name, and what is special about it.
    assert all(path.stem == held(path)["name"] or path.stem.startswith(f"{held(path)['name']}_") for path in files)


@pytest.mark.parametrize(("group", "path"), FILES, ids=lambda part: getattr(part, "stem", part))
def test_a_file_builds(group, path, tmp_path):
    given = {key: value for key, value in held(path).items() if key not in EXTRA.get(group, set())}
    if given["name"] == "folder":
        for split in ("train", "test"):
            for kind in "ab":
                (tmp_path / split / kind).mkdir(parents=True)
                Image.new("RGB", (8, 8), 20 * len(kind)).save(tmp_path / split / kind / "0.png")
        given |= {"path": str(tmp_path), "label": "tiny", "root": str(tmp_path / "cache")}
    built = from_settings(GROUPS[group], given, group)
    assert built.name == given["name"]
    if given["name"] == "folder":
        assert len(built.load().train) == 2
        assert built.load().classes == ("a", "b")


def test_probes_and_arithmetic_hold_every_setting():
    assert set(held(configuration.CONF / "arithmetic" / "default.yaml")) == fields(Arithmetic)
    for path in (configuration.CONF / "probes").glob("*.yaml"):
        for given in held(path):
            assert set(given) - {"name"} == fields(probes.KINDS[given["name"]])


def test_device_auto_is_resolved():
    config = tiny.composed("train", *tiny.TINY, "arithmetic.device=auto")
    assert configuration.parts(config).arithmetic.device in ("cpu", "cuda", "mps")


def test_windows():
    sham = {"name": "none", "start": 0, "end": 0}
    assert configuration.windows(sham) == ()
    (window,) = configuration.windows({**sham, "end": 3})
    assert (window.start, window.end, window.deficit.name) == (0, 3, "none")
    (window,) = configuration.windows({"name": "blur", "factor": 2, "start": 1, "end": 3})
    assert (window.start, window.end, window.deficit.factor) == (1, 3, 2)


def test_stabilizer_windows():
    assert configuration.stabilizer_windows({"name": "none", "start": 0, "end": None}) == ()
    given = {"name": "l2_init", "weight": 0.5, "start": 1, "end": None}
    (window,) = configuration.stabilizer_windows(given)
    assert (window.start, window.end, window.stabilizer) == (1, None, stabilizers.L2Init(0.5))
    assert configuration.stabilizer_windows({**given, "end": 4})[0].end == 4
    for field, value in (("start", "0"), ("start", None), ("end", 1.5), ("end", True)):
        with pytest.raises(SpecError, match=rf"stabilizer\.{field}=.*whole number"):
            configuration.stabilizer_windows({**given, field: value})
    with pytest.raises(SpecError, match=r"stabilizer\.end=1 does not lie after stabilizer\.start=1"):
        configuration.stabilizer_windows({**given, "end": 1})


def test_a_window_without_an_end_is_refused_and_one_that_ends_at_0_is_none():
    with pytest.raises(SpecError, match=r"^deficit\.end: the window of 'inversion' has no end; give one"):
        configuration.windows({"name": "inversion", "start": 0, "end": None})
    assert configuration.windows({"name": "inversion", "start": 0, "end": 0}) == ()


@pytest.mark.parametrize("value", ["3", 1.5, True])
def test_a_window_is_of_whole_epochs(value):
    with pytest.raises(SpecError, match=r"deficit\.end=.*whole number"):
        configuration.windows({"name": "inversion", "start": 0, "end": value})


def test_what_does_not_fit_the_data_is_refused():
    made = tiny.parts()
    configuration.try_on_data(made, [deficits.Blur(factor=2), deficits.LabelPermutation()])
    with pytest.raises(SpecError, match="does not divide 8×8"):
        configuration.try_on_data(made, [deficits.Blur(factor=3)])
    with pytest.raises(SpecError, match="the data have 10 classes"):
        configuration.try_on_data(made, [deficits.RandomLabels(classes=7)])
    coloured = tiny.parts(augmentation=augmentation.Augmentation(shift=1, fill=(0.0, 0.0, 0.0)))
    with pytest.raises(SpecError, match="fill"):
        configuration.try_on_data(coloured, [])


def test_trying_on_data_does_not_draw_from_the_global_generator():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    configuration.try_on_data(tiny.parts(), [deficits.Noise(resample=True)])
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["figure=nope"], "figure=nope"),
        (["figure=iclr2019/deficit_remova"], "did you mean 'iclr2019/deficit_removal'"),
        (["profile=smok"], "did you mean 'smoke'"),
        (["deficit=blurr"], "did you mean 'blur'"),
        (["data=imagenet"], "data=imagenet"),
        (["deficit.edn=10"], "deficit.edn"),
        (["+deficit.edn=10"], "edn"),
        (["jobs=0"], "jobs=0"),
        (["jobs=many"], "jobs='many'"),
        (["device=tpu"], "device=tpu"),
        (["protocol.seeds=[]", "figure=iclr2019/deficit_removal"], "protocol.seeds"),
        (["protocol.seeds=[1,1]", "figure=iclr2019/deficit_removal"], "protocol.seeds"),
        (["protocol.seeds=3", "figure=iclr2019/deficit_removal"], "protocol.seeds"),
        (["protocol.seeds=[a]", "figure=iclr2019/deficit_removal"], "protocol.seeds=[a]: a list of whole"),
        (["protocol.recovery=0"], "protocol.recovery=0"),
        (["protocol.recovery=long"], "protocol.recovery='long'"),
        (["protocol.rate=-1"], "rate=-1"),
        (["protocol.rate=fast"], "protocol.rate='fast'"),
        (["protocol.decay=1.5"], "decay=1.5"),
        (["deficit.factor=3"], "factor=3"),
        (["deficit.size=8"], "size=8"),
        (["data.subset=5000"], "subset=5,000"),
        (["figure", "all"], "'figure' is no setting"),
        (["model.width=0"], "width=0"),
        (["protocol.longest_window=0"], "protocol.longest_window=0"),
        (["protocol.points=1.5"], "protocol.points=1.5"),
        (["+protocol.recovry=3"], "protocol.recovry: there is no such setting; did you mean 'recovery'"),
        (["+figures={iclr2019/deficit_removal:{removals:[]}}"], "removals"),
        (["+figures={iclr2019/deficit_removal:{removal:[1]}}"], "did you mean 'removals'"),
        (["+figures={iclr2019/deficit_removal:{seeds:[1,1]}}"], "figures.iclr2019/deficit_removal.seeds=[1, 1]"),
        (["seeds=[5]"], "seeds=[5]: 5 is none of those planned, [0, 1]"),
        (["seeds=0"], "seeds=0: a list of whole numbers is wanted"),
        (["jobs=0"], "jobs=0: at least one worker"),
        (["reference=true", "arithmetic.instructions=native"], "reference"),
        (["model@two_streams.model=all_cnn"], "model@two_streams.model=all_cnn: a network of one stream, and two are"),
        (["data@modalities.data=glyphs"], "of 2 streams, and data@modalities.data=glyphs has 1 view"),
        (["deficit@two_streams.deficit=noise"], "it comes from the profile, ~two_streams.deficit.factor takes it away"),
        (["two_streams.deficit.factor=7"], "deficit@two_streams.deficit=blur: factor=7"),
        (["modalities.optimizer.batch_size=x"], "error: modalities.optimizer.batch_size='x': expected int"),
        (["+two_streams.protocol.recovery=x"], "error: two_streams.protocol.recovery='x'"),
        (["data@two_streams.data=arrays"], "error: two_streams.data.path: has no value"),
        (["two_streams.model.heads=false", "figure=cvpr2023/split_removal"], "set two_streams.model.heads=true on"),
        (["modalities.data=two_eyes"], "a group of settings; choose one with data@modalities.data=two_eyes"),
        (["two_streams.deficit=blr"], "two_streams.deficit=blr: a group of settings; choose one with deficit@"),
        (["modalities.model=3"], "choose one with model@modalities.model=NAME; known: all_cnn, "),
        (["modalities.optimizer=null"], "modalities.optimizer=null: a group of settings; choose one with optimizer@"),
        (["transformer.augmentation=x"], "transformer.augmentation=x: a group of settings"),
        (["modalities.probes=x"], "modalities.probes=x: a group of settings"),
        (["modalities.probes=[ends]"], "choose one with probes@modalities.probes="),
        (["probes=[x]"], "probes=x: there is no such choice; known: accuracy, "),
        (["modalities=3"], "modalities=3: a group of settings; set one in it, e.g. modalities.optimizer.batch_size"),
        (["protocol=3"], "protocol=3: a group of settings; set one in it, e.g. protocol.recovery=10"),
        (["+modalities.protocol=3"], "modalities.protocol=3: a group of settings"),
        (["figures=3"], "figures=3: a group of settings; set one in it, e.g. figures.controls/permanence.length=5"),
        (["figures.multimodal/modality_age=3"], "set one in it, e.g. figures.multimodal/modality_age.seeds=[20,21]"),
        (["two_streams.stabilizers=fisher_penalty"], "set one in it, e.g. two_streams.stabilizers.fisher_penalty.use="),
        (["two_streams.stabilizers.slow_trunk=1"], "set one in it, e.g. two_streams.stabilizers.slow_trunk.use=0.1"),
        (["two_streams.stabilizers.fisher_penalty.use=x", "figure=prevention"],
         "error: two_streams.stabilizers.fisher_penalty.use='x': a strength is wanted"),
        (["two_streams.stabilizers.fisher_penalty.grid=0.1", "figure=strength"],
         "error: two_streams.stabilizers.fisher_penalty.grid=0.1: a list of strengths"),
        (["modalities.data.name=[a]"], "error: modalities.data: there is no "),
        (["deficit=null"], "deficit=null: it is chosen by a name; known: "),
        (["figure=3"], "figure=3: no figure is named; give one"),
        (["figure=null"], "figure=null: no figure is named"),
        (["figure=[]"], "figure=[]: no figure is named"),
        (["seeds=[0-5]"], "seeds=[0-5]: a list of whole numbers is wanted, with commas, e.g. seeds=[20,21]"),
        (["figures.multimodal/easy_wins.noise=3"], "figures.multimodal/easy_wins.noise: there is no such setting"),
        (["data.label=x"], "data.label: there is no such setting; known: data.name, "),
        (["data.label=x", "data@two_streams.data=folder_and_table"], "did you mean two_streams.data.label?"),
        (["probes=two_views_tiny", "figure=iclr2019/deficit_removal"], "probe source_variance: needs a network of two"),
        (["deficit.view=b"], "deficit=blur: view=b: the data have 1 view"),
        (["+figures={stabilizers/strength:{seeds:[7]}}"], "seeds=[7]: settings are chosen on seeds from 1000 on"),
        (["+foo=1"], "foo: nothing reads it"),
        (["+recovery=30"], "recovery: nothing reads it; did you mean protocol.recovery?"),
        (["recovery=30"], "recovery: there is no such setting; did you mean protocol.recovery?"),
        (["+two_streams.foo=1"], "two_streams.foo: nothing reads it"),
        (["deficit.end=1"], "nothing reads deficit.end; a figure sets its windows itself"),
        (["two_streams.deficit.start=1"], "nothing reads two_streams.deficit.start"),
        (["protocol.seeds=[0]"], "has seeds of its own and would keep them"),
        (["protocol.seeds=range(3)"], "a list is wanted, protocol.seeds=[0,1,2]"),
        (["seeds=range(3)"], "a list is wanted, seeds=[0,1,2]"),
        (["seeds=range(20,22)"], "a list is wanted, seeds=[20,21]"),
        (["seeds=[range(3)]"], "a list is wanted, seeds=[0,1,2]"),
        (["seeds=20,21"], "a list is wanted, seeds=[20,21]"),
        (["seed=3"], "write seeds=[3]"),
        (["figure=a/b,c/d"], "a list is wanted, figure=[a/b,c/d]"),
        (["figure=permanenc"], "did you mean 'controls/permanence'?"),
        (["protocol.recovery=1,2"], "add -m: python -m experiments -m protocol.recovery=1,2"),
        (["optimizer.lr=1"], "write protocol.rate=1"),
        (["+two_streams.protocol.lr=1"], "write two_streams.protocol.rate=1"),
        (["epochs=3"], "did you mean protocol.recovery=3?"),
        (["schedule=constant"], "protocol.rate and protocol.decay are what can be chosen"),
        (["FIGURE=all"], "did you mean figure?"),
        (["deficit=occlusion", "figure=cvpr2023/rsv_blur"], "did you mean deficit@two_streams.deficit=occlusion?"),
        (["model.width=3", "figure=multimodal/modality_dropout"], "did you mean modalities.model.width=3?"),
        (["figures.permanence.length=1"], "figures.permanence: there is no such figure; did you mean 'controls/per"),
        (["figures.iclr2019/deficit_remval.removals=[1]"], "did you mean 'iclr2019/deficit_removal'?"),
        (["figures.iclr2019/deficit_removal.removals=[1,2]", "figure=controls/permanence"],
         "figures.iclr2019/deficit_removal.removals=[1,2]: none of the figures asked for reads it"),
        (["figures.iclr2019/deficit_removal.removals=[2,1]", "figure=iclr2019/deficit_removal"], "removals=[2, 1]"),
        (["results=/a#b"], """quote the value, since '#' cannot stand there bare: 'results="/a#b"'"""),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_a_bad_figure_command_is_one_line(arguments, named, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    given = [text for text in ("profile=smoke", "device=cpu") if text.split("=")[0] not in
             {argument.split("=")[0] for argument in arguments}]  # fmt: skip
    status, lines, out = tiny.call(
        monkeypatch, capsys, tiny.figures_main, *given, f"results={tmp_path}/results", *arguments
    )
    assert status != 0
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    assert named in lines[0]
    assert out == ""
    assert not (tmp_path / "results").exists(), "nothing was begun"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_device_that_is_not_there_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, lines, _ = tiny.call(monkeypatch, capsys, tiny.figures_main, "profile=smoke", "device=cuda")
    assert status != 0
    assert len(lines) == 1
    assert "device=cuda" in lines[0]


def test_a_network_without_second_derivatives_is_refused_with_the_fisher_penalty_alone(monkeypatch):
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, values):
            return values.clone()

        @staticmethod
        def backward(ctx, slope):
            if torch.is_grad_enabled():  # a graph of this pass is wanted
                raise RuntimeError("derivative for aten::once_backward is not implemented")
            return slope

    class Network(torch.nn.Linear):
        def forward(self, images):
            return Once.apply(super().forward(images.flatten(1)))

    monkeypatch.setattr(configuration, "built", lambda *_, **__: Network(64, 10))
    made = tiny.parts()
    configuration.try_stabilizers(made, [stabilizers.StabilizerWindow(stabilizers.WeightDecay())])
    with pytest.raises(SpecError, match=r"^stabilizer=fisher_penalty: a layer of the network has no second derivative"):
        configuration.try_stabilizers(made, [stabilizers.StabilizerWindow(stabilizers.FisherPenalty())])


def test_a_setting_of_a_figure_is_typed_as_it_is_called(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(prices, "prices", lambda works, jobs: [collections.defaultdict(float) for _ in works])
    given = ["profile=smoke", "device=cpu", "dry=true", "jobs=1", "figure=iclr2019/deficit_removal", "results=r"]
    runs = []
    for more in ([], ["figures.iclr2019/deficit_removal.removals=[1,2,3]"]):
        status, lines, out = tiny.call(monkeypatch, capsys, tiny.figures_main, *given, *more)
        assert (status, lines) == (0, [])
        runs.append(int(out.split("iclr2019/deficit_removal")[1].split()[0]))
    assert runs[1] > runs[0] > 0


def test_of_a_figure_that_computes_its_table_no_runs_are_counted(monkeypatch, capsys, tmp_path):
    given = ["profile=smoke", "device=cpu", "dry=true", "jobs=1", "figure=rsv_simulation", f"results={tmp_path}/r"]
    status, lines, out = tiny.call(monkeypatch, capsys, tiny.figures_main, *given)
    assert (status, lines) == (0, [])
    assert out.startswith("computed; nothing is trained\n")
    assert "epochs needed" not in out


def test_what_reaches_some_of_the_figures_is_a_note(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(prices, "prices", lambda works, jobs: [collections.defaultdict(float) for _ in works])
    given = ["profile=smoke", "dry=true", "jobs=1", "figure=[iclr2019/deficit_removal,cvpr2023/rsv_blur]", "results=r"]
    more = ["deficit=occlusion", "model.width=3", "two_streams.model.width=3", "protocol.recovery=3"]
    status, lines, out = tiny.call(monkeypatch, capsys, tiny.figures_main, *given, *more)
    assert (status, lines) == (0, [])
    notes = [line for line in out.splitlines() if line.startswith("note: ")]
    assert notes == ["note: deficit=occlusion, model.width=3: for iclr2019/deficit_removal; the others have their own"]


def test_help_lists_settings_and_figures(monkeypatch, capsys):
    status, lines, out = tiny.call(monkeypatch, capsys, tiny.figures_main, "--help")
    assert (status, lines) == (0, [])
    assert re.search(r"^  jobs=null +Worker processes", out, re.MULTILINE)
    assert re.search(r"^  profile +laptop  ", out, re.MULTILINE)
    words = " ".join(out.split())
    for name, figure in FIGURES.items():
        assert f" {name} {figure.question} ({', '.join(figure.parameters.names())})" in words
    assert "schedule  " not in out, "figures have none to choose"


def test_in_help_a_long_setting_does_not_touch_what_is_said_of_it(monkeypatch, capsys):
    status, lines, out = tiny.call(monkeypatch, capsys, tiny.train_main, "--help")
    assert (status, lines) == (0, [])
    assert "  slow_trunk_factor=0.15 The learning rate" in out


@pytest.mark.parametrize(
    "module", [f"experiments.{name}" for name in ("verify", "sweep", "agent", "sync", "deficit_grid")]
)
def test_help_works_everywhere(module, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, lines, out = tiny.call(monkeypatch, capsys, importlib.import_module(module).main, "--help")
    assert (status, lines) == (0, [])
    assert f"python -m {module}" in out
    assert not any(tmp_path.iterdir())


def test_the_headline_of_quick_is_one_or_two_a_paper_cheapest_first():
    """By what the committed tables took."""
    names = list(tiny.composed("figures", "profile=quick").headline)
    folder = configuration.CONF.parent / "results" / "reference" / "quick"
    seconds = [json.loads((folder / f"{name}.json").read_text())["cpu_seconds"] for name in names]
    assert seconds == sorted(seconds)
    assert seconds[0] / 2 < 180
    papers = collections.Counter(name.split("/")[0] for name in names)
    assert max(papers.values()) <= 2
    assert {"iclr2019", "cvpr2023"} <= set(papers)
