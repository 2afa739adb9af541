"""Writes a report of a figure on wandb: `python -m experiments.wandb_report figure=iclr2019/deficit_removal`.

The picture, what lies behind it by epoch (accuracy, trace, rate, the seeds of an arm as one line), and the verdicts.
Runs and picture are those that `logger=wandb` has sent; the verdicts are those of the record here, your own or else the
committed one. It needs an account, and the package of `pip install -e '.[wandb-report]'`.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from critical.core.spec import SpecError
from experiments.design.command import in_one_line
from experiments.design.command_line import HELP, few
from experiments.design.help import page
from experiments.design.registry import FIGURES, found
from experiments.output import report_text
from experiments.output.records import OWN, REFERENCE, FigureRecord, read_record
from experiments.tracking.names import group_of
from experiments.tracking.settings import ONLINE, Wandb

SETTINGS = {
    "figure": "a figure that was made, e.g. iclr2019/deficit_removal",
    "profile": "the name of its results (quick)",
    "results": "folder of tables, figures and run store (results)",
    "project": "where its runs are (critical-periods)",
    "entity": "user or team; the default of the account when left out",
}
EXAMPLES = (
    "python -m experiments.wandb_report figure=iclr2019/deficit_removal",
    "python -m experiments.wandb_report figure=controls/age_or_rate profile=laptop entity=my-team",
)
PANELS = (
    ("test_accuracy", "test accuracy (%)", False),
    ("fisher_trace", "trace of the Fisher information", True),
    ("rate", "learning rate", True),
)
"""What lies behind a figure: the series, its words, whether its axis is logarithmic."""


def asked(arguments: Sequence[str]) -> tuple[FigureRecord, dict[str, str]]:
    """Reads the command line; returns the record of the figure, and the settings.

    Raises:
        SpecError: Something unknown, or a figure that was not made; in one line.
    """
    given = {"profile": "quick", "results": "results", "project": Wandb.project}
    given |= few(arguments, SETTINGS, "figure=iclr2019/deficit_removal")
    results, profile, figure = Path(given["results"]), given["profile"], found(given.get("figure", "")).name
    for where in (OWN, REFERENCE):
        if record := read_record(results, profile, figure, where):
            return record, given
    raise SpecError(f"figure={figure}: {results} has none of profile={profile}; make it first: python -m experiments "
                    f"figure={figure} profile={profile} logger=wandb logger.mode=online")  # fmt: skip


def refuse_without(results: Path, project: str) -> None:
    """Refuses to go on without the package or an account.

    Raises:
        SpecError: Which of them is missing, in one line.
    """
    if importlib.util.find_spec("wandb_workspaces") is None:
        raise SpecError(f"wandb-workspaces is not installed: {sys.executable} -m pip install -e '.[wandb-report]'")
    if reason := Wandb(project=project, mode=ONLINE).why_not(results):
        raise SpecError(f"no report can be written: {reason}")


def verdict_table(verdicts: Sequence[Mapping[str, Any]]) -> str:
    """Returns verdicts as a table of Markdown: the word, the claim, its effect with the interval, its source."""
    lines = ["| verdict | claim | effect | source |", "| --- | --- | --- | --- |"]
    for verdict in verdicts:
        word = ", ".join(filter(None, (verdict["verdict"], report_text.sureness(verdict))))
        cells = (word, verdict["short"], report_text.found(verdict), verdict["source"])
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def report_of(record: FigureRecord, profile: str, project: str, entity: str) -> Any:
    """Builds the report of a figure, without asking the service anything.

    Args:
        record: The figure.
        profile: The name of its results.
        project: Where its runs are.
        entity: User or team.

    Returns:
        The `Report` of wandb-workspaces.
    """
    import wandb_workspaces.reports.v2 as reports
    from wandb_workspaces import expr

    group = group_of({"figure": record.figure, "profile": profile})

    def runs(name: str, *filters: Any, **more: Any) -> Any:
        return reports.Runset(entity=entity, project=project, name=name,
                              filters=expr.And(expr.Metric("Group") == group, *filters), **more)  # fmt: skip

    lines: list[Any] = [
        reports.LinePlot(
            title=words, title_x="epochs trained", title_y=words, x="epoch", y=[series], log_y=logarithmic,
            groupby=reports.Config("arm"), groupby_aggfunc="mean", groupby_rangefunc="stderr",
            layout=reports.Layout(x=8 * number, y=0, w=8, h=8),
        )
        for number, (series, words, logarithmic) in enumerate(PANELS)
    ]  # fmt: skip
    picture = reports.MediaBrowser(title=record.title, media_keys=["figure"], num_columns=1,
                                   layout=reports.Layout(x=0, y=0, w=24, h=18))  # fmt: skip
    blocks: list[Any] = [
        reports.P(FIGURES[record.figure].question),
        reports.PanelGrid(runsets=[runs("figure", expr.Metric("JobType") == "figure")], panels=[picture]),
        reports.P(record.caption),
        reports.H2("Verdicts"),
        reports.MarkdownBlock(verdict_table(record.verdicts)),
        reports.H2("By epoch"),
        reports.P("Each line is an arm: the mean of its seeds, and their standard error."),
        reports.PanelGrid(runsets=[runs("arms", expr.Metric("JobType") != "figure", groupby=["config.arm"])],
                          panels=lines),
        reports.H2("How it was made"),
        reports.MarkdownBlock(f"```sh\n{record.command}\n```"),
        *(reports.P(text) for text in record.deviations),
    ]  # fmt: skip
    return reports.Report(entity=entity, project=project, title=f"{record.title} ({profile})"[:128],
                          description=FIGURES[record.figure].question, blocks=blocks, width="fixed")  # fmt: skip


def write(arguments: Sequence[str]) -> str:
    """Writes the report that a command line asks for; returns where it is.

    Raises:
        SpecError: Something unknown, no account, no package, or a service that does not answer; in one line.
    """
    record, given = asked(arguments)
    refuse_without(Path(given["results"]), given["project"])
    import wandb

    try:
        entity = given.get("entity") or wandb.Api().default_entity
        made = report_of(record, given["profile"], given["project"], str(entity))
        made.save()
    # Whatever the service does: its packages raise errors of their own, and those of their packages.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SpecError(f"the report was not written ({reason}); the pages here are: make report") from error
    return str(made.url)


@in_one_line
def main() -> None:
    """Entry point."""
    if any(word in HELP for word in sys.argv[1:]):
        print(page(__doc__ or "", EXAMPLES, {"Settings": [f"{key}=…   {said}" for key, said in SETTINGS.items()]}))
        return
    print(f"report: {write(sys.argv[1:])}")


if __name__ == "__main__":
    main()
