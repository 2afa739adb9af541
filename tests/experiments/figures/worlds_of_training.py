"""Worlds in which every sentence about regularisers, rates and closing windows is true; see `test_figures`."""

from experiments.design.protocol import DEFICIT


def timing(tags):
    """Each regulariser helps in the first two epochs, and in no others."""
    start, end = map(int, tags.get("acts", "[0, 0)").strip("[)").split(", "))
    return {"accuracy": 3.0 * len(range(start, min(end, 2)))}


def early(tags):
    """The larger the early trace, the lower the accuracy, also after one recovery; the penalty takes some of both."""
    share = float(tags["schedule"].split()[0])
    # In the middle of the rates traces go up and down, so that the rate does not tell as much.
    middle = {1 / 8: -1.0, 1 / 4: 1.8, 1 / 2: 0.4}
    trace = middle.get(round(share, 3), -0.4 if share == 1 else 1.2) - 1.5 * ("stabilizer" in tags)
    # Training losses go up and down with the rate, too, and tell nothing.
    loss = {1 / 4: 0.2, 1 / 2: -0.3}.get(share, 0.1 * share)
    return {"fisher_trace_window": trace, "fisher_trace@2": trace, "accuracy": -10.0 * trace,
            "train_accuracy": -2.0 * trace, "train_loss@2": loss}  # fmt: skip


ORDER = {2: 1.0, 3: 0.0, 4: 0.5}
"""How much windows do, by their onset: less later, but least in between, so that a clock tells a part."""

NORMS = {1: 0.0, 2: 1.0, 3: -0.5, 4: -0.8}
"""Of the gradient: it grows, falls much, and falls a little."""

TRACES = {1: -0.5, 2: 0.5, 3: -1.1, 4: 0.0}
"""It and its slope are in the order of what windows do."""


def closure(tags):
    """What a window costs and damages, everything measured tells better than a clock."""
    if tags["role"] == DEFICIT:
        return {"accuracy": -8.0 - 12.0 * ORDER[tags["onset"]]}
    return {
        "barrier": ORDER.get(tags.get("branch_at", 0), 0.0),
        **{f"fisher_trace@{epoch}": more for epoch, more in TRACES.items()},
        **{f"gradient_cosine@{epoch}": 0.2 * more for epoch, more in ORDER.items()},
        **{f"gradient_mean@{epoch}": more for epoch, more in NORMS.items()},
    }  # fmt: skip


WORLDS = {"neurips2019/regularisation_timing": timing, "icml2021/fisher_early": early, "controls/closure": closure}
