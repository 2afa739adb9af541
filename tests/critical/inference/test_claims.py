from dataclasses import replace

import pytest

from critical.core.spec import SpecError
from critical.inference.claims import Arm, Claim

FRESH = Arm(arm="fresh")
HARM = Claim(
    id="late_harms", source="a paper, figure 1", sentence="A late removal ends below the fresh network.",
    direction="greater", minuend=FRESH, subtrahend=Arm(arm="deficit", removal=18), control=FRESH,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"direction": "greatest"}, "did you mean 'greater'"),
        ({"subtrahend": None}, "both minuend and subtrahend"),
        ({"statistic": lambda rows: rows.set_index("seed")["accuracy"]}, "neither of them"),
        ({"uses": (FRESH,)}, "belongs to a statistic"),
        ({"floor": 0.0}, "floor"),
        ({"alpha": 5}, "alpha"),
    ],
)
def test_impossible_claims_are_refused_in_one_line(changes, message):
    with pytest.raises(SpecError, match=message) as caught:
        replace(HARM, **changes)
    assert "\n" not in str(caught.value)


def test_arms_are_values():
    arm = Arm(arm="deficit", removal=[10, 20])
    assert arm == Arm(removal=(10, 20), arm="deficit")
    assert hash(arm) == hash(Arm(removal=(10, 20), arm="deficit"))
    assert dict(arm.but(removal=5, schedule="restart")) == {
        "arm": "deficit", "removal": 5, "schedule": "restart",
    }  # fmt: skip
    assert dict(arm) == {"arm": "deficit", "removal": (10, 20)}
    with pytest.raises(TypeError):
        arm["removal"] = 3
