"""Worlds in which every sentence about therapies and ages of unlike modalities is true; see `test_figures`."""

POOR = {
    "none": {"accuracy": -10.0, "decoding_b": -30.0, "probe_maps_b": -20.0},
    "view dropout of view a": {"decoding_b": 6.0, "decoding_a": -20.0, "probe_maps_a": -12.0},
    "alternating deprivation": {"decoding_a": -9.0, "probe_maps_a": -8.0},
    "view dropout of view b": {"accuracy": -10.0, "decoding_b": -35.0, "probe_maps_b": -20.0},
}
"""What views and streams have less after a deficit, by therapy: each brings the poor view back, patching at a price."""


def therapies(tags):
    before, _, treated = tags["label"].partition(" [")[0].partition(" then ")
    return POOR[treated] if before == "blur of view b" else {}


WORLDS = {"multimodal/alternation": therapies}
