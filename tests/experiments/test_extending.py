"""docs/extending.md works as it stands: its code is loaded, registered, trained and drawn, its commands compose."""

import dataclasses
import importlib.util
import re
import shlex
import shutil
import sys
from pathlib import Path

import helpers
import numpy as np
import pandas as pd
import pytest
import tiny
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from critical import data, deficits, models, stabilizers
from critical.core.spec import SpecError, identity
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.workers import work
from critical.stabilizers import Situation, Step
from critical.training.loop import Trainer
from experiments import train
from experiments.design import config as configuration
from experiments.design import profile, registry
from experiments.output import pipeline
from experiments.tracking.logger import Logger

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "extending.md").read_text()
SMALL = ("data=digits", "data.subset=96", "data.test_subset=40", "optimizer.batch_size=32", "probes=accuracy",
         "arithmetic.device=cpu")  # fmt: skip
FEW = ("data.train_size=100", "data.test_size=40", "optimizer.batch_size=32", "probes=accuracy", "device=cpu")
KINDS = {"data": data.KINDS, "deficit": deficits.KINDS, "model": models.KINDS, "stabilizer": stabilizers.KINDS}


def blocks(language):
    """Text of each fenced block by the file that is named last before it."""
    found = {}
    for match in re.finditer(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        named = re.findall(r"`((?:critical|experiments|conf)/[\w/]+\.(?:py|yaml))`", TEXT[: match.start()])
        found[named[-1]] = match.group(1)
    return found


CODE, SETTINGS = blocks("python"), blocks("yaml")
COMMANDS = [shlex.split(line) for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
            for line in block.splitlines()]  # fmt: skip


PARTS = {"train": 40, "val": 10, "test": 20}
MEDICAL = "pneumoniamnist.npz"
"""As the page's commands call it; made here."""


@dataclasses.dataclass
class Scratch:
    """The suite with what the page adds to it, in a folder of its own."""

    folder: Path
    figure: object = None

    def composed(self, name, *overrides):
        with initialize_config_dir(str(self.folder / "conf"), version_base="1.3"):
            return compose(name, overrides=list(overrides))

    def run(self, *overrides):
        return train.run_spec(self.composed("train", *SMALL, "model=one_layer", "model.width=4", *overrides))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    made = Scratch(tmp_path_factory.mktemp("suite"))
    shutil.copytree(configuration.CONF, made.folder / "conf")
    medical = np.random.default_rng(0)
    images = {f"{part}_images": medical.integers(0, 256, (count, 28, 28), "uint8") for part, count in PARTS.items()}
    labels = {f"{part}_labels": np.arange(count, dtype=np.uint8)[:, None] % 2 for part, count in PARTS.items()}
    np.savez(made.folder / MEDICAL, **images, **labels)
    with pytest.MonkeyPatch.context() as patch:
        for path, text in CODE.items():
            (made.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (made.folder / path).write_text(text)
            name = path.removesuffix(".py").replace("/", ".")
            spec = importlib.util.spec_from_file_location(name, made.folder / path)
            module = importlib.util.module_from_spec(spec)
            patch.setitem(sys.modules, name, module)
            spec.loader.exec_module(module)
            if hasattr(module, "FIGURE"):
                made.figure = module.FIGURE
                patch.setitem(registry.FIGURES, made.figure.name, made.figure)
            for kind in vars(module).values():
                if getattr(kind, "__module__", None) == name and getattr(kind, "name", None):
                    group = path.split("/")[1].removesuffix("s")
                    patch.setitem(KINDS[group], kind.name, kind)
        for path, text in SETTINGS.items():
            target = made.folder / path
            if target.exists():
                target.write_text(target.read_text().replace("figures:\n", f"figures:\n  {text}"))
            else:
                target.write_text(text)
        yield made


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Two threads wait for each other on so little work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_every_part_is_there_and_short():
    assert [path.split("/")[1] for path in CODE] == ["data", "deficits", "models", "stabilizers", "figures"]
    for path, text in CODE.items():
        assert len([line for line in text.splitlines() if line.strip()]) <= (50 if "figures" in path else 40), path
        assert max(map(len, text.splitlines())) <= 120, path


@pytest.mark.parametrize("path", [path for path in SETTINGS if "profile" not in path])
def test_settings_hold_every_field(scratch, path):
    group = path.split("/")[1]
    given = OmegaConf.to_container(OmegaConf.load(scratch.folder / path))
    kind = KINDS[group][given["name"]]
    window = set() if group in ("data", "model") else {"start", "end"}
    assert set(given) - {"name"} == {field.name for field in dataclasses.fields(kind)} | window
    assert Path(path).stem == kind.name


def test_the_deficit_keeps_the_means_and_refuses_what_does_nothing(scratch):
    kind = deficits.KINDS["pixelate"]
    images = torch.rand(3, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    seen = kind(side=4)(images)
    assert torch.equal(seen[..., :4, :4], seen[..., :1, :1].expand(-1, -1, 4, 4))
    torch.testing.assert_close(seen.mean((2, 3)), images.mean((2, 3)))
    assert torch.unique(seen[0, 0]).numel() == 4
    for side, pattern in ((1, "side=1 does nothing"), (3, "does not divide 8×8")):
        with pytest.raises(SpecError, match=pattern):
            kind(side=side)(images)


def test_the_stabiliser_bounds_the_gradient(scratch):
    model = torch.nn.Linear(3, 2)
    acting = stabilizers.KINDS["gradient_clipping"](norm=0.5).activate(Situation(model, seed=0, epoch=0))
    for scale, expected in ((100.0, 0.5), (0.01, 0.01)):
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, scale / 8**0.5)
        acting.gradients(Step(model, None, None, None, 0))
        norm = torch.stack([parameter.grad.square().sum() for parameter in model.parameters()]).sum().sqrt()
        assert float(norm) == pytest.approx(expected, rel=1e-4)


def test_they_act_in_their_windows_and_share_what_comes_before(scratch, tmp_path):
    """Three runs from one trunk through the store, bit for bit those from scratch."""
    window = ("deficit.start=1", "deficit.end=2", "recovery=1")
    healthy = scratch.run("deficit=none", *window)
    mosaic = scratch.run("deficit=pixelate", "deficit.side=2", *window)
    clipped = scratch.run("deficit=none", *window, "stabilizer=gradient_clipping", "stabilizer.norm=0.1",
                          "stabilizer.start=1")  # fmt: skip
    specs = (healthy, mosaic, clipped)
    assert len({spec.keys[1] for spec in specs}) == 1
    assert len({spec.keys[2] for spec in specs}) == len({spec.run_id for spec in specs}) == 3
    needed = plan(specs)
    assert (needed.epochs_needed, needed.epochs_separate) == (7, 9)
    store = RunStore(tmp_path)
    work(needed, store)
    helpers.assert_as_from_scratch(store, *specs)
    losses = [[row["train_loss"] for row in store.rows(spec)] for spec in specs]
    assert len({loss[0] for loss in losses}) == 1
    assert len({loss[1] for loss in losses}) == 3


@pytest.fixture(scope="module")
def made(scratch):
    """The figure through the pipeline, on six seeds; and how to make it again."""
    config = scratch.composed("figures", "profile=smoke", *SMALL[1:5], "device=cpu", "model=one_layer", "model.width=4",
                              "deficit=pixelate", "deficit.side=2",
                              "+figures={controls/mosaic:{seeds:[0,1,2,3,4,5]}}")  # fmt: skip
    results = scratch.folder / "results"
    store = RunStore(results / "runs")
    setting = pipeline.Setting("smoke", results, lambda needed, _: tiny.train_here(needed, store), Logger())

    def make():
        (figure,) = registry.chosen("controls/mosaic", [])
        return pipeline.make(figure, *profile.figure_settings(config, figure, profile.protocol(config)), setting)

    return make(), make, setting.results


def test_the_figure_has_table_verdict_picture_and_report(scratch, made):
    record, _, results = made
    table = pd.read_csv(results / "tables" / "smoke" / "controls" / "mosaic.csv", keep_default_na=False)
    # The references of both sides are the same runs.
    assert table.groupby(["role", "deficit"])["seed"].count().to_dict() == {
        ("fresh", "none"): 6, ("dose_matched", "none"): 6, ("deficit", "pixelate"): 12
    }  # fmt: skip
    (verdict,) = record.verdicts
    means = table[(table["role"] != "deficit") | (table["side"] == 4)].groupby("role")["accuracy"].mean()
    assert verdict["effect"] == pytest.approx(means["dose_matched"] - means["deficit"])
    assert (verdict["claim_id"], verdict["n"]) == ("mosaic.cost", 6)
    assert verdict["verdict"] in ("reproduced", "reversed", "negligible", "undecided")
    assert (record.runs, record.epochs_needed, record.epochs_separate) == (24, 6 * (4 + 4 + 4), 6 * (2 + 4 + 4 + 4))
    assert "all of them: pixelate [0, 2), rate restarted, then 2 epochs): 2: " in record.caption
    assert "; 4: " in record.caption
    assert (results / "figures" / "smoke" / "controls" / "mosaic.png").stat().st_size > 10_000
    page = (results / "report" / "smoke" / "index.html").read_text()
    assert scratch.figure.title in page
    assert verdict["sentence"] in page


@pytest.mark.parametrize(
    ("given", "removal", "sides", "seeds"),
    [
        ([], 10, (2, 4, 8), range(20, 28)),
        (["+figures={controls/mosaic:{sides:[2,8],seeds:[20,21]}}"], 10, (2, 8), (20, 21)),
    ],
)
def test_a_profile_overrides_what_follows_from_the_protocol(scratch, given, removal, sides, seeds):
    config = scratch.composed("figures", *FEW, *given)
    protocol, parameters = profile.figure_settings(config, scratch.figure, profile.protocol(config))
    assert (parameters.removal, parameters.sides, protocol.seeds) == (removal, sides, tuple(seeds))
    defaults = scratch.figure.parameters.defaults(protocol)
    assert defaults == {"removal": 15, "sides": (2, 4)}


def test_a_second_time_nothing_is_trained(made, monkeypatch):
    record, make, _ = made
    monkeypatch.setattr(Trainer, "train_epoch", lambda *_: pytest.fail("something was trained"))
    assert make().verdicts == record.verdicts


def test_the_data_are_those_of_the_file_and_their_identity_too(scratch, tmp_path):
    kind = data.KINDS["medmnist"]
    given = dict(np.load(scratch.folder / MEDICAL))
    read = kind(path=str(scratch.folder / MEDICAL), root=str(tmp_path)).load()
    assert read.view_shapes == ((1, 28, 28),)
    assert np.array_equal(read.train.views[0][:, 0].numpy(), given["train_images"])
    assert np.array_equal(read.test.labels.numpy(), given["test_labels"][:, 0])
    small = kind(path=str(scratch.folder / MEDICAL), root=str(tmp_path), resolution=14, subset=20).load()
    assert (len(small.train), small.view_shapes) == (20, ((1, 14, 14),))
    before = kind(path=str(scratch.folder / MEDICAL), root=str(tmp_path)).resolved()
    coloured = {name: held if "labels" in name else np.stack([held] * 3, -1) for name, held in given.items()}
    np.savez(tmp_path / "coloured.npz", **coloured)
    other = kind(path=str(tmp_path / "coloured.npz"), root=str(tmp_path))
    assert other.load().view_shapes == ((3, 28, 28),)
    assert identity(other.resolved()) != identity(before)
    with pytest.raises(SpecError, match=rf"^data=medmnist: .*not {before.fingerprint}"):
        dataclasses.replace(other, fingerprint=before.fingerprint).resolved()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_compose(scratch, words, monkeypatch):
    monkeypatch.chdir(scratch.folder)
    small, few = SMALL, FEW
    if "data=medmnist" in " ".join(words):
        small, few = SMALL[3:], FEW[2:]
    if words[0] == "make":
        options = dict(word.split("=", 1) for word in words[2:])
        given = [f"figure=[{options.pop('FIGURE')}]"] if "FIGURE" in options else []
        given += shlex.split(options.pop("ARGS", ""))
        assert (words[1], options) == ("figures", {})
        config = scratch.composed("figures", *few, *given)
        asked = list(config.figure) if OmegaConf.is_list(config.figure) else config.figure
        for figure in registry.chosen(asked, list(config.headline)):
            shared = profile.protocol(config, figure.family)
            assert figure.design(*profile.figure_settings(config, figure, shared)).trained
    else:
        assert words[1:3] == ["-m", "experiments.train"]
        assert train.run_spec(scratch.composed("train", *small, *words[3:])).timeline.end > 5
