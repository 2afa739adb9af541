"""Worlds in which every sentence of the figures about weights is true, as `test_figures` wants them."""

from experiments.design.protocol import DEFICIT, DOSE_MATCHED


def information(tags):
    more = 0.3 + 0.2 * tags["removal"]
    ill = {"fisher_trace": more, "fisher_trace_relative": more, "fixed_loss": -0.1}
    falling = {f"fixed_loss@{epoch}": 0.5 - 0.1 * epoch for epoch in range(1, 11)}
    return ill if tags["role"] == DEFICIT else falling if tags["role"] == DOSE_MATCHED else {}


def layers(tags):
    middle = {"fisher_share_middle": 0.2}
    if tags["role"] != DEFICIT or tags["deficit"] == "vertical_flip":
        return middle
    return {**middle, "fisher_share_top@6": 0.4, "fisher_share_clean_top@6": 0.35, "fisher_share_top": 0.15,
            "fisher_share_relative_top": 0.15}  # fmt: skip


COURSE = (0.0, 1.0, 2.0, 1.6, 0.5, 0.4, 0.3, 0.3, 0.2, 0.2, 0.2)
"""The trace of a clean run above its level, by epoch from 1 on."""


def sensitivity(tags):
    if tags["role"] != DEFICIT:
        clean = {f"fisher_trace@{epoch}": more for epoch, more in enumerate(COURSE, 1)}
        clean |= {f"test_accuracy@{epoch}": -20.0 + epoch for epoch in range(1, len(COURSE) + 1)}
        return {**clean, "empirical_fisher_trace": -0.8} if tags["role"] == DOSE_MATCHED else {}
    return {"accuracy": -1.0 - 10 * (COURSE[tags["onset"] - 1] if tags["onset"] else 0.0)}


def filters(tags):
    share = "filter_high_frequency_share"
    ill = {share: -0.05 - 0.05 * tags["removal"], f"{share}@6": -0.2}
    return ill if tags["role"] == DEFICIT and tags["deficit"] != "vertical_flip" else {}


def gradients(tags):
    ill = tags["role"] == DEFICIT
    return {"gradient_mean@1": 1.0, "gradient_mean": -1.0, "gradient_mean@7": 1.5 * ill,
            "gradient_mean_clean@6": 0.8 * ill}  # fmt: skip


WORLDS = {
    "iclr2019/filters": filters,
    "iclr2019/gradients": gradients,
    "iclr2019/fisher_trace": sensitivity,
    "iclr2019/fisher_deficit": information,
    "iclr2019/fisher_layers": layers,
}
