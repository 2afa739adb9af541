"""Two streams, one of them deprived: accuracy and the deprived stream against the removal (figure 5)."""

from critical.inference.claims import Claim
from critical.plots.panel import Look, role
from critical.plots.panels import Series
from experiments.design.figure import Design, Figure
from experiments.design.parameters import SplitRemovals
from experiments.design.protocol import (
    AUTHORS,
    CONTINUE,
    RESTART,
    SCHEDULE_WORDS,
    Protocol,
    WindowArms,
    cost,
    opportunity,
)
from experiments.design.sources import CVPR2023, OURS
from experiments.design.two_streams import DECODING, DEPRIVED, PROBES, deficits, reading_untrained, sham, stream_claims


def design(protocol: Protocol, parameters: SplitRemovals) -> Design:
    """Sets three deficits of one view under two schedules against their references."""
    last, acting = parameters.removals[-1], deficits(protocol)
    windows = {
        (name, how): {
            end: protocol.window(0, end, how, deficit=deficit, sham=sham(deficit))
            for end in (parameters.removals if name == "blur" else parameters.other_removals)
        }
        for name, deficit in acting.items()
        for how in (CONTINUE, RESTART)
    }
    late: dict[tuple[str, str], WindowArms] = {key: held[last] for key, held in windows.items()}
    authors = protocol.window(0, last, AUTHORS)

    def panel(name: str, column: str, words: str) -> Series:
        lines = []
        for how, line, marker in ((RESTART, "-", "o"), (CONTINUE, "--", "s")):
            for arm, label in (("dose_matched", "clean epochs instead"), ("deficit", "deficit until this epoch")):
                look = role(arm, f"{label}, {SCHEDULE_WORDS[how]}", line, marker)
                lines.append((look, {end: getattr(held, arm)[column] for end, held in windows[name, how].items()}))
        levels = [(role("fresh", "fresh"), late[name, RESTART].fresh[column])]
        if column in PROBES:
            untrained = late[name, RESTART].fresh[column.replace("probe_", "probe_untrained_")]
            levels.append((Look("untrained stream", "#777777"), untrained))
        title = f"{name} of view {DEPRIVED}" if column == "accuracy" else ""
        return Series(title=title, xlabel="epoch of removal", ylabel=words, lines=lines, levels=levels)

    decaying, restarted = SCHEDULE_WORDS[CONTINUE], SCHEDULE_WORDS[RESTART]
    blur, fair = late["blur", CONTINUE], late["blur", RESTART]
    maps = next(iter(PROBES))
    trained = fair.dose_matched[maps] - fair.fresh[maps.replace("probe_", "probe_untrained_")]
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
        Claim("split.opportunity", OURS, opportunity(blur), "greater",
              "Part of the cost of the blur is what was missed in its epochs.", short="cost is partly lost time"),
    ]  # fmt: skip
    for name in acting:
        what, brief = f"{name.capitalize()} until epoch {last}", f"{name}, restarted" if name == "blur" else name
        claims.append(Claim(f"split.{name}_cost_restart", OURS, cost(late[name, RESTART]), "greater",
                            f"{what} costs accuracy ({restarted}).", short=f"{brief}: costs accuracy"))  # fmt: skip
        claims += stream_claims(f"split.{name}_restart_", OURS, late[name, RESTART], DEPRIVED, what, restarted, brief)
    measures = [("accuracy", "test accuracy, both views (%)"), (DECODING, f"network, view {DEPRIVED} alone (%)")]
    measures += [(column, f"probe of stream {DEPRIVED}:\n{words} (%)") for column, words in PROBES.items()]
    return Design(
        panels=[[panel(name, column, words) for name in acting] for column, words in measures],
        claims=claims,
        leading=("split.blur_cost", "split.blur_restart_impaired"),
        arms=[reading_untrained(fair.fresh)],
        note="The network tells from one view alone what it says beside random partners; the probe is a logistic "
        "regression on the maps that the fusion receives, fitted on examples on which no network was trained.",
        panel_inches=(3.4, 2.3),
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
