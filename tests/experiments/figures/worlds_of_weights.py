"""Worlds in which every sentence of the figures about weights is true, as `test_figures` wants them."""

from experiments.design.protocol import DEFICIT


def information(tags):
    more = 0.3 + 0.2 * tags["removal"]
    ill = {"fisher_trace": more, "fisher_trace_relative": more, "train_loss": -0.1}
    return ill if tags["role"] == DEFICIT else {}


WORLDS = {"iclr2019/fisher_deficit": information}
