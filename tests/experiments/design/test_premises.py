import pandas as pd
import pytest
import tiny

from critical.inference.verdicts import verdicts
from experiments.design.premises import learns

SEEDS = range(20, 28)


def judged(accuracy, classes):
    arm = tiny.protocol().window(0, 2).dose_matched
    claim = learns("x.learns", arm, classes, "The network", "the network learns")
    rows = [{"arm_id": arm.id, "seed": seed, "accuracy": accuracy + seed % 2, "failure": ""} for seed in SEEDS]
    (verdict,) = verdicts(pd.DataFrame(rows), [claim], SEEDS)
    return claim, verdict


@pytest.mark.parametrize(
    ("accuracy", "classes", "word"),
    [(60, 10, "reproduced"), (50, 10, "reversed"), (60, 2, "reversed"), (80, 2, "reproduced"), (54, 10, "negligible")],
)
def test_a_network_learns_where_it_ends_above_halfway_from_chance(accuracy, classes, word):
    claim, verdict = judged(accuracy, classes)
    assert verdict.verdict == word
    assert verdict.effect == pytest.approx(accuracy + 0.5 - 50 * (1 + 1 / classes))
    assert f"above {50 * (1 + 1 / classes):g} %" in claim.sentence
