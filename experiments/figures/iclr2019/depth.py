"""What a deficit costs networks of several depths (Achille et al. 2019)."""

from critical.inference.claims import Claim
from critical.plots.panel import Look, shades
from critical.plots.panels import Series, contrasts
from critical.plots.style import OTHER_COLOURS
from experiments.design.depths import EQUAL, NAMES, PAIRS, SAME, Depths, all_cnns, compared, deeper
from experiments.design.figure import Design, Figure
from experiments.design.lines import of_arms, over
from experiments.design.premises import learns
from experiments.design.protocol import CONTINUE, RESTART, Protocol, WindowArms, cost, harm
from experiments.design.sources import ICLR2019, OURS


def design(protocol: Protocol, parameters: Depths) -> Design:
    """Sets windows [0, removal) for networks of each depth, at one width and at equal numbers of parameters."""
    name, ends, depths = protocol.deficit.name, parameters.removals, parameters.depths
    last, shallow, deep, classes = ends[-1], depths[0], depths[-1], protocol.facts.classes
    fair: dict[tuple[str, int], dict[int, WindowArms]] = {}
    late: dict[tuple[str, int], WindowArms] = {}
    for key, model in all_cnns(protocol, depths).items():
        of_depth = protocol.variant(f"depth {model.depth}, width {model.width}", model=model)
        fair[key] = {end: of_depth.window(0, end, RESTART) for end in ends}
        late[key] = of_depth.window(0, last, CONTINUE)
    at = {key: held[last] for key, held in fair.items()}

    def learnt(kind: str, again: str = "") -> tuple[str, ...]:
        return tuple(f"depth.{who}{again}_learns" for who in PAIRS[kind])

    until, more = f"{name.capitalize()} until epoch {last}", f"networks of {deep} layers more than those of {shallow}"
    equal, restarted = "at equal numbers of parameters", "_restarted"
    premises = [
        learns(f"depth.{who}{again}_learns", held[key].dose_matched, classes,
               f"The {NAMES[who]} network, rate {how},", f"{NAMES[who]}: learns ({how})")
        for again, held, how in (("", late, "decaying"), (restarted, at, "restarted"))
        for who, key in compared(depths).items()
    ]  # fmt: skip
    asked = [
        Claim("depth.deeper", ICLR2019, deeper(late, SAME), "greater", requires=learnt(SAME),
              sentence=f"{until} costs {more}, of the same width (rate decaying).",
              short="deeper costs more (decaying)"),
        Claim("depth.deeper_equal", OURS, deeper(late, EQUAL), "greater", requires=learnt(EQUAL),
              sentence=f"It does {equal}, too: it is depth, not size (rate decaying).",
              short="deeper, equal size (decaying)"),
        Claim("depth.deeper_restart", OURS, deeper(at, SAME), "greater", requires=learnt(SAME, restarted),
              sentence=f"{until} costs {more}, of the same width, when the rate restarts.",
              short="deeper costs more (restarted)"),
        Claim("depth.deeper_equal_restart", OURS, deeper(at, EQUAL), "greater", requires=learnt(EQUAL, restarted),
              sentence=f"{until} costs {more}, {equal}, when the rate restarts.",
              short="deeper, equal size (restarted)"),
        Claim("depth.damage", OURS, deeper(at, SAME, harm), "greater", requires=learnt(SAME, restarted),
              sentence=f"{until} damages {more}, of the same width: they end further below fresh ones, and have not "
              "lost more time alone (rate restarted).", short="deeper is damaged more"),
        Claim("depth.damage_equal", OURS, deeper(at, EQUAL, harm), "greater", requires=learnt(EQUAL, restarted),
              sentence=f"{until} damages {more}, {equal} (rate restarted).", short="deeper, equal size: more damage"),
    ]  # fmt: skip

    def removal(kind: str) -> Series:
        looks = shades([f"{depth} layers" for depth in depths])
        return Series(
            title=f"{kind},\nlearning rate restarted", xlabel="epoch of removal",
            ylabel="clean epochs instead − deficit (points)", unit="accuracy",
            lines=[(look, over(fair[kind, depth], cost)) for look, depth in zip(looks, depths, strict=True)],
        )  # fmt: skip

    def accuracy(kind: str) -> Series:
        names = {"dose_matched": "clean epochs\ninstead", "fresh": "fresh\nnetwork", "deficit": f"{name} until\n{last}"}
        return Series(title=f"{kind},\nlearning rate restarted", xlabel="layers", ylabel="final test accuracy (%)",
                      lines=of_arms({depth: at[kind, depth] for depth in depths}, names))  # fmt: skip

    kinds = {SAME: Look("same\nwidth", OTHER_COLOURS[4]),
             EQUAL: Look("equal\nparameters", OTHER_COLOURS[1], marker="s")}  # fmt: skip
    published = Series(
        title=f"learning rate keeps decaying,\n{name} until epoch {last}", xlabel="layers",
        ylabel="clean epochs instead − deficit (points)", unit="accuracy",
        lines=[(look, {depth: cost(late[kind, depth]) for depth in depths}) for kind, look in kinds.items()],
    )  # fmt: skip
    asks = contrasts(asked, "accuracy", title=f"{deep} layers − {shallow} layers", xlabel="points")
    return Design(panels=[[removal(SAME), removal(EQUAL)], [accuracy(SAME), accuracy(EQUAL)], [published, asks]],
                  claims=[*premises, *asked], panel_inches=(3.4, (2.7, 2.7, 3.0)),
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
