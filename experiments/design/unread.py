"""Settings that nothing would read are refused, and what was meant is said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hydra import compose
from omegaconf import DictConfig, OmegaConf

from critical.core.spec import SpecError, closest
from experiments.design.command_line import key_of, typed
from experiments.design.families import FAMILIES, OF_A_FAMILY, VISION, setting
from experiments.design.figure import Figure
from experiments.design.messages import meant


def known_keys(config: DictConfig) -> set[str]:
    """Returns the keys of a configuration, with dots, of nodes and of values."""
    found: set[str] = set()

    def visit(node: object, prefix: str) -> None:
        if isinstance(node, dict):
            for key, held in node.items():
                found.add(f"{prefix}{key}")
                visit(held, f"{prefix}{key}.")

    visit(OmegaConf.to_container(config, resolve=False), "")
    return found


def refuse_unread(config: DictConfig, overrides: Iterable[str], config_name: str) -> None:
    """Refuses keys that were added (`+foo=1`, or in a configuration of one's own) and that nothing reads.

    Call it while Hydra knows where the configurations lie.

    Args:
        config: What was composed.
        overrides: Of what.
        config_name: The primary configuration.

    Raises:
        SpecError: There is such a key.
    """
    shipped = compose(config_name)
    known, families = known_keys(shipped), [name for name in FAMILIES if name in shipped]
    inner = {str(key) for name in families for key in shipped[name]} | {"protocol"}
    given = {key_of(text) for text in overrides}
    for prefix, node, there in [("", config, set(shipped)), *((f"{name}.", config[name], inner) for name in families)]:
        for key in (str(key) for key in node):
            if key not in there:
                typed = next((name for name in given if name.startswith(f"{prefix}{key}")), f"{prefix}{key}")
                raise SpecError(f"{typed}: nothing reads it; {meant(typed, known, config_name)}")


def refuse_missing_choice(config: DictConfig, overrides: Iterable[str]) -> None:
    """Refuses a window in which nothing acts because no deficit, or no stabiliser, was chosen.

    Raises:
        SpecError: `deficit.end=10` without `deficit=blur`.
    """
    keys = {key_of(text): text for text in overrides}
    examples = {
        "deficit": "which deficit? Add one, e.g. deficit=blur (deficit=none: as many clean epochs instead)",
        "stabilizer": "which stabiliser? Add one, e.g. stabilizer=fisher_penalty",
    }
    for group, question in examples.items():
        window = [text for key, text in keys.items() if key in (f"{group}.start", f"{group}.end")]
        if window and group not in keys and config[group]["name"] == "none":
            raise SpecError(f"{window[0]}: {question}")


def reached(override: str, figures: Sequence[Figure]) -> list[Figure]:
    """Returns which of some figures an override can change, as far as its key tells.

    Args:
        override: `deficit=occlusion`, `model@two_streams.model=…`, `+figures={a/b:{…}}`, …
        figures: The figures asked for.
    """
    key = key_of(override)
    group, _, package = key.partition("@")
    parts = (package or group).split(".")
    if parts[0] in FAMILIES:
        return [figure for figure in figures if figure.family == parts[0]]
    if parts[0] in OF_A_FAMILY:
        return [figure for figure in figures if figure.family == VISION]
    if override.startswith("+figures={"):
        name = override.removeprefix("+figures={").partition(":")[0]
        return [figure for figure in figures if figure.name == name] if "/" in name else list(figures)
    return list(figures)


def refuse_unreached(config: DictConfig, overrides: Sequence[str], figures: Sequence[Figure]) -> list[str]:
    """Refuses settings that change none of the figures asked for, and seeds that only some of them would take.

    Returns:
        Lines on settings that change some figures and not others.

    Raises:
        SpecError: There is such a setting.
    """
    partly: dict[tuple[str, ...], list[str]] = {}
    names = ", ".join(figure.name for figure in figures)
    for text in overrides:
        there = reached(text, figures)
        key = key_of(text)
        if key.startswith("protocol."):
            there = [figure for figure in figures if not _own(config, figure, key.partition(".")[2])]
        without = [figure.name for figure in figures if figure not in there]
        if key == "protocol.seeds" and there and without:
            raise SpecError(f"{text}: {', '.join(without)} has seeds of its own and would keep them; name the figures "
                            f"that are meant, e.g. figure=[{there[0].name}]")  # fmt: skip
        if not there:
            raise SpecError(f"{typed(text)}: none of the figures asked for reads it ({names}){_instead(text, figures)}")
        # Who names a family, or a figure, knows.
        if without and key.split(".")[0] in (*OF_A_FAMILY, "protocol") and "@" not in key:
            partly.setdefault(tuple(figure.name for figure in there), []).append(text)
    return [f"{', '.join(texts)}: for {', '.join(held)}; the others have their own" for held, texts in partly.items()]


def refuse_strangers(config: DictConfig, figures: Iterable[str]) -> None:
    """Refuses settings of figures that do not exist.

    Raises:
        SpecError: Which, and what is closest.
    """
    there = list(figures)
    for name in (str(name) for name in config.figures):
        if name not in there:
            # Without the paper before it, a name is a figure's all the same.
            same = [figure for figure in there if figure.endswith(f"/{name}")]
            raise SpecError(f"figures.{name}: there is no such figure; {closest(same[0] if same else name, there)}")


def _own(config: DictConfig, figure: Figure, key: str) -> bool:
    """Returns whether a figure has a number of its own where the others take that of the protocol."""
    if figure.family != VISION and key in config[figure.family].get("protocol", {}):
        return True
    special = {"seeds"} & ({key} & {*figure.parameters.names(), *config.figures.get(figure.name, {})})
    return bool(special)


def _instead(text: str, figures: Sequence[Figure]) -> str:
    """Says how the same is written for the family of the figures asked for."""
    key, (_, sign, value) = key_of(text), text.partition("=")
    families = {figure.family for figure in figures}
    if key.startswith("figures"):
        return "; name it in figure=…"
    if len(families) > 1 or VISION in families or key.split(".")[0] not in (*OF_A_FAMILY, "protocol"):
        return ""
    return f"; did you mean {setting(families.pop(), key)}{sign}{value}?"
