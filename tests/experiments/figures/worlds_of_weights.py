"""Worlds in which every sentence of the figures about weights is true, as `test_figures` wants them."""

from experiments.design.protocol import DEFICIT


def information(tags):
    more = 0.3 + 0.2 * tags["removal"]
    ill = {"fisher_trace": more, "fisher_trace_relative": more, "train_loss": -0.1}
    return ill if tags["role"] == DEFICIT else {}


def layers(tags):
    middle = {"fisher_share_middle": 0.2}
    if tags["role"] != DEFICIT or tags["deficit"] == "vertical_flip":
        return middle
    return {**middle, "fisher_share_top@6": 0.4, "fisher_share_top": 0.15, "fisher_share_relative_top": 0.15}


WORLDS = {"iclr2019/fisher_deficit": information, "iclr2019/fisher_layers": layers}
