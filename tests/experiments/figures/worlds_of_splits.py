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


WORLDS = {"cvpr2023/rsv_dissociation": dissociated, "cvpr2023/split_depth": deeper}
