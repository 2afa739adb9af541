import dataclasses

import pandas as pd
import pytest
import tiny
from omegaconf import OmegaConf

from critical.core.spec import SpecError
from critical.deficits import Dissociation, Inversion, SplitHeads
from critical.execution.store import RunStore
from critical.stabilizers import L2Init, StabilizerWindow
from critical.training.runs import RunSpec
from critical.training.schedules import Continue, Restart
from experiments import __main__ as front
from experiments.design.protocol import AUTHORS, DEFICIT, DOSE_MATCHED, FRESH, RESTART_AT_ONSET, SAME_TOTAL, tables

PROTOCOL = tiny.protocol(seeds=(0, 1), recovery=4)


def windows(item):
    return [(window.start, window.end, window.deficit.name) for window in item.spec.timeline.windows]


def test_a_fresh_arm_has_no_window():
    item = PROTOCOL.arm(0, FRESH, onset=3, length=2)
    assert windows(item) == []
    assert item.spec.timeline.end == 4
    assert {key: item.tags[key] for key in ("onset", "length", "removal", "deficit")} == {
        "onset": 0, "length": 0, "removal": 0, "deficit": "none",
    }  # fmt: skip


@pytest.mark.parametrize("onset", [0, 3])
def test_deficit_and_dose_matched_arms_have_the_same_recovery(onset):
    deficit, matched = (PROTOCOL.arm(0, kind, onset, 2) for kind in (DEFICIT, DOSE_MATCHED))
    assert windows(deficit) == [(onset, onset + 2, "blur")]
    assert windows(matched) == [(onset, onset + 2, "none")]
    assert deficit.spec.timeline.end == matched.spec.timeline.end == onset + 2 + 4
    assert [each.rate for each in deficit.spec.epoch_specs] == [each.rate for each in matched.spec.epoch_specs]
    assert all(not each.deficits for each in matched.spec.epoch_specs)
    assert [bool(each.deficits) for each in deficit.spec.epoch_specs] == [
        onset <= epoch < onset + 2 for epoch in range(onset + 6)
    ]


def test_tags_say_which_arm_it_is():
    item = PROTOCOL.arm(1, DEFICIT, 1, 2, Continue.name, 3, Inversion(), SAME_TOTAL)
    assert item.tags == {
        "arm": DEFICIT, "deficit": "inversion", "onset": 1, "length": 2, "removal": 3,
        "schedule": "continue", "budget": 3, "comparison": SAME_TOTAL, "seed": 1,
    }  # fmt: skip
    assert item.spec.seed == 1
    assert not item.curve
    assert PROTOCOL.arm(0, DOSE_MATCHED, 0, 2).tags["deficit"] == "none"


def test_restarts_give_every_arm_the_recovery_of_a_fresh_one():
    fresh = [each.rate for each in PROTOCOL.arm(0, FRESH).spec.epoch_specs]
    late = [each.rate for each in PROTOCOL.arm(0, DEFICIT, 0, 5).spec.epoch_specs]
    assert late[5:] == fresh
    going_on = [each.rate for each in PROTOCOL.arm(0, DEFICIT, 0, 5, Continue.name).spec.epoch_specs]
    assert going_on[:5] == late[:5]
    assert max(going_on[5:]) < min(late[5:7])


def test_a_restart_at_the_onset_gives_windows_of_any_age_the_same_rates():
    early, late = (PROTOCOL.arm(0, DEFICIT, onset, 2, RESTART_AT_ONSET) for onset in (0, 3))
    assert [each.rate for each in late.spec.epoch_specs[3:]] == [each.rate for each in early.spec.epoch_specs]
    assert late.tags["schedule"] == early.tags["schedule"] == RESTART_AT_ONSET
    # What lies before a window is the common trunk, and an early window is that of the plain restart.
    assert late.spec.keys[:4] == PROTOCOL.arm(0, DOSE_MATCHED, 0, 3).spec.keys[:4]
    assert early.spec.keys == PROTOCOL.arm(0, DEFICIT, 0, 2).spec.keys
    assert PROTOCOL.arm(0, FRESH, schedule=RESTART_AT_ONSET).spec.keys == PROTOCOL.arm(0, FRESH).spec.keys


def test_budgets_share_their_trunk():
    short, standard, long = (PROTOCOL.arm(0, DEFICIT, 0, 3, budget=budget).spec for budget in (2, 4, 8))
    assert short.keys[:4] == standard.keys[:4] == long.keys[:4]
    # The rate after the removal is the same in its first epoch only.
    assert short.keys[4] == standard.keys[4] == long.keys[4]
    assert len({spec.keys[5] for spec in (short, standard, long)}) == 3


def test_every_budget_falls_equally_far():
    for budget in (2, 4, 8):
        schedule = PROTOCOL.schedule(Restart.name, budget)
        assert schedule.rate_at(99, budget) == pytest.approx(0.05 * 0.8**4, rel=1e-6)


def test_a_standard_budget_is_the_plain_restart():
    plain, given = PROTOCOL.arm(0, DEFICIT, 0, 3).spec, PROTOCOL.arm(0, DEFICIT, 0, 3, budget=4).spec
    assert plain == given
    assert plain.run_id == given.run_id
    assert PROTOCOL.schedule(Restart.name, 4) == PROTOCOL.schedule(Restart.name) == Restart(0.05, 0.8)


def test_clean_epochs_are_shared_between_seeds_never_and_arms_always():
    matched, fresh = PROTOCOL.arm(0, DOSE_MATCHED, 0, 3), PROTOCOL.arm(0, FRESH, schedule=Continue.name)
    assert matched.spec.keys[:4] == fresh.spec.keys[:4]
    assert not set(matched.spec.keys) & set(PROTOCOL.arm(1, DOSE_MATCHED, 0, 3).spec.keys)


def test_the_reset_happens_at_the_removal():
    resetting = dataclasses.replace(PROTOCOL, reset_optimizer=True)
    epoch_specs = resetting.arm(0, DEFICIT, 1, 2).spec.epoch_specs
    assert [each.reset_optimizer for each in epoch_specs] == [epoch == 3 for epoch in range(len(epoch_specs))]


def test_the_authors_go_on_without_the_momentum():
    going_on, theirs = (PROTOCOL.arm(0, DEFICIT, 0, 3, schedule) for schedule in (Continue.name, AUTHORS))
    assert [each.rate for each in theirs.spec.epoch_specs] == [each.rate for each in going_on.spec.epoch_specs]
    assert [each.reset_optimizer for each in theirs.spec.epoch_specs] == [epoch == 3 for epoch in range(7)]
    assert theirs.spec.keys[:4] == going_on.spec.keys[:4]
    assert theirs.tags["schedule"] == AUTHORS


def test_a_dose_matched_arm_may_have_a_sham_that_acts():
    two = tiny.protocol(seeds=(0,), recovery=4, family="two_streams")
    matched = two.arm(0, DOSE_MATCHED, 0, 2, sham=SplitHeads())
    assert windows(matched) == [(0, 2, "split_heads")]
    assert matched.tags["deficit"] == "split_heads"
    for kind in (FRESH, DEFICIT):
        assert two.arm(0, kind, 0, 2, sham=SplitHeads()) == two.arm(0, kind, 0, 2)
    assert two.arm(0, DEFICIT, 0, 2, deficit=Dissociation()).tags["deficit"] == "dissociation"


def test_stabilizers_act_in_windows_of_their_own():
    held = (StabilizerWindow(L2Init(), 0, 2),)
    for kind in (DEFICIT, DOSE_MATCHED):
        epoch_specs = PROTOCOL.arm(0, kind, 0, 3, stabilizers=held).spec.epoch_specs
        assert [bool(each.stabilizers) for each in epoch_specs] == [epoch < 2 for epoch in range(7)]


def test_further_tags_and_columns():
    plain = PROTOCOL.arm(0, FRESH)
    item = plain.also("rsv_", view="b").also("use_")
    assert item.tags == {**plain.tags, "view": "b"}
    assert item.measured == ("rsv_", "use_")
    assert item.spec is plain.spec


def stored(tmp_path, item, failed_after=None):
    """Rows as a worker would leave them, without training."""
    store, spec = RunStore(tmp_path), item.spec
    probe_id = next(iter(tiny.plan([spec]).segments[0].probes))
    for epoch in range(1, spec.timeline.end + 1):
        failure = "it failed" if epoch == failed_after else None
        columns = {"test_accuracy": 10.0 * epoch, "test_loss": 1.0 / epoch, "use_b": 1.0 * epoch, "reuse_b": 0.0}
        if spec.epoch_specs[epoch - 1].deficits:
            columns["test_accuracy_deficient"] = 5.0 + epoch
        record = {"train": {"train_loss": 1.0}, "probes": {probe_id: columns}, "seconds": {"train": 3.0}}
        store.write_record(spec.keys[epoch], record | {"failure": failure})
        if failure:
            break
    return store


class TestTables:
    def test_a_row_holds_the_end_and_how_the_deficit_was_learnt(self, tmp_path):
        item = dataclasses.replace(PROTOCOL.arm(0, DEFICIT, 0, 2), curve=True)
        made = tables([item], stored(tmp_path, item))
        (row,) = made.runs.to_dict("records")
        assert isinstance(item.spec, RunSpec)
        assert {key: row[key] for key in item.tags} == item.tags
        assert (row["accuracy"], row["loss"], row["accuracy_deficient"], row["epochs"]) == (60.0, 1 / 6, 7.0, 6)
        assert (row["failure"], row["run_id"]) == ("", item.spec.run_id)
        assert made.epochs["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
        assert "seconds" not in made.epochs, "what varies between repetitions stays out"
        assert set(made.epochs["deficit"]) == {"blur"}, "the arm's, not what acted in the epoch"

    @pytest.mark.parametrize("failed_after", [1, 4])
    def test_a_failed_run_has_no_accuracy(self, tmp_path, failed_after):
        item = PROTOCOL.arm(0, DEFICIT, 0, 2)
        (row,) = tables([item], stored(tmp_path, item, failed_after)).runs.to_dict("records")
        assert row["failure"] == "it failed"
        assert pd.isna(row["accuracy"])
        assert pd.isna(row["loss"])
        assert pd.isna(row["accuracy_deficient"]) == (failed_after < 2)

    def test_a_row_takes_over_what_the_last_epoch_measured(self, tmp_path):
        item = PROTOCOL.arm(0, DEFICIT, 0, 2)
        store = stored(tmp_path, item)
        (row,) = tables([item.also("use_", "decoding_")], store).runs.to_dict("records")
        assert row["use_b"] == 6.0
        assert not {"reuse_b", "decoding_b"} & set(row)
        assert "use_b" not in tables([item], store).runs, "a figure that does not ask for it has the table it had"

    def test_an_unfinished_run_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="not finished"):
            tables([PROTOCOL.arm(0, FRESH)], RunStore(tmp_path))


def test_a_protocol_is_built_from_a_profile():
    made = front.protocol(tiny.composed("figures", "profile=smoke", "device=cpu", "protocol.seeds=[4,2]"))
    assert made.seeds == (4, 2)
    assert (made.rate, made.decay, made.recovery, made.reset_optimizer) == (0.05, 0.7, 2, False)
    assert made.deficit.name == "blur"
    composed = tiny.composed("figures", "profile=smoke", "device=cpu")
    two, unlike = (front.protocol(composed, family) for family in ("two_streams", "modalities"))
    assert (two.parts.data.name, two.parts.model.name, two.deficit.view) == ("two_eyes", "split_all_cnn", "b")
    assert (unlike.parts.data.name, unlike.parts.model.name) == ("image_and_signal", "two_modality")
    assert two.parts.arithmetic == made.parts.arithmetic
    config = tiny.composed("figures", "profile=smoke")
    OmegaConf.set_struct(config, False)
    config.figures.pop("controls/permanence")
    with pytest.raises(SpecError, match="no numbers for it"):
        front.numbers(config, front.chosen("controls/permanence")[0])
