import pytest
import tiny

from critical.core.spec import SpecError
from experiments.tracking.logger import Logger
from experiments.tracking.mirror import WandbLogger, logger
from experiments.tracking.settings import settings_of


def wandb_settings(**given):
    return settings_of({"name": "wandb", **given})


def test_loggers_are_built_from_settings(tmp_path):
    assert type(logger({"name": "none"}, tmp_path)) is Logger
    made = logger({"name": "wandb", "tags": ["a"], "checkpoints": True, "entity": "us"}, tmp_path)
    assert isinstance(made, WandbLogger)
    assert (made.settings.entity, made.settings.tags, made.settings.checkpoints) == ("us", ("a",), True)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "wand"}, "did you mean 'wandb'"),
        ({"name": "wandb", "mode": "onlin"}, "mode=onlin"),
        ({"name": "wandb", "projct": "x"}, "there is no setting 'projct'"),
        ({"name": "wandb", "checkpoints": "yes"}, "logger.checkpoints='yes'"),
    ],
)
def test_what_cannot_be_is_one_line(given, said):
    with pytest.raises(SpecError, match=said):
        settings_of(given)


def test_the_shipped_settings_are_the_defaults():
    assert settings_of(tiny.configuration.plain(tiny.composed("train", "logger=wandb").logger)) == wandb_settings()


@pytest.mark.parametrize(
    ("variable", "value", "given", "mode"),
    [
        (None, None, None, "offline"),
        (None, None, "online", "online"),
        ("WANDB_MODE", "online", None, "online"),
        ("WANDB_MODE", "offline", "online", "offline"),
        ("WANDB_MODE", "dryrun", "online", "offline"),
        ("WANDB_MODE", "disabled", "online", "disabled"),
        ("WANDB_DISABLED", "true", "online", "disabled"),
    ],
)
def test_the_variable_of_the_machine_wins(monkeypatch, variable, value, given, mode):
    if variable:
        monkeypatch.setenv(variable, value)
    assert wandb_settings(mode=given).mode_here == mode


def test_files_lie_with_the_results_unless_said_otherwise(monkeypatch, tmp_path):
    assert wandb_settings().folder(tmp_path) == tmp_path
    monkeypatch.setenv("WANDB_DIR", str(tmp_path / "variable"))
    assert wandb_settings().folder(tmp_path) == tmp_path / "variable"
    assert wandb_settings(dir=str(tmp_path / "said")).folder(tmp_path) == tmp_path / "said"


class TestWhyNot:
    def test_nothing_hinders_an_offline_file(self, tmp_path):
        assert wandb_settings().why_not(tmp_path / "new") is None

    def test_disabled(self, tmp_path):
        assert "disabled" in wandb_settings(mode="disabled").why_not(tmp_path)

    def test_an_unknown_mode(self, monkeypatch, tmp_path):
        monkeypatch.setenv("WANDB_MODE", "onlin")
        assert "WANDB_MODE=onlin" in wandb_settings().why_not(tmp_path)

    def test_a_folder_that_cannot_be_written_to(self, monkeypatch, tmp_path):
        """The user root may write everywhere, so it is asked by a stand-in."""
        monkeypatch.setattr("os.access", lambda *_: False)
        assert wandb_settings().why_not(tmp_path) == f"{tmp_path} cannot be written to; choose logger.dir"

    def test_a_folder_that_cannot_be_made(self, tmp_path):
        (tmp_path / "file").write_text("")
        assert "cannot be made" in wandb_settings().why_not(tmp_path / "file" / "below")

    def test_no_key(self, monkeypatch, tmp_path):
        pytest.importorskip("wandb")
        monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
        online = wandb_settings(mode="online")
        assert "wandb login" in online.why_not(tmp_path)
        (tmp_path / "home" / ".netrc").write_text("machine 127.0.0.1 login user password 0123\n")
        (tmp_path / "home" / ".netrc").chmod(0o600)
        monkeypatch.setattr("wandb.setup", lambda: type("S", (), {"settings": type("T", (), {
            "api_key": None, "base_url": "http://127.0.0.1:9"})}))  # fmt: skip
        assert online.why_not(tmp_path) is None
        (tmp_path / "home" / ".netrc").unlink()
        monkeypatch.setenv("WANDB_API_KEY", "0123")
        assert online.why_not(tmp_path) is None
