"""What has been trained, as `critical.Results` gives it."""

import json
import warnings
from dataclasses import replace

import pandas as pd
import pytest
import torch
from helpers import FAILING, FEW, STOPPED, bare, from_scratch, last_state, pausing_worker, process, same, until

from critical import Results, SpecError
from critical.execution.plan import plan
from critical.execution.store import RunStore
from critical.execution.workers import work
from critical.probes import ProbeContext
from critical.probes.base import evaluate
from critical.training.runs import RunSpec

BLURRED, OTHER_SEED, CLEAN = FEW


@pytest.fixture
def results(trained_results):
    return Results(trained_results)


def row_of(results, spec: RunSpec):
    return results.runs().set_index("run_id").loc[spec.run_id]


class TestRuns:
    def test_are_a_row_each(self, results):
        runs = results.runs()
        assert sorted(runs["run_id"]) == sorted(spec.run_id for spec in (*FEW, FAILING, STOPPED))
        assert list(runs["date"]) == sorted(runs["date"], reverse=True)
        held = row_of(results, OTHER_SEED)
        expected = {"state": "finished", "data": "digits", "model": "all_cnn", "deficit": "blur", "onset": 0,
                    "removal": 2, "stabilizer": "none", "schedule": "restart", "rate": 0.1, "seed": 1,
                    "epochs": 5, "trained": 5, "device": "cpu", "failure": ""}  # fmt: skip
        assert {name: held[name] for name in expected} == expected
        assert row_of(results, CLEAN)["deficit"] == "none"

    def test_have_their_last_accuracy_and_loss(self, results):
        for spec in FEW:
            last = from_scratch(spec)[0][-1]
            held = row_of(results, spec)
            assert (held["accuracy"], held["loss"]) == (last["test_accuracy"], last["test_loss"])

    def test_that_failed_or_stopped_say_so_and_have_none(self, results):
        failed, stopped = row_of(results, FAILING), row_of(results, STOPPED)
        assert failed["state"] == "failed"
        assert "non-finite loss" in failed["failure"]
        assert (stopped["state"], stopped["trained"], stopped["epochs"]) == ("unfinished", 2, 6)
        assert pd.isna([failed["accuracy"], stopped["accuracy"]]).all()
        assert failed["trained"] < failed["epochs"]

    @pytest.mark.slow
    def test_under_way_are_running_until_their_worker_dies(self, results_folder, tmp_path):
        reached = tmp_path / "reached"
        with process(pausing_worker, results_folder / "runs", STOPPED, 3, reached) as child:
            until(reached.exists, "the third epoch")
            assert row_of(Results(results_folder), STOPPED)["state"] == "running"
            child.kill()
            child.join()
        held = row_of(Results(results_folder), STOPPED)
        assert (held["state"], held["trained"]) == ("unfinished", 3)

    def test_of_earlier_versions_are_there(self, results_folder):
        path = results_folder / "runs" / "runs" / BLURRED.run_id / "run.json"
        before = row_of(Results(results_folder), BLURRED)
        held = json.loads(path.read_bytes())
        new = ("accuracy", "loss", "date", "command", "made_by", "sums", "sum")
        path.write_text(json.dumps({key: held[key] for key in held if key not in new}))
        after = row_of(Results(results_folder), BLURRED)
        same_as_before = [name for name in before.index if name not in ("date", "command")]
        assert after[same_as_before].to_dict() == before[same_as_before].to_dict()
        assert (after["date"], after["command"]) == ("", "")

    def test_that_are_damaged_warn_and_are_left_out(self, results_folder):
        path = results_folder / "runs" / "runs" / BLURRED.run_id / "run.json"
        path.write_text(path.read_text()[:-40])
        with pytest.warns(UserWarning, match=rf"^{path} cannot be read") as said:
            runs = Results(results_folder).runs()
        assert len(said) == 1
        assert BLURRED.run_id not in set(runs["run_id"])
        assert len(runs) == 4
        with pytest.raises(SpecError, match=f"^run {BLURRED.run_id}: .*cannot be read"):
            Results(results_folder).record(BLURRED.run_id)

    def test_of_an_empty_store_are_a_table_without_rows(self, tmp_path):
        (tmp_path / "results" / "runs").mkdir(parents=True)
        runs = Results(tmp_path / "results").runs()
        assert runs.empty
        assert "accuracy" in runs

    def test_a_folder_without_any_is_refused(self, tmp_path):
        with pytest.raises(SpecError, match=f"^results={tmp_path}/none: there are no runs below it; train some"):
            Results(tmp_path / "none")


class TestNames:
    def test_a_beginning_is_enough_where_no_other_has_it(self, results):
        ids = [spec.run_id for spec in (*FEW, FAILING, STOPPED)]
        for run in ids:
            size = next(size for size in range(1, 17) if sum(one.startswith(run[:size]) for one in ids) == 1)
            assert results.find(run[:size]) == run == results.find(run)

    def test_several_or_none_are_refused(self, results_folder):
        runs = results_folder / "runs" / "runs"
        runs.joinpath(BLURRED.run_id).rename(runs / f"{OTHER_SEED.run_id[:5]}{'0' * 11}")
        results = Results(results_folder)
        with pytest.raises(SpecError, match=f"^run {OTHER_SEED.run_id[:5]}: 2 runs begin so .*; give more of the id$"):
            results.find(OTHER_SEED.run_id[:5])
        for name in ("", "xyz", OTHER_SEED.run_id + "0"):
            with pytest.raises(SpecError, match=f"^run '{name}': there is none in "):
                results.find(name)


class TestEpochs:
    def test_are_those_that_were_trained(self, results):
        held = results.epochs(BLURRED.run_id[:8])
        rows = bare(from_scratch(BLURRED)[0])
        assert list(held["deficit"]) == ["blur", "blur", "", "", ""]
        for row, told in zip(rows, held.to_dict("records"), strict=True):
            assert {name: told[name] for name in row} == row
            assert all(pd.isna(told[name]) for name in set(told) - set(row) - {"deficit", "reset_optimizer", "seconds"})

    def test_of_an_unfinished_run_are_those_that_there_are(self, results):
        held = results.epochs(STOPPED.run_id)
        assert list(held["epoch"]) == [1, 2]
        assert list(held["deficit"]) == ["", "label_permutation"]
        assert list(held["test_loss"]) == [row["test_loss"] for row in from_scratch(STOPPED)[0][:2]]

    def test_of_a_failed_run_end_with_its_failure(self, results):
        held = results.epochs(FAILING.run_id)
        assert "non-finite loss" in held["failure"].iloc[-1]

    def test_whose_file_has_gone_are_one_line(self, results_folder):
        (results_folder / "runs" / "runs" / BLURRED.run_id / "epochs.csv").unlink()
        with pytest.raises(SpecError, match=r"epochs\.csv cannot be read \(FileNotFoundError\); remove its folder"):
            Results(results_folder).epochs(BLURRED.run_id)


class TestNetworks:
    def test_the_network_is_that_of_the_end_and_scores_as_its_record(self, results):
        network, data = results.model(BLURRED.run_id), results.dataset(BLURRED.run_id)
        assert not network.training
        assert same(network.state_dict(), last_state(RunStore(results.root), BLURRED)["model"])
        context = ProbeContext(network, data, BLURRED.arithmetic, (), 0, 5)
        accuracy, loss = evaluate(context, data.test)
        held = row_of(results, BLURRED)
        assert (accuracy, loss) == (held["accuracy"], held["loss"])

    def test_before_epoch_0_it_has_its_initial_weights(self, results):
        first, again = results.model(BLURRED.run_id, epoch=0), results.model(CLEAN.run_id, epoch=0)
        assert same(first.state_dict(), again.state_dict())
        assert not same(first.state_dict(), results.model(OTHER_SEED.run_id, epoch=0).state_dict())

    def test_in_a_precision_that_a_cpu_has_not_it_is_there_in_fp32(self, results, monkeypatch):
        elsewhere = replace(BLURRED.arithmetic, device="cuda", precision="tf32")
        spec = replace(BLURRED, arithmetic=elsewhere)
        expected = results.model(BLURRED.run_id, epoch=0).state_dict()
        monkeypatch.setattr(Results, "spec", lambda *_: spec)
        assert same(results.model(spec.run_id, epoch=0).state_dict(), expected)

    def test_the_data_are_the_draw_of_the_seed(self, results):
        first, other = (results.dataset(spec.run_id).train for spec in (BLURRED, OTHER_SEED))
        assert len(first) == 96
        assert not torch.equal(first.views[0], other.views[0])

    def test_data_are_found_where_they_lay_or_where_they_are_said_to_be(self, results_folder, tmp_path):
        held = replace(BLURRED, data=replace(BLURRED.data, root=str(tmp_path / "there")), seed=4)
        store = RunStore(results_folder / "runs")
        work(plan([held]), store)
        store.publish(held, {})
        results = Results(results_folder)
        assert results.spec(held.run_id).data.root == str(tmp_path / "there")
        assert Results(results_folder, root=tmp_path).spec(held.run_id).data.root == str(tmp_path)
        # A place of other data is none of its; what no data have is a slip.
        assert Results(results_folder, path=tmp_path).spec(held.run_id).data.root == held.data.root
        with pytest.raises(SpecError, match=r"^Results\(rot=…\): no data .*; did you mean 'root'\?$"):
            Results(results_folder, rot=tmp_path).spec(held.run_id)
        assert results.spec(held.run_id).run_id == held.run_id

    def test_a_state_that_is_not_stored_is_refused(self, results):
        with pytest.raises(SpecError, match=r"its state after 1 epochs is not stored; trainer\(run_id, epoch=1\)"):
            results.model(BLURRED.run_id, epoch=1)
        for epoch in (-1, 6):
            with pytest.raises(SpecError, match=f"^epoch={epoch}: the run {BLURRED.run_id} has 5 epochs; give 0"):
                results.model(BLURRED.run_id, epoch=epoch)

    def test_a_damaged_state_is_refused_and_stays(self, results_folder):
        results = Results(results_folder)
        path = RunStore(results.root).state_path(BLURRED.keys[-1])
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(SpecError, match=rf"^checkpoint {path} cannot be read \(BadZipFile\); remove it"):
            results.model(BLURRED.run_id)
        assert path.exists()


class TestTrainer:
    @pytest.mark.parametrize("epoch", [0, 2, 3, 5])
    def test_goes_on_with_the_same_bits(self, results, epoch):
        expected = last_state(RunStore(results.root), BLURRED)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer = results.trainer(BLURRED.run_id, epoch=epoch)
        assert trainer.state.epoch == epoch
        with trainer.arithmetic.applied():
            for acting in trainer.spec.epoch_specs[epoch:]:
                trainer.train_epoch(acting)
        assert same(trainer.state.state_dict(), expected)

    def test_a_stored_state_is_loaded_and_another_is_said_to_be_trained(self, results, recwarn, monkeypatch):
        results.trainer(BLURRED.run_id)
        assert not recwarn.list
        stored = [epoch for epoch in range(1, 5) if RunStore(results.root).has_state(BLURRED.keys[epoch])]
        assert 3 not in stored
        before = max(stored, default=0)
        with pytest.warns(UserWarning, match=f"after 3 epochs is not stored; training epochs {before} to 2 again"):
            results.trainer(BLURRED.run_id, epoch=3)

    def test_a_device_that_is_not_here_is_refused(self, results_folder):
        path = results_folder / "runs" / "runs" / BLURRED.run_id / "run.json"
        if torch.backends.mps.is_available():
            pytest.skip("there is one")
        elsewhere = replace(BLURRED, arithmetic=replace(BLURRED.arithmetic, device="mps"))
        held = json.loads(path.read_bytes()) | elsewhere.describe() | {"keys": list(elsewhere.keys)}
        held.pop("sum")
        path.parent.rename(path.parent.parent / elsewhere.run_id)
        (path.parent.parent / elsewhere.run_id / "run.json").write_text(json.dumps(held))
        with pytest.raises(SpecError, match="device=mps: torch finds none on this machine"):
            Results(results_folder).trainer(elsewhere.run_id)
