from dataclasses import replace

import pytest
import tiny

from critical.stabilizers import L2Init, StabilizerWindow
from experiments import train
from experiments.output.run_lines import epoch_line, next_settings, title_of


def spec(*overrides):
    return train.run_spec(tiny.composed("train", *tiny.TINY, *overrides))


BLURRED = spec("deficit=blur", "deficit.factor=2", "deficit.start=1", "deficit.end=3", "recovery=4")


def test_a_row_says_what_acts():
    held = replace(BLURRED, stabilizers=(StabilizerWindow(L2Init(), 0, 2),))
    row = {"epoch": 2, "train_loss": 2.3456, "test_accuracy": 12.34, "fisher_trace": 1234.5, "rate": 0.05}
    assert epoch_line(row, held).split() == ["2", "2.346", "12.3", "%", "1234", "0.05", "blur", "+", "l2_init"]
    bare = epoch_line({"epoch": 1, "train_loss": 2.0, "rate": 0.05}, BLURRED)
    assert bare.split() == ["1", "2.000", *"––", "0.05", "–"]
    own = epoch_line({"epoch": 1, "objective": 0.75, "rate": 0.05}, BLURRED)
    assert own.split()[1] == "0.750", "another objective in place of the classification's loss"
    assert epoch_line({"epoch": 3, "failure": "non-finite loss"}, BLURRED).split(maxsplit=1)[1] == "non-finite loss"


def test_what_a_run_is_called():
    assert title_of(BLURRED) == "blur in epochs 2 to 3, then 4 clean epochs, seed 0"
    assert title_of(spec("recovery=4", "seed=3")) == "4 clean epochs, seed 3"
    one = spec("deficit=blur", "deficit.start=0", "deficit.end=1", "recovery=1")
    assert title_of(one) == "blur in epoch 1, then 1 clean epoch, seed 0"


def test_what_one_would_change_next():
    settings = [text for text, _ in next_settings(BLURRED)]
    assert settings == ["deficit=none", "deficit.start=3 deficit.end=5", "recovery=8"]
    assert [text for text, _ in next_settings(BLURRED, by_epochs=True)][1:] == [
        "deficit.start=3 deficit.end=5 epochs=9", "epochs=11"
    ]  # fmt: skip
    assert next_settings(spec("deficit=blur", "deficit.factor=2", "deficit.end=3", "recovery=0"))[2][0] == "recovery=1"
    assert next_settings(spec("recovery=4"))[0][0] == "deficit=blur deficit.end=2"
    assert next_settings(spec("deficit=none", "deficit.end=2", "recovery=4"))[0][0] == "deficit=blur"


@pytest.mark.parametrize("length", ["recovery=4", "recovery=0", "epochs=2", "epochs=3"])
def test_each_of_them_is_a_run(length):
    """Added to the command, they compose."""
    given = ["deficit=blur", "deficit.factor=2", "deficit.end=2", length]
    for text, _ in next_settings(spec(*given), by_epochs=length.startswith("epochs")):
        more = text.split()
        # A deficit has its own settings, which another one does not know.
        kept = [one for one in given if "factor" not in one] if "deficit=none" in more else given
        keys = {one.split("=")[0] for one in more}
        assert spec(*[one for one in kept if one.split("=")[0] not in keys], *more).run_id != spec(*given).run_id
