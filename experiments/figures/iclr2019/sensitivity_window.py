"""Accuracy against the onset of a window of fixed length (Achille et al. 2019)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from critical.inference.arms import Arm
from critical.plots.panel import Look, role
from critical.plots.panels import Series
from critical.plots.style import OTHER_COLOURS
from experiments.design.contrasts import WindowArms, cost, damage, missed
from experiments.design.figure import Design, Figure
from experiments.design.lines import of_arms, over
from experiments.design.onsets import WindowOnsets, at_onsets, onset_claims
from experiments.design.protocol import CONTINUE, SCHEDULE_TITLES, Protocol

PUBLISHED = Look("as published", OTHER_COLOURS[4])
RECOVERED = Look("same recovery", OTHER_COLOURS[0], "--", "s")
EQUAL = Look("equal rates", OTHER_COLOURS[1], "-", "D")
ONSET = "onset of the window (epoch)"


def design(protocol: Protocol, parameters: WindowOnsets) -> Design:
    """Sets the same window at several ages: as published, and at equal rates."""
    length, onsets, longer = parameters.length, parameters.onsets, parameters.second_length
    last, recovery, name, keeps = onsets[-1], protocol.recovery, protocol.deficit.name, SCHEDULE_TITLES[CONTINUE]
    equal, decaying = at_onsets(protocol, parameters), at_onsets(protocol, parameters, CONTINUE)
    total = at_onsets(protocol, parameters, CONTINUE, same_total=True)
    second = at_onsets(protocol, parameters, CONTINUE, longer, same_total=True) if longer else {}

    def panel(title: str, arms: Mapping[int, WindowArms], levels: Sequence[tuple[Look, Arm]] = ()) -> Series:
        names = {"dose_matched": "clean epochs\ninstead", "deficit": f"{name} for\n{length} epochs"}
        return Series(title=title, xlabel=ONSET, ylabel="final test accuracy (%)", levels=levels,
                      lines=of_arms(arms, names))  # fmt: skip

    def costs(title: str, lines: Mapping[Look, Mapping[int, WindowArms]]) -> Series:
        return Series(title=title, xlabel=ONSET, ylabel="clean epochs instead − deficit (points)", unit="accuracy",
                      lines=[(look, over(arms, cost)) for look, arms in lines.items()])  # fmt: skip

    optional: list[Series] = []
    if longer:
        optional.append(costs(f"what {longer} epochs of {name} cost",
                              {PUBLISHED: second, EQUAL: at_onsets(protocol, parameters, length=longer)}))  # fmt: skip
    if parameters.damage:
        looks = {cost: replace(EQUAL, label="cost"), damage: role("deficit", "damage"),
                 missed: role("skip", "missed", "--", "s")}  # fmt: skip
        optional.append(Series(
            title="equal rates: cost = missed + damage", xlabel=ONSET, ylabel="points", unit="accuracy",
            lines=[(look, over(equal, part)) for part, look in looks.items()],
            note="Networks for which the window was left out part what was missed from damage.",
        ))  # fmt: skip
    return Design(
        panels=[
            [panel(f"as published: {last + length + recovery} epochs in all,\n{keeps}", total),
             panel(f"same recovery: {recovery} epochs after,\n{keeps}", decaying)],
            [panel("equal rates: learning rate restarted\nat onset and removal", equal,
                   [(role("fresh", "fresh network"), equal[onsets[0]].fresh)]),
             costs(f"what the {name} costs", {PUBLISHED: total, RECOVERED: decaying, EQUAL: equal})],
            *([optional] if optional else []),
        ],
        # All arms in the order of the committed table; fresh networks at low rates are not drawn.
        arms=[getattr(arms[onset], kind) for arms in (equal, decaying, total)
              for kind in ("fresh", "dose_matched", "deficit") for onset in onsets],
        claims=onset_claims(parameters, protocol, total, decaying, equal, second),
        leading=("window.early_same_total", "window.early_equal_rates"),
    )  # fmt: skip


FIGURE = Figure(
    name="iclr2019/sensitivity_window",
    title="Accuracy against the onset of a window",
    question="Does the same window of a deficit cost more when it comes early, and is it the age or the learning rate?",
    parameters=WindowOnsets,
    design=design,
    deviations=(
        "The paper fixes the total of epochs under a decaying rate, so a late window has low rates and few epochs "
        "after it; the other two panels are ours.",
        "Fresh and dose-matched networks, and those for which the window is left out, are not in the paper.",
    ),
)
