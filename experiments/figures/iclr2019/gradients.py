"""Mean and standard deviation of the gradient over batches, by epoch (Achille et al. 2019, appendix)."""

from critical.deficits import LabelPermutation
from critical.inference.arms import Arm, Contrast
from critical.inference.claims import Claim
from critical.plots.of_arms import ByColumn
from critical.plots.panel import Look, role
from critical.plots.panels import contrasts
from critical.plots.style import OTHER_COLOURS
from critical.probes import Gradients, GradientsClean
from experiments.design.figure import Design, Figure
from experiments.design.measuring import measuring, refuse_one_batch
from experiments.design.parameters import Removal
from experiments.design.protocol import CONTINUE, Protocol
from experiments.design.sources import ICLR2019, OURS, SHWARTZ_ZIV2017

MEAN, DEVIATION = "gradient_mean", "gradient_deviation"


def design(protocol: Protocol, parameters: Removal) -> Design:
    """Sets a deficit of the images and one of the labels beside a clean run, all at the same decaying rate."""
    refuse_one_batch(protocol)
    size, end, name = protocol.parts.optimizer.batch_size, parameters.removal, protocol.deficit.name
    measured = measuring(protocol, Gradients(batch_size=size, every=1), GradientsClean(batch_size=size, every=0))
    blurred = measured.window(0, end, CONTINUE)
    labels = measured.window(0, end, CONTINUE, deficit=LabelPermutation(classes=protocol.facts.classes))
    clean, ill, permuted = blurred.dose_matched, blurred.deficit, labels.deficit
    batches = f"At fixed weights after an epoch, in batches of {size} images: the ratio grows with the root of that."

    def ratio(arm: Arm, at: str) -> Contrast:
        return arm.log(f"{MEAN}{at}") - arm.log(f"{DEVIATION}{at}")

    def jump(arm: Arm) -> Contrast:
        return arm.log(f"{MEAN}@{end + 1}") - arm.log(f"{MEAN}@{end}")

    # The jump is the sum of these two: after the removal what is seen is clean.
    def of_input(arm: Arm) -> Contrast:
        return arm.log(f"{MEAN}_clean@{end}") - arm.log(f"{MEAN}@{end}")

    def of_weights(arm: Arm) -> Contrast:
        return arm.log(f"{MEAN}@{end + 1}") - arm.log(f"{MEAN}_clean@{end}")

    claims = (
        Claim("gradients.drift", SHWARTZ_ZIV2017, ratio(clean, "@1"), "greater",
              "After the first epoch of a clean run the mean of the gradient exceeds its deviation over batches.",
              differs=batches, short="first, the mean is larger"),
        Claim("gradients.diffusion", SHWARTZ_ZIV2017, ratio(clean, ""), "less",
              "At the end of a clean run the deviation exceeds the mean.", differs=batches,
              short="later, the deviation is larger"),
        Claim("gradients.phases", ICLR2019, ratio(clean, "@1") - ratio(clean, ""), "greater",
              "From the first epoch of a clean run to its end, the mean falls against the deviation: two phases.",
              differs=batches, short="mean falls against deviation"),
        Claim("gradients.jump", ICLR2019, jump(ill), "greater",
              f"The removal of the {name} at epoch {end} shows as a jump of the mean.",
              short="removal: the mean jumps"),
        Claim("gradients.jump_labels", ICLR2019, jump(permuted), "greater",
              f"The removal of permuted labels at epoch {end} shows as a jump of the mean.",
              short="labels put right: the mean jumps"),
        Claim("gradients.jump_not_clean", OURS, jump(ill) - jump(clean), "greater",
              f"It is the removal of the {name} that does it: the mean of a clean run jumps less at that epoch.",
              short="jumps more than in a clean run"),
        Claim("gradients.labels_not_clean", OURS, jump(permuted) - jump(clean), "greater",
              "So it is with permuted labels: the mean of a clean run jumps less at that epoch.",
              short="labels: jumps more than clean"),
        Claim("gradients.input", OURS, of_input(ill), "greater",
              f"The jump is there before a step is made: at the weights of epoch {end}, the mean on clean images is "
              "larger than the mean on those that were seen.", short="images' part of the jump"),
        Claim("gradients.input_labels", OURS, of_input(permuted), "greater",
              f"So is it with the labels: at the weights of epoch {end}, right ones give a larger mean than permuted.",
              short="labels' part of the jump"),
        Claim("gradients.weights", OURS, of_weights(ill), "greater",
              "The weights have a part in it: on clean images both times, the mean grows in the epoch after it.",
              requires=("gradients.jump",), short="weights' part of the jump"),
        Claim("gradients.weights_labels", OURS, of_weights(permuted), "greater",
              "So have they with the labels: with right ones both times, the mean grows in that epoch.",
              requires=("gradients.jump_labels",), short="weights' part (labels)"),
        Claim("gradients.anew", OURS, ratio(ill, f"@{end + 1}") - ratio(ill, f"@{end}")
              - ratio(clean, f"@{end + 1}") + ratio(clean, f"@{end}"), "greater",
              f"Without the {name} the first phase begins anew in what the network sees: the mean rises against the "
              "deviation, other than in a clean run.", requires=("gradients.jump_not_clean",),
              short="the first phase begins anew"),
    )  # fmt: skip

    def panel(title: str, arm: Arm) -> ByColumn:
        window = [] if arm == clean else [(role("deficit", f"until epoch {end}"), 0, end)]
        looks = {MEAN: Look("mean", OTHER_COLOURS[2]), DEVIATION: Look("deviation", OTHER_COLOURS[1], "--")}
        return ByColumn(title=title, ylabel="norm of the gradient over batches", arm=arm, columns=looks, windows=window,
                        logarithmic=True, across=(0, end + protocol.recovery))  # fmt: skip

    return Design(
        panels=[
            [panel("clean", clean), panel(name.replace("_", " "), ill)],
            [panel("permuted labels", permuted),
             contrasts(claims, "gradient", title="two phases, and a jump?", xlabel="logarithm of the ratio of norms")],
        ],
        claims=claims,
        at={**dict.fromkeys((MEAN, DEVIATION), tuple(sorted({1, end, end + 1}))), f"{MEAN}_clean": (end,)},
        panel_inches=(3.4, (2.5, 4.5)),
        leading=("gradients.phases", "gradients.jump"),
        note=f"Mean and standard deviation of the gradient of a batch of {size} images, over the batches of the "
        "training images as the network sees them, at fixed weights after each epoch.",
    )  # fmt: skip


FIGURE = Figure(
    name="iclr2019/gradients",
    title="Mean and deviation of the gradient",
    question="Does training have two phases, and does the removal of a deficit begin the first one anew?",
    parameters=Removal,
    design=design,
    deviations=(
        "Gradients are taken at fixed weights after an epoch, without augmentation and weight decay, with batch "
        "normalisation in training mode; the papers gather them while the weights move.",
        "The comparison with the clean run at the removal is ours; so are the parts of images and weights in the jump.",
    ),
)
