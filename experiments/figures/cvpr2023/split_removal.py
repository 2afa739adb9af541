"""Two streams, one of them deprived: accuracy and the deprived stream against the removal (figure 5)."""

from collections.abc import Callable
from typing import Any

from critical.inference.arms import Contrast
from critical.inference.claims import Claim
from critical.inference.effects import SMALLEST, unit_of
from critical.plots.panel import Look
from critical.plots.panels import Series
from critical.plots.style import OTHER_COLOURS, arm_colour
from experiments.design.figure import Design, Figure
from experiments.design.parameters import SplitRemovals
from experiments.design.protocol import (
    AUTHORS,
    CONTINUE,
    RESTART,
    SCHEDULE_TITLES,
    SCHEDULE_WORDS,
    Protocol,
    WindowArms,
    cost,
)
from experiments.design.sources import CVPR2023, OURS
from experiments.design.two_streams import DECODING, DEPRIVED, PROBES, deficits, reading_untrained, sham, stream_claims

COLOURS = {"blur": arm_colour("deficit"), "dropout": OTHER_COLOURS[4], "dissociation": OTHER_COLOURS[2]}


def design(protocol: Protocol, parameters: SplitRemovals) -> Design:
    """Sets three deficits of one view under two schedules against their references."""
    last, acting = parameters.removals[-1], deficits(protocol)
    windows = {
        (name, how): {end: protocol.window(0, end, how, deficit=deficit, sham=sham(deficit))
                      for end in (parameters.removals if name == "blur" else parameters.other_removals)}
        for name, deficit in acting.items() for how in (CONTINUE, RESTART)
    }  # fmt: skip
    late, authors = {key: held[last] for key, held in windows.items()}, protocol.window(0, last, AUTHORS)
    decaying, restarted = SCHEDULE_WORDS[CONTINUE], SCHEDULE_WORDS[RESTART]
    blur, fair = late["blur", CONTINUE], late["blur", RESTART]
    maps = next(iter(PROBES))
    untrained = fair.fresh[maps.replace("probe_", "probe_untrained_")]
    trained = fair.dose_matched[maps] - untrained
    published = {CONTINUE: f"{SCHEDULE_TITLES[CONTINUE]} (published)", RESTART: SCHEDULE_TITLES[RESTART]}
    brief = {CONTINUE: "rate decaying", RESTART: "rate restarted"}

    def panel(title: str, ylabel: str, how: str, lost: Callable[[WindowArms], Contrast], **rest: Any) -> Series:
        return Series(
            title=title, ylabel=ylabel, xlabel=f"epoch until which view {DEPRIVED} is deprived", zero=True,
            reach=SMALLEST[unit_of(lost(fair).terms)].effect, **rest,
            lines=[(Look(name, COLOURS[name]), {end: lost(held) for end, held in windows[name, how].items()})
                   for name in acting],
        )  # fmt: skip

    def streams(how: str) -> list[Series]:
        nothing = (Look("an untrained\nstream", arm_colour("clean")), late["blur", how].dose_matched[maps] - untrained)
        return [
            panel(f"stream impaired, {brief[how]}", f"lost to a probe of stream {DEPRIVED} (points)", how,
                  lambda held: cost(held, maps), levels=[nothing]),
            panel(f"stream ignored, {brief[how]}", "lost to the network beyond that (points)", how,
                  lambda held: cost(held, DECODING) - cost(held, maps)),
        ]  # fmt: skip

    claims = [
        # Figure 5, right: from 94 % to under 92 %.
        Claim("split.blur_cost", CVPR2023, cost(blur), "greater", paper_effect=2.0,
              sentence=f"A view that is blurred until epoch {last} costs accuracy ({decaying}).",
              short="blur, decaying: costs accuracy"),
        Claim("split.dissociation_costs_less", CVPR2023, cost(blur) - cost(late["dissociation", CONTINUE]), "greater",
              f"Dissociated views until epoch {last} cost less than a blurred one ({decaying}).",
              differs="Dissociation leaves the head of both views untrained; so does its sham.",
              short="dissociation costs less than blur"),
        Claim("split.stream_trained", OURS, trained, "greater",
              "A trained stream holds more than an untrained one, as far as a linear probe of its maps tells.",
              short="a trained stream holds more"),
        *stream_claims("split.blur_continue_", CVPR2023, blur, DEPRIVED, f"A blur until epoch {last}", decaying,
                       "blur, decaying"),
        Claim("split.momentum", OURS, blur.deficit - authors.deficit, "none",
              "It makes no difference that the authors' recovery starts without the momentum.",
              short="dropped momentum does not matter"),
        Claim("split.opportunity", OURS, blur.dose_matched - blur.fresh, "greater",
              "Part of the cost of the blur is what was missed in its epochs.", short="cost is partly lost time"),
    ]  # fmt: skip
    for name in acting:
        what, said = f"{name.capitalize()} until epoch {last}", f"{name}, restarted" if name == "blur" else name
        claims.append(Claim(f"split.{name}_cost_restart", OURS, cost(late[name, RESTART]), "greater",
                            f"{what} costs accuracy ({restarted}).", short=f"{said}: costs accuracy"))  # fmt: skip
        claims += stream_claims(f"split.{name}_restart_", OURS, late[name, RESTART], DEPRIVED, what, restarted, said)
    return Design(
        panels=[[panel(title, "accuracy lost with both views (points)", how, cost) for how, title in published.items()],
                *(streams(how) for how in published)],
        claims=claims,
        leading=("split.blur_cost", "split.blur_restart_impaired"),
        arms=[reading_untrained(fair.fresh), *(getattr(held, arm) for name in acting for how in (RESTART, CONTINUE)
              for arm in ("dose_matched", "deficit") for held in windows[name, how].values())],
        note="Lost is what clean epochs instead of the deficit give more; in the shaded region it is too little to "
        "matter. The network tells from one view alone what it says beside random partners; what it loses of that is "
        "the sum of what its stream lost to a probe (impaired) and the rest (ignored). The probe is a logistic "
        "regression on the maps that the fusion receives, fitted on examples on which no network was trained.",
        panel_inches=(3.8, 2.3),
    )  # fmt: skip


FIGURE = Figure(
    name="cvpr2023/split_removal",
    title="Two streams, one deprived",
    question="Is a stream whose view was deprived early impaired, or does the network only ignore it?",
    parameters=SplitRemovals,
    design=design,
    deviations=(
        "Fresh and dose-matched networks, the restarted rate, dropout of a view and the probe are not in the paper.",
        "A view is decoded with random partners instead of zeros, so training needs no zeroed views.",
        "Dissociation never pairs an image with itself, and the head belongs to the image whose label is asked; the "
        "published code draws head and target independently (deficit.variant=authors).",
    ),
    family="two_streams",
)
