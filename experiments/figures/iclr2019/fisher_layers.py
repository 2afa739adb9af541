"""Share of each layer in the trace of the Fisher information, by epoch (Achille et al. 2019)."""

from critical.deficits import VerticalFlip
from critical.inference.arms import Arm, Contrast
from critical.inference.claims import Claim
from critical.plots.of_arms import Stacked
from critical.plots.panel import role
from critical.plots.panels import contrasts
from experiments.design.figure import Design, Figure
from experiments.design.measuring import clean_trace_of, measuring, variants_of
from experiments.design.parameters import Removal
from experiments.design.protocol import CONTINUE, RESTART, Protocol
from experiments.design.sources import ICLR2019, OURS

THIRDS = "The network is parted into thirds of its layers here."
UPRIGHT = "Measured on clean images: on flipped ones the shares equal those of a clean network by symmetry."


def design(protocol: Protocol, parameters: Removal) -> Design:
    """Sets a deficit that changes low-level statistics, and one that does not, against a clean run."""
    measured = measuring(protocol, variants_of(protocol), clean_trace_of(protocol))
    end, name = parameters.removal, protocol.deficit.name
    blurred, restarted = (measured.window(0, end, how) for how in (CONTINUE, RESTART))
    flipped = measured.window(0, end, CONTINUE, deficit=VerticalFlip())
    clean, ill, flip = blurred.dose_matched, blurred.deficit, flipped.deficit
    top, then, on_clean = "fisher_share_top", f"fisher_share_top@{end}", f"fisher_share_clean_top@{end}"

    def more(one: Arm, other: Arm, column: str) -> Contrast:
        return one[column] - other[column]

    claims = (
        Claim("layers.middle_over_bottom", ICLR2019, clean["fisher_share_middle"] - clean["fisher_share_bottom"],
              "greater", "In a clean run the middle layers end with more of the information than those at the bottom.",
              differs=THIRDS, short="clean: middle holds over bottom"),
        Claim("layers.middle_over_top", ICLR2019, clean["fisher_share_middle"] - clean[top], "greater",
              "In a clean run the middle layers end with more of the information than those at the top.",
              differs=THIRDS, short="clean: middle holds over top"),
        Claim("layers.shift", ICLR2019, more(ill, clean, then), "greater",
              f"{name.capitalize()} until epoch {end} shifts the information to the layers at the top.",
              differs=THIRDS, short="deficit shifts it to the top"),
        Claim("layers.lasting", ICLR2019, more(ill, clean, top), "greater",
              "The removal mends that only in part: at the end the top still has more than in a clean run.",
              requires=("layers.shift",), differs=THIRDS, short="top still has more at the end"),
        Claim("layers.shift_on_clean", OURS, more(ill, clean, on_clean), "greater",
              "The shift is one of the weights, not of the images: it is there when both networks see clean ones.",
              short="shifts it on clean images, too"),
        Claim("layers.mends", ICLR2019, more(ill, clean, on_clean) - more(ill, clean, top), "greater",
              "The removal mends a part of it: the shift at the end is smaller than the one at the removal.",
              requires=("layers.shift_on_clean",), differs=f"{THIRDS} Both times on clean images.",
              short="removal mends a part of the shift"),
        Claim("layers.flip", ICLR2019, more(flip, clean, on_clean), "none",
              "A vertical flip, which keeps low-level statistics, shifts nothing to the top.",
              differs=f"{THIRDS} {UPRIGHT}", short="vertical flip shifts nothing"),
        Claim("layers.more_than_flip", OURS, more(ill, flip, on_clean), "greater",
              f"On clean images the {name} shifts more to the top than the flip does.",
              short="shifts more than the flip"),
        Claim("layers.not_young", OURS, more(ill, blurred.fresh, top), "greater",
              "The top has more than in a network that was only trained as briefly, with the rates of the recovery.",
              requires=("layers.lasting",), short="top has more than in fresh"),
        Claim("layers.restart", OURS, more(restarted.deficit, restarted.dose_matched, top), "greater",
              "Where the rate restarts at the removal, the top still has more at the end, too.",
              short="top still has more (restarted)"),
        Claim("layers.relative", OURS, more(ill, clean, "fisher_share_relative_top"), "greater",
              "So it has where changes of weights are measured in units of the norm of their layer.",
              requires=("layers.lasting",), short="top has more, relative weights"),
    )  # fmt: skip

    def stacked(title: str, arm: Arm) -> Stacked:
        window = [] if arm == clean else [(role("deficit", f"until epoch {end}"), 0, end)]
        whole = (0, end + protocol.recovery)
        return Stacked(title=title, arm=arm, column="fisher_trace/", windows=window, across=whole)

    return Design(
        panels=[
            [stacked("clean", clean), stacked(name.replace("_", " "), ill)],
            [stacked("vertical flip", flip),
             contrasts(claims, "share", title="shift of the information", xlabel="difference of shares")],
        ],
        claims=claims,
        columns=("fisher_trace/", "fisher_trace_relative/", "fisher_trace_clean/"),
        at={top: (end,), "fisher_share_clean_top": (end,)},
        panel_inches=(3.4, (2.8, 4.4)),
        leading=("layers.shift", "layers.lasting"),
        note="A layer counts with the normalisation behind it. Shares by epoch are those on the images as the network "
        "saw them in that epoch; at the removal these change together with the weights.",
    )  # fmt: skip


FIGURE = Figure(
    name="iclr2019/fisher_layers",
    title="Which layers hold the information",
    question="Does a deficit shift the information in the weights to the top layers, and does it stay there?",
    parameters=Removal,
    design=design,
    deviations=(
        "The trace of the Fisher information is a Monte Carlo estimate; the paper's is variational.",
        "The paper shows shares of layers; claims here are about thirds of the network, at the removal and at the end.",
        "Clean images at the removal, fresh networks, the restarted rate and relative weights are ours.",
    ),
)
