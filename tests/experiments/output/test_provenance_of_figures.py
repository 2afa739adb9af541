"""Who made the epochs of a figure: read from the records in the store."""

import pytest
import tiny

from critical.execution.plan import plan
from critical.execution.store import RunStore
from experiments.design.figure import Design
from experiments.output import pipeline, tables


class TestProvenance:
    @pytest.fixture
    def trained(self, tmp_path, monkeypatch):
        """Two seeds of a figure; the store."""
        store, protocol = RunStore(tmp_path / "runs"), tiny.protocol(seeds=(0, 1), recovery=3)
        arms = protocol.window(2, 1)
        items = tables.planned(Design(panels=[[]], arms=[arms.deficit, arms.dose_matched]), protocol.seeds)
        return store, items, monkeypatch

    @staticmethod
    def sit(trained, commit, specs):
        store, _, monkeypatch = trained
        monkeypatch.setattr(tiny, "HERE", tiny.HERE | {"commit": commit})
        tiny.train_here(plan(specs), store)

    def test_every_maker_has_its_own_epochs_seeds_and_time(self, trained):
        store, items, _ = trained
        first = [item.spec for item in items if item.spec.seed == 0]
        self.sit(trained, "one", first[:1])  # 6 epochs
        self.sit(trained, "two", [item.spec for item in items])  # 4 of seed 0, and 6 + 4 of seed 1
        found = pipeline.provenance(items, store)
        assert [(who["commit"], who["epochs"], who["seeds"]) for who in found] == [("two", 14, [0, 1]), ("one", 6, [0])]
        keys = {key for item in items for key in item.spec.keys[1:]}
        assert sum(who["cpu_seconds"] for who in found) == pytest.approx(store.cpu_seconds(keys), abs=0.1)
        assert {key: found[0][key] for key in ("machine", "versions")} == {
            key: tiny.HERE[key] for key in ("machine", "versions")
        }  # fmt: skip

    def test_epochs_that_a_failed_run_never_saw_have_no_maker(self, trained):
        store, items, _ = trained
        spec = items[0].spec
        record = {"train": None, "probes": {}, "seconds": {}, "failure": "non-finite loss"}
        maker = store.sign(tiny.HERE | {"commit": "one"})
        store.write_record(spec.keys[1], spec.keys[1], record | {"maker": maker})
        store.publish(spec, tiny.HERE | {"commit": "two"})
        (who,) = pipeline.provenance(items[:1], store)
        assert (who["commit"], who["epochs"]) == ("one", 1)
