"""A world in which every sentence about redrawing masked patches is true; see `test_figures`."""

from experiments.design.protocol import DEFICIT, FRESH

COSTS = {"labels": 16.0, "reconstruction": 0.0, "each view by itself": 0.0, "auxiliary loss": 6.0, "slow trunk": 11.0}
"""Of the early window."""


def reconstruction(tags):
    """Labels lose much early and little late, a slow trunk and an auxiliary loss less, what redraws nothing."""
    one_frame = dict.fromkeys(("decoding_a", "decoding_b"), -25.0) if "variant" in tags else {}
    if tags["role"] == FRESH:
        return {**one_frame, "accuracy": -20.0, "probe_untrained_code": -20.0}
    level = -8.0 if tags["objective"] == "each view by itself" else 0.0
    if tags["role"] != DEFICIT:
        # Redrawing for as long as comes after the window alone.
        return {**one_frame, "accuracy": -5.0 if (tags["objective"], tags["phase"]) == ("reconstruction", 1) else level}
    if "random_labels" in tags["deficit"]:
        return {**one_frame, "accuracy": -9.0}
    cost = COSTS[tags["objective"]] / (4 if tags["onset"] else 1)
    return {**one_frame, "accuracy": level - cost, "probe_code@2": -2 * cost}


def tokens(tags):
    """A dissociated encoder keeps the views apart, at the window's end, before and after its fine-tuning."""
    apart = 0.3 * (tags["role"] == DEFICIT)
    moments = ("", "@1", "@2")
    return {f"rsv_one_sided_layer{layer}{at}": value for at in moments for layer, value in ((0, 0.4), (1, apart))}


WORLDS = {"cvpr2023/cross_sensor_reconstruction": reconstruction, "cvpr2023/rsv_transformer": tokens}
