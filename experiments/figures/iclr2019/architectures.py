"""The removal curve of other networks and other optimisation (Achille et al. 2019)."""

from critical.inference.claims import Claim
from critical.plots.panel import Look, role
from critical.plots.panels import Dots, Series, contrasts
from critical.plots.style import arm_colour
from experiments.design.contrasts import error_ratio
from experiments.design.figure import Design, Figure
from experiments.design.lines import of_arms
from experiments.design.networks import HEAVY, NAMES, UNDER_ADAM, Architectures, variants
from experiments.design.premises import learns
from experiments.design.protocol import CONTINUE, RESTART, SCHEDULE_TITLES, Protocol, cost
from experiments.design.sources import ICLR2019, OURS

SHAPE = "The paper says that weight decay shifts the shape of the curve; the direction at the last removal is ours."
OF_PAPER = ("all_cnn", "resnet", "fully_connected", "constant", "adam", "no_decay", "heavy_decay")


def design(protocol: Protocol, parameters: Architectures) -> Design:
    """Sets windows [0, removal) for each network; the last one under a restarted rate, too."""
    ends, last, name = parameters.removals, parameters.removals[-1], protocol.deficit.name
    made = variants(protocol, parameters)
    curve = {key: {end: held.window(0, end, CONTINUE) for end in ends} for key, held in made.items()}
    late = {key: held[last] for key, held in curve.items()}
    fair = {key: held.window(0, last, RESTART) for key, held in made.items()}
    until = f"{name.capitalize()} until epoch {last}"
    claims = [
        *(learns(f"networks.{key}_learns", late[key].dose_matched, protocol.facts.classes,
                 f"The network '{NAMES[key]}'", f"{NAMES[key]}: clean runs learn") for key in made),
        *(learns(f"networks.{key}_restarted_learns", fair[key].dose_matched, protocol.facts.classes,
                 f"The network '{NAMES[key]}', rate restarted,", f"{NAMES[key]}: restarted runs learn")
          for key in ("all_cnn", "adam", *UNDER_ADAM)),
        *(Claim(f"networks.{key}", ICLR2019 if key in OF_PAPER else OURS, cost(late[key]), "greater",
                f"{until} costs accuracy under the published protocol: {NAMES[key]}.",
                short=f"{NAMES[key]}: costs accuracy", requires=(f"networks.{key}_learns",)) for key in made),
        *(Claim(f"networks.{key}_restarted", OURS, cost(fair[key]), "greater",
                f"{until} costs accuracy when the rate restarts: {NAMES[key]}.",
                short=f"{NAMES[key]}: costs when restarted", requires=(f"networks.{key}_restarted_learns",))
          for key in ("all_cnn", "adam")),
        Claim("networks.decay_matters", ICLR2019, cost(late["heavy_decay"]) - cost(late["no_decay"]), "greater",
              f"{until} costs more under a weight decay {HEAVY} times as strong than under none (rate decaying).",
              short="weight decay raises the cost", differs=SHAPE,
              requires=("networks.heavy_decay_learns", "networks.no_decay_learns")),
    ]  # fmt: skip
    controls: list[Claim] = []
    for how, held, again in (("decaying", late, ""), ("restarted", fair, "_restarted")):
        for kind in UNDER_ADAM:
            batch, other = held["adam"], held[kind]
            needs = (f"networks.adam{again}", f"networks.adam{again}_learns", f"networks.{kind}{again}_learns")
            controls += [
                Claim(f"networks.{kind}_{how}", OURS, cost(batch) - cost(other), "not greater",
                      f"{until} costs no less with {NAMES[kind]} instead of batch normalisation, under Adam: it is not "
                      f"the running statistics (rate {how}).", requires=needs,
                      short=f"{NAMES[kind]} saves none ({how})"),
                Claim(f"networks.{kind}_share_{how}", OURS, error_ratio(batch) - error_ratio(other), "not greater",
                      f"With {NAMES[kind]} it multiplies the error no less than with batch normalisation, either "
                      f"(rate {how}).", requires=needs, short=f"{NAMES[kind]}: errors too ({how})"),
            ]  # fmt: skip

    titles = {key: words + ", Adam" * (key in UNDER_ADAM) for key, words in NAMES.items()}

    def of(key: str) -> Series:
        shown = {"dose_matched": "clean instead", "deficit": made[key].deficit.name}
        return Series(title=titles[key], xlabel="epoch of removal", ylabel="final test accuracy (%)",
                      lines=of_arms(curve[key], shown),
                      levels=[(role("fresh", "from scratch"), late[key].from_scratch)])  # fmt: skip

    grey = arm_colour("clean")
    costs = [
        Dots(title=SCHEDULE_TITLES[how], xlabel=f"cost until epoch {last} (points)", names="above",
             rows=[(Look(titles[key], grey), cost(held[key])) for key in made], unit="accuracy")
        for how, held in ((CONTINUE, late), (RESTART, fair))
    ]  # fmt: skip
    asks = contrasts(controls, "accuracy", title="batch norm costs more (Adam)", xlabel="points")
    errors = contrasts(controls, "error", title="… as a share of errors", xlabel="logarithm of the ratio")
    keys = list(made)
    return Design(
        panels=[*([of(key) for key in keys[place : place + 2]] for place in range(0, len(keys), 2)), [*costs],
                [asks, errors]],
        claims=[*claims, *controls], panel_inches=(3.4, (*[2.2] * ((len(keys) + 1) // 2), 3.6, 2.2)),
        leading=("networks.resnet", "networks.fully_connected", "networks.layer_decaying"),
    )  # fmt: skip


FIGURE = Figure(
    name="iclr2019/architectures",
    title="Other networks, other optimisation",
    question="Does an early deficit leave a cost whatever the network, the optimiser and the normalisation?",
    parameters=Architectures,
    design=design,
    deviations=(
        "Layer, group and no normalisation, in All-CNN, are not in the paper. The first two are trained by Adam, and "
        "compared with batch normalisation under Adam; without any, layers have biases, and weights begin as in He et "
        "al. 2015.",
        "ResNet-18 is the pre-activation one; the shape of the curves is shown, the claims are about the last removal.",
        "In small profiles the fully connected network is a tenth as wide, and its rate falls as that of the others; "
        "in quick it learns glyphs of more contrast instead of MNIST, in laptop 10,000 images of MNIST.",
        "Rates of the constant schedule and of Adam are ours; in paper that without normalisation, too. Adam goes "
        "without weight decay.",
    ),
)
