"""Worlds in which every sentence of the figures of two streams is true; see `test_figures`."""

from experiments.design.protocol import DEFICIT


def dissociated(tags):
    """Two modes at the end, of which the recovery takes a part back; the longer, the more."""
    if tags["role"] != DEFICIT:
        return {}
    end = tags["removal"]
    return {f"rsv_two_sided@{end}": 0.08 * end, f"rsv_dip@{end}": 0.04 * end,
            "rsv_two_sided": 0.05 * end, "rsv_dip": 0.02 * end}  # fmt: skip


WORLDS = {"cvpr2023/rsv_dissociation": dissociated}
