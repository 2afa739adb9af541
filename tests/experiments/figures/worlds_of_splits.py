"""Worlds in which every sentence of the figures of two streams is true; see `test_figures`."""

from experiments.design.protocol import DEFICIT, DOSE_MATCHED


def dissociated(tags):
    """Two modes at the end, of which the recovery takes a part back; the longer, the more."""
    if tags["role"] != DEFICIT:
        return {}
    end = tags["removal"]
    return {f"rsv_two_sided@{end}": 0.08 * end, f"rsv_dip@{end}": 0.04 * end,
            "rsv_two_sided": 0.05 * end, "rsv_dip": 0.02 * end}  # fmt: skip


def deeper(tags):
    """A block more loses four points more; clean epochs give some."""
    blocks = int(tags["variant"].split()[1].strip(","))
    return {"accuracy": -4.0 * blocks * (tags["role"] == DEFICIT) + 3.0 * (tags["role"] == DOSE_MATCHED)}


COSTS = {0: 20.0, 1: 11.0, 2: 1.0, 3: 6.0}
"""What windows cost, by their onset: less later, but least in between, so that a clock tells a part."""
TRACES = {1: 0.2, 2: 0.4, 3: 1.0}
"""Of the whole network, by epoch: they tell no more than the clock."""


def pathways(tags):
    """Pathway b loses by a blur, a gains, and b gets a part back; its trace in a clean run is in the order of costs."""
    if tags["role"] == DOSE_MATCHED:
        return {f"fisher_trace@{epoch}": more for epoch, more in TRACES.items()} | {
            f"{B}@{epoch}": 0.1 * COSTS[epoch] for epoch in TRACES}  # fmt: skip
    if tags["role"] != DEFICIT:
        return {}
    fallen = {f"{B}@6": -1.0, "fisher_trace_pathway_clean/b@6": -1.2, B: -0.5, "fisher_trace_relative_pathway/b": -0.6,
              "fisher_trace_relative_pathway_clean/b@6": -1.1, "fisher_trace_pathway/a": 0.6,
              "fisher_trace_pathway_clean/a@6": 1.2, "fisher_trace_relative_pathway/a": 0.9}
    return {**fallen, "accuracy": -COSTS.get(tags["onset"], 0.0), "decoding_b": -2 * COSTS.get(tags["onset"], 0.0)}


def aged(tags):
    """Early and at the high rate a blur does more, and to what is read from its stream most."""
    if tags["role"] != DEFICIT:
        return {}
    late, settled = tags["onset"] > 1, "settled" in tags["schedule"]
    lost = (16.0 if tags["schedule"].startswith("high") else 8.0) - 6.0 * late + 0.1 * settled + 0.5 * tags["length"]
    return {"accuracy": -lost, "decoding_b": -2 * lost, "probe_maps_b": -1.5 * lost}


B = "fisher_trace_pathway/b"
WORLDS = {
    "cvpr2023/rsv_dissociation": dissociated,
    "cvpr2023/split_age": aged,
    "cvpr2023/split_depth": deeper,
    "cvpr2023/split_fisher": pathways,
}
