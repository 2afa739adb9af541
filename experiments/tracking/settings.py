"""The settings of loggers (`conf/logger/`), and why nothing can be logged here, if so."""

from __future__ import annotations

import netrc
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from critical.core.spec import SpecError, from_settings

ONLINE, OFFLINE, DISABLED = "online", "offline", "disabled"
INIT_SECONDS = 20.0
"""So long is waited for the service when a run begins, in the background."""
FINISH_SECONDS = 60.0
"""So long for what is left to send when a run ends."""
CLOSE_SECONDS = 120.0
"""So long, at most, at the end of a command while nothing arrives; on a busy machine wandb takes a minute to start."""


@dataclass(frozen=True)
class NoTracking:
    """Nothing is logged: the record on disk is complete without."""

    name: ClassVar[str] = "none"


@dataclass(frozen=True)
class Wandb:
    """Weights & Biases.

    Attributes:
        entity: User or team; None: the default of the account.
        project: Project to log to.
        mode: `offline` (no account, no network; `wandb sync` or `make sync` later), `online` or `disabled`. The
            variable WANDB_MODE wins: it is the word of whoever keeps the machine. None: offline.
        dir: Where wandb writes its `wandb/` folder; None: the variable WANDB_DIR, or the folder of results.
        tags: Further tags of every run.
        checkpoints: Whether the networks that the store keeps of a run are uploaded, as artifacts.
    """

    name: ClassVar[str] = "wandb"
    entity: str | None = None
    project: str = "critical-periods"
    mode: str | None = None
    dir: str | None = None
    tags: tuple[str, ...] = ()
    checkpoints: bool = False

    def __post_init__(self) -> None:
        if self.mode not in (None, ONLINE, OFFLINE, DISABLED):
            raise SpecError(f"logger.mode={self.mode}: offline, online or disabled")

    @property
    def mode_here(self) -> str:
        """The mode that holds in this process."""
        if os.environ.get("WANDB_DISABLED", "").lower() in ("1", "true"):
            return DISABLED
        said = os.environ.get("WANDB_MODE", "").lower()
        return {"dryrun": OFFLINE, "run": ONLINE}.get(said, said) or self.mode or OFFLINE

    def folder(self, results: Path) -> Path:
        """Returns where wandb writes its `wandb/` folder."""
        return Path(self.dir or os.environ.get("WANDB_DIR") or results)

    def why_not(self, results: Path) -> str | None:
        """Returns in a line why nothing can be logged here; None where there is no reason."""
        mode, folder = self.mode_here, self.folder(results)
        if mode == DISABLED:
            return "it is disabled (WANDB_MODE or logger.mode)"
        if mode not in (ONLINE, OFFLINE):
            return f"WANDB_MODE={mode} is neither online, offline nor disabled"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            return f"{folder} cannot be made ({error.strerror}); choose logger.dir"
        if not os.access(folder, os.W_OK):
            # wandb would go to a temporary folder, where nobody looks.
            return f"{folder} cannot be written to; choose logger.dir"
        if mode == ONLINE and not _has_key():
            return "there is no key; log in with `wandb login`, or log with logger.mode=offline"
        return None


KINDS: dict[str, type[Any]] = {kind.name: kind for kind in (NoTracking, Wandb)}


def settings_of(mapping: Mapping[str, Any]) -> NoTracking | Wandb:
    """Builds the settings of a logger.

    Raises:
        SpecError: An unknown setting, or a value that cannot be.
    """
    made: NoTracking | Wandb = from_settings(KINDS, mapping, "logger")
    return made


def _has_key() -> bool:
    """Returns whether wandb knows a key here; nothing is asked of a network, or of a person."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    import wandb

    settings = wandb.setup().settings
    if getattr(settings, "api_key", None):
        return True
    try:
        known = netrc.netrc(os.environ.get("NETRC") or Path.home() / ".netrc")
    except (OSError, netrc.NetrcParseError):
        return False
    return known.authenticators(urlsplit(str(settings.base_url)).hostname or "") is not None
