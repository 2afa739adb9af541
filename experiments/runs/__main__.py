"""Runs on disk: list, show, compare, plot, export, verify and prune them.

    python -m experiments.runs list --deficit blur --seed 0
    python -m experiments.runs show 3c01ac
    python -m experiments.runs prune --yes

A run is named by any beginning of its id that no other has. Status 2: something that cannot be. Status 1: damage was
found, or something stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from critical.core.files import remedy
from critical.core.spec import SpecError
from critical.core.terminal import end_output, open_streams, output_is_gone
from critical.execution.catalogue import STATES
from critical.results import Results
from experiments.runs import filters, texts

FILTERS = {
    "figure": "in the tables of this figure, e.g. iclr2019/deficit_removal or quick/iclr2019/deficit_removal",
    "data": "trained on these data",
    "deficit": "with this deficit; none: without any",
    "seed": "with this seed",
    "state": f"in this state: {', '.join(STATES)}",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Ends the command with one line."""
        raise SpecError(f"{message}; {self.prog} --help says what there is")


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line; `job` of what it parses is the function that does the work."""
    made = _Parser(prog="python -m experiments.runs", description="The runs on disk.", allow_abbrev=False)
    named = made.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, job: Callable[[Results, Any], int | None], help: str, filtered: bool = False) -> Any:
        one = named.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".", allow_abbrev=False)
        one.add_argument("--results", default="results", metavar="FOLDER", help="where results lie (default: results)")
        one.set_defaults(job=job)
        for option, words in FILTERS.items() if filtered else ():
            one.add_argument(f"--{option}", metavar=option.upper(), help=f"only runs {words}; several: a,b")
        return one

    listed = command("list", texts.listed, "a table of the runs", filtered=True)
    shown = command("show", texts.shown, "the settings of a run and its curves, windows of deficits marked")
    compared = command("compare", texts.compared, "what differs between two runs")
    plotted = command("plot", _plotted, "draw accuracy, loss and trace of runs by epoch, windows of deficits shaded")
    exported = command("export", texts.exported, "all that is known of runs as one CSV", filtered=True)
    command("verify", _verified, "compare every file of the store with its checksum")
    pruned = command("prune", _pruned, "what no figure and no table needs any more, and its size")

    for one in (listed, shown, compared):
        one.add_argument("--csv", action="store_true", help="as CSV, for other programs")
    shown.add_argument("run", metavar="RUN")
    compared.add_argument("run", metavar="A")
    compared.add_argument("other", metavar="B")
    plotted.add_argument("runs", metavar="RUN", nargs="+")
    plotted.add_argument("--to", metavar="FILE", help="PNG, PDF or SVG (default: curves.png and others with the run)")
    exported.add_argument("--epochs", action="store_true", help="a row an epoch instead of a row a run")
    exported.add_argument("--to", metavar="FILE", help="where to (default: standard output)")
    pruned.add_argument("--yes", action="store_true", help="remove it")
    pruned.add_argument("--keep", metavar="RUN", action="append", default=[], help="spare this run; can be repeated")
    pruned.add_argument("--unfinished", action="store_true", help="unfinished runs too, which are spared otherwise")
    return made


# What takes torch or matplotlib is imported when it is asked for: the other commands start at once.
def _plotted(results: Results, asked: Any) -> None:
    from experiments.runs.pictures import plot

    for path in plot(results, [results.find(run) for run in asked.runs], Path(asked.to) if asked.to else None):
        print(path)


def _verified(results: Results, asked: Any) -> int:
    from critical.execution.verification import verify

    found = verify(results.root)
    for line in found.damaged:
        print(line)
    print(texts.verified(found))
    return int(bool(found.damaged))


def _pruned(results: Results, asked: Any) -> int:
    from experiments.runs.prune import prune

    return prune(results, keep=[results.find(run) for run in asked.keep], unfinished=asked.unfinished, yes=asked.yes)


def run(arguments: Sequence[str]) -> int:
    """Does what a command line says; returns the exit status.

    Raises:
        SpecError: Something that cannot be, in one line.
    """
    asked = parser().parse_args(arguments)
    results = Results(asked.results)
    if "figure" in asked:
        asked.table = filters.chosen(results, {name: getattr(asked, name) for name in FILTERS})
    return asked.job(results, asked) or 0


def main() -> int:
    """Runs the command of this process; errors are one line, and a reader that goes away ends it quietly."""
    open_streams()
    try:
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except SpecError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if output_is_gone(error):
            return end_output(error) * (not isinstance(error, BrokenPipeError))
        said = f"{error.filename or 'the system'}: {remedy(error)}" if error.errno else str(error)
        print(f"error: {said}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
