"""What a deficit costs networks of several depths (Achille et al. 2019)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from critical.core.spec import SpecError
from critical.inference.arms import Contrast
from critical.inference.claims import Claim
from critical.inference.effects import SMALLEST
from critical.models import AllCNN
from critical.plots.panel import Look, Value, role, shades
from critical.plots.panels import Series, contrasts
from critical.plots.style import OTHER_COLOURS
from experiments.design.figure import Design, Figure
from experiments.design.parameters import Removals, ascending, spaced
from experiments.design.premises import learns
from experiments.design.protocol import CONTINUE, RESTART, Protocol, WindowArms, cost, harm
from experiments.design.sources import ICLR2019, OURS

SAME, EQUAL = "same width", "equal parameters"


@dataclass(frozen=True)
class Depths(Removals):
    """Parameters.

    Attributes:
        depths: Numbers of 3×3 layers; ascending. Widths follow from the one in the middle.
    """

    depths: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        ascending(3, 2, depths=self.depths)

    @classmethod
    def defaults(cls, protocol: Protocol) -> Mapping[str, Any]:
        """Returns the shortest and the longest removal, and the paper's network between two others."""
        steps = spaced(protocol.longest_window, max(2, protocol.points))
        return {"removals": (steps[0], steps[-1]), "depths": (3, 7, 11)}


def networks(protocol: Protocol, depths: tuple[int, ...]) -> dict[tuple[str, int], AllCNN]:
    """Returns the networks, by what they have in common with the middle one, and depth.

    Raises:
        SpecError: The network is no All-CNN, or no width gives as many parameters to 10 %.
    """
    given = protocol.parts.model
    if not isinstance(given, AllCNN):
        raise SpecError(f"model={given.name}: iclr2019/depth varies the depth of an All-CNN; choose model=all_cnn")
    same = {depth: replace(given, depth=depth) for depth in depths}
    middle, classes = same[depths[len(depths) // 2]], protocol.facts.classes
    equal = {(EQUAL, depth): middle.of_size(depth, classes) for depth in depths}
    return {(SAME, depth): model for depth, model in same.items()} | equal


def design(protocol: Protocol, parameters: Depths) -> Design:
    """Sets windows [0, removal) for networks of each depth, at one width and at equal numbers of parameters."""
    name, ends, depths = protocol.deficit.name, parameters.removals, parameters.depths
    last, shallow, deep, classes = ends[-1], depths[0], depths[-1], protocol.facts.classes
    fair: dict[tuple[str, int], dict[int, WindowArms]] = {}
    late: dict[tuple[str, int], WindowArms] = {}
    for key, model in networks(protocol, depths).items():
        of_depth = protocol.variant(f"depth {model.depth}, width {model.width}", model=model)
        fair[key] = {end: of_depth.window(0, end, RESTART) for end in ends}
        late[key] = of_depth.window(0, last, CONTINUE)
    at = {key: held[last] for key, held in fair.items()}

    def grows(held: Mapping[tuple[str, int], WindowArms], kind: str) -> Contrast:
        return cost(held[kind, deep]) - cost(held[kind, shallow])

    until, more = f"{name.capitalize()} until epoch {last}", f"networks of {deep} layers more than those of {shallow}"
    equal = "at equal numbers of parameters"
    compared = {"shallow": (SAME, shallow), "deep": (SAME, deep), "wide": (EQUAL, shallow), "thin": (EQUAL, deep)}
    called = {"wide": "shallow, wide", "thin": "deep, thin"}
    premises = [
        learns(f"depth.{who}{restarted}_learns", held[key].dose_matched, classes,
               f"The {called.get(who, who)} network, rate {how},", f"{called.get(who, who)}: learns ({how})")
        for restarted, held, how in (("", late, "decaying"), ("_restarted", at, "restarted"))
        for who, key in compared.items()
    ]  # fmt: skip
    needs, equal_needs, needs_again, equal_needs_again = (
        tuple(f"depth.{who}{restarted}_learns" for who in pair)
        for restarted in ("", "_restarted") for pair in (("shallow", "deep"), ("wide", "thin"))
    )  # fmt: skip

    claims = (
        *premises,
        Claim("depth.deeper", ICLR2019, grows(late, SAME), "greater", requires=needs,
              sentence=f"{until} costs {more}, of the same width (rate decaying).",
              short="deeper costs more (decaying)"),
        Claim("depth.deeper_equal", OURS, grows(late, EQUAL), "greater", requires=equal_needs,
              sentence=f"It does {equal}, too: it is depth, not size (rate decaying).",
              short="deeper, equal size (decaying)"),
        Claim("depth.deeper_restart", OURS, grows(at, SAME), "greater", requires=needs_again,
              sentence=f"{until} costs {more}, of the same width, when the rate restarts.",
              short="deeper costs more (restarted)"),
        Claim("depth.deeper_equal_restart", OURS, grows(at, EQUAL), "greater", requires=equal_needs_again,
              sentence=f"{until} costs {more}, {equal}, when the rate restarts.",
              short="deeper, equal size (restarted)"),
        Claim("depth.damage", OURS, harm(at[SAME, deep]) - harm(at[SAME, shallow]), "greater", requires=needs_again,
              sentence=f"{until} damages {more}, of the same width: they end further below fresh ones, and have not "
              "lost more time alone (rate restarted).", short="deeper is damaged more"),
        Claim("depth.damage_equal", OURS, harm(at[EQUAL, deep]) - harm(at[EQUAL, shallow]), "greater",
              requires=equal_needs_again, sentence=f"{until} damages {more}, {equal} (rate restarted).",
              short="deeper, equal size: more damage"),
    )  # fmt: skip

    def removal(kind: str) -> Series:
        looks = shades([f"{depth} layers" for depth in depths])
        return Series(
            title=f"{kind},\nlearning rate restarted", xlabel="epoch of removal", zero=True,
            ylabel="clean epochs instead − deficit (points)", reach=SMALLEST["accuracy"].effect,
            lines=[(look, {end: cost(fair[kind, depth][end]) for end in ends})
                   for look, depth in zip(looks, depths, strict=True)],
        )  # fmt: skip

    def accuracy(kind: str) -> Series:
        roles = {"dose_matched": "clean epochs\ninstead", "fresh": "fresh\nnetwork", "deficit": f"{name} until\n{last}"}
        lines: list[tuple[Look, dict[int, Value]]] = [
            (role(arm, words), {depth: getattr(at[kind, depth], arm) for depth in depths})
            for arm, words in roles.items()
        ]
        return Series(title=f"{kind},\nlearning rate restarted", xlabel="layers", lines=lines,
                      ylabel="final test accuracy (%)")  # fmt: skip

    kinds = (Look("same\nwidth", OTHER_COLOURS[4]), Look("equal\nparameters", OTHER_COLOURS[1], marker="s"))
    published = Series(
        title=f"learning rate keeps decaying,\n{name} until epoch {last}", xlabel="layers", zero=True,
        ylabel="clean epochs instead − deficit (points)", reach=SMALLEST["accuracy"].effect,
        lines=[(look, {depth: cost(late[look.label.replace("\n", " "), depth]) for depth in depths})
               for look in kinds],
    )  # fmt: skip
    asked = [claim for claim in claims if isinstance(claim.contrast, Contrast)]
    asks = contrasts(asked, "accuracy", title=f"{deep} layers − {shallow} layers", xlabel="points")
    return Design(panels=[[removal(SAME), removal(EQUAL)], [accuracy(SAME), accuracy(EQUAL)], [published, asks]],
                  claims=claims, panel_inches=(3.4, (2.7, 2.7, 3.0)),
                  leading=("depth.deeper", "depth.deeper_equal_restart", "depth.damage"))  # fmt: skip


FIGURE = Figure(
    name="iclr2019/depth",
    title="What a deficit costs deeper networks",
    question="Does the same deficit cost a deeper network more, and is that its depth or its size?",
    parameters=Depths,
    design=design,
    deviations=(
        "The paper's curves are those of a decaying rate; that is trained for the last removal, and the curves under a "
        "restarted rate.",
        "Networks of equal numbers of parameters, fresh and dose-matched ones are not in the paper.",
    ),
)
