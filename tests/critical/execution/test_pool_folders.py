import resource
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
from helpers import BLUR, Raising, assert_as_from_scratch, run

from critical.core.files import WriteError
from critical.execution import member, pool
from critical.execution.member import Member
from critical.execution.plan import plan
from critical.execution.pool import RunError, run_all
from critical.execution.store import RunStore
from critical.execution.tracker import Tracker
from critical.probes import Accuracy, Probe

pytestmark = pytest.mark.usefixtures("time_limit")


@dataclass(frozen=True)
class Limiting(Probe):
    """Lets no file grow beyond a block while a file is there."""

    name: ClassVar[str] = "limiting"
    path: str = ""

    def measure(self, context):
        if Path(self.path).exists():
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        return {}


@dataclass(frozen=True)
class Filling(Probe):
    """Puts a file where checkpoints go, so that none can be written, even by the user root."""

    name: ClassVar[str] = "filling"
    path: str = ""

    def measure(self, context):
        Path(self.path).touch()
        return {}


class TestFolders:
    def test_a_file_that_may_not_grow_is_one_line_and_nothing_is_lost(self, store, tmp_path, quick):
        """As on a disk that fills up and is emptied again."""
        full = tmp_path / "full"
        full.touch()
        spec = run((0, 2, BLUR), probes=(Accuracy(), Limiting(str(full))))
        with pytest.raises(RunError, match=rf"^{store.root}/.* cannot be written: File too large; allow larger files"):
            run_all(plan([spec]), store, jobs=2, label="a figure", logs=tmp_path / "logs")
        assert not [path for path in store.root.rglob(".*") if path.is_file()], "no part of a file is left"
        full.unlink()
        run_all(plan([spec]), store, jobs=2, label="a figure", logs=tmp_path / "logs")
        assert_as_from_scratch(store, spec)

    def test_a_moved_working_directory_and_relative_folders(self, tmp_path, quick, monkeypatch):
        """`multiprocessing` starts its processes where this one was started."""
        monkeypatch.chdir(tmp_path)
        store = RunStore("store")
        run_all(plan([run()]), store, jobs=1, label="a figure", logs=Path("logs"))
        assert_as_from_scratch(RunStore(tmp_path / "store"), run())

    def test_a_store_that_cannot_be_one_starts_no_process(self, store, tmp_path, monkeypatch):
        store.root.write_text("")
        monkeypatch.setattr(member.multiprocessing, "get_context", lambda _: pytest.fail("a process was started"))
        with pytest.raises(WriteError, match=f"^{store.root} is a file, and a folder belongs there; move it away"):
            run_all(plan([run()]), store, jobs=1, label="a figure", logs=tmp_path / "logs")

    def test_a_disk_that_is_full_ends_workers_with_one_line(self, store, tmp_path, quick):
        spec = run(probes=(Accuracy(), Filling(str(store.root / "states"))))
        with pytest.raises(RunError, match=rf"^{store.root}/states/.* cannot be written: ") as raised:
            run_all(plan([spec]), store, jobs=1, label="a figure", logs=tmp_path / "logs")
        assert "run the same command again" in str(raised.value)
        assert "\n" not in str(raised.value)

    def test_a_log_that_cannot_be_written_leaves_the_reason(self, store, tmp_path, quick):
        """On a full disk, for instance."""
        spec, log = run(probes=(Raising(),)), tmp_path / "a folder"
        log.mkdir()
        bar, todo = SimpleNamespace(update=lambda *_: None), plan([spec])
        with pytest.raises(RunError, match=r"^a worker stopped: RuntimeError: this probe cannot measure$"):
            pool._train([Member(store.root, log)], todo, Tracker(todo, store), bar)

    def test_a_folder_of_logs_that_cannot_be_made_is_one_line(self, store, tmp_path, quick):
        (tmp_path / "logs").write_text("")
        with pytest.raises(WriteError, match=f"^{tmp_path}/logs cannot be written: "):
            run_all(plan([run()]), store, jobs=1, label="a figure", logs=tmp_path / "logs")
