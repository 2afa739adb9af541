"""Stand-ins for runs on Weights & Biases."""

from __future__ import annotations

from helpers import until


class FakeRun:
    """Stands for wandb's run: keeps what it is told in `calls`."""

    def __init__(self, settings, folder, known=0):
        self.settings, self.calls, self.summary = settings, [], {}
        self.id, self.project = settings["id"] or "of-the-sweep", settings["project"]
        self.path, self.dir = f"someone/{self.project}/{self.id}", str(folder / "files")
        self.starting_step = known + 1 if known else 0

    def define_metric(self, *arguments, **settings):
        self.calls.append(("metric", arguments, settings))

    def log(self, row, step=None, commit=None):
        self.calls.append(("log", row, step))

    def log_artifact(self, artifact):
        self.calls.append(("artifact", artifact))

    def finish(self, exit_code):
        self.calls.append(("end", exit_code))

    @property
    def rows(self):
        return [row for what, row, *_ in self.calls if what == "log" and "epoch" in row]

    @property
    def ended(self):
        return [call[1] for call in self.calls if call[0] == "end"]


class Begun(list):
    """The runs that were begun; `known` says how many epochs the service has of the next ones."""

    known = 0


def done(courier):
    """Waits for what a logger was asked for."""
    until(lambda: not courier._tasks.unfinished_tasks, "what is logged")
