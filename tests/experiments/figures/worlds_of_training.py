"""Worlds in which every sentence about regularisers, rates and closing windows is true; see `test_figures`."""

from experiments.design.protocol import DEFICIT


def timing(tags):
    """Each regulariser helps in the first two epochs, and in no others."""
    start, end = map(int, tags.get("acts", "[0, 0)").strip("[)").split(", "))
    return {"accuracy": 3.0 * len(range(start, min(end, 2)))}


def early(tags):
    """The larger the early trace, the lower the accuracy, also after one recovery; the penalty takes some of both."""
    share = float(tags["schedule"].split()[0])
    trace = 2.0 - share - 1.5 * ("stabilizer" in tags)
    # Training losses go up and down with the rate, and tell nothing.
    loss = {1 / 4: 0.2, 1 / 2: -0.3}.get(share, 0.1 * share)
    return {"fisher_trace_window": trace, "accuracy": -10.0 * trace, "train_accuracy": -2.0 * trace,
            "train_loss@2": loss}  # fmt: skip


NORMS = {1: 0.0, 2: 1.0, 3: 1.4, 4: 0.0}
"""Of the gradient: their running mean grows less and less, and falls at last."""


def closure(tags):
    """A window costs and damages less the later it begins, and everything measured falls with it."""
    if tags["role"] == DEFICIT:
        return {"accuracy": -20.0 + 2.0 * tags["onset"]}
    falling = {f"fisher_trace@{epoch}": -0.04 * epoch**2 for epoch in range(1, 5)}
    return {
        "barrier": -0.5 * tags.get("branch_at", 0), **falling,
        **{f"gradient_cosine@{epoch}": -0.05 * epoch for epoch in (2, 3, 4)},
        **{f"gradient_mean@{epoch}": more for epoch, more in NORMS.items()},
    }  # fmt: skip


WORLDS = {"neurips2019/regularisation_timing": timing, "icml2021/fisher_early": early, "controls/closure": closure}
