"""Worlds in which every sentence about therapies and ages of unlike modalities is true; see `test_figures`."""

from experiments.design.protocol import DEFICIT

POOR = {
    "none": {"accuracy": -10.0, "decoding_b": -30.0, "probe_maps_b": -20.0, "probe_averaged_b": -15.0},
    "view dropout of view a": {"decoding_b": 6.0, "decoding_a": -20.0, "probe_maps_a": -12.0},
    "alternating deprivation": {"decoding_a": -9.0, "probe_maps_a": -8.0},
    "view dropout of view b": {"accuracy": -10.0, "decoding_b": -35.0, "probe_maps_b": -20.0},
}
POOR["view dropout of view b then view dropout of view a"] = POOR["alternating deprivation"]
"""What views and streams have less after a deficit, by therapy: each brings the poor view back, patching at a price."""


def therapies(tags):
    before, _, treated = tags["label"].partition(" [")[0].partition(" then ")
    return POOR[treated] if before == "blur of view b" else {}


def absent(tags):
    """The modality that is absent, for labels such as "view dropout of view a [0, 4)"."""
    return tags["label"].partition("of view ")[2][0] if tags["role"] == DEFICIT else ""


def by_age(tags):
    """An absence costs the less the older the network, and the lower the rate; longer ones cost a little more.

    With both modalities it helps, and the more the older the network.
    """
    if not (view := absent(tags)):
        return {}
    if tags["schedule"] == "restart_at_onset":
        cost = max(0.0, 20.0 - 2 * tags["onset"])
    else:
        high = tags["schedule"].startswith("high")
        cost = 30.0 - 20 * (tags["onset"] > 2) - 6 * (not high) + 0.4 * (tags["length"] > 2)
    return {f"decoding_{view}": -cost, f"probe_maps_{view}": -0.8 * cost,
            "accuracy": 12.0 if tags["onset"] else 6.0}  # fmt: skip


EASE = {"": 1.0, "image noise 0.3": 0.2, "image noise 0.6": -0.5, "signal noise 0.75": -1.0, "signal noise 1.5": 0.0}
"""Of the image, compared with the signal."""


def by_noise(tags):
    """The easy modality is used more, and the harder one loses the larger share of it, and more of its stream.

    A stream is read above a chance of 10 %; all that was not cut off is as in clean networks.
    """
    ease, cut = EASE[tags.get("variant", "")], absent(tags)
    found = {}
    for view, sign in (("a", 1.0), ("b", -1.0)):
        left = 1 - (0.4 - 0.3 * sign * ease) * (view == cut)
        found |= {f"use_{view}": left * (50.0 + 20.0 * sign * ease) - 50.0,
                  f"probe_maps_{view}": 10.0 + left * (40.0 + 20.0 * sign * ease) - 50.0}  # fmt: skip
    return found


WORLDS = {
    "multimodal/alternation": therapies, "multimodal/modality_age": by_age, "multimodal/easy_wins": by_noise,
}  # fmt: skip
