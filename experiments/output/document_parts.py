"""The generated parts of README.md and docs/, each made from what it speaks of: records, registries, settings, rules.

`PARTS` has them by the name that stands in the document; `experiments.output.documents` puts them there.
"""

from __future__ import annotations

import ast
import csv
import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from critical import data, deficits, stabilizers
from critical.inference.claims import BATCHES, FIRST_CALIBRATION_SEED
from critical.inference.effects import SMALLEST
from critical.inference.verdicts import CONFIRMED_ALPHA, PROVISIONAL_ALPHA
from critical.training import schedules
from experiments.design.config import CONF
from experiments.design.registry import FIGURES
from experiments.design.sources import LINKS
from experiments.output.committed import committed
from experiments.output.compared import tallies
from experiments.output.headline import AT_MOST, capital, finding, headline, leaders
from experiments.output.records import FigureRecord
from experiments.output.report_text import number, ranges
from experiments.output.results_page import anchor, row

ROOT = CONF.parent
DEFAULT = "quick"
"""The profile of `make figures`, whose price the README names."""
PAPERS = {"iclr2019": "1711.08856", "cvpr2023": "2210.04643", "neurips2019": "1905.13277", "icml2021": "2012.14193"}
"""The papers whose figures are reproduced: their folder, and their number on arXiv."""
README = (
    "iclr2019/deficit_removal", "iclr2019/sensitivity_window", "controls/age_or_rate", "controls/permanence",
    "cvpr2023/split_removal", "multimodal/modality_dropout", "stabilizers/prevention",
)  # fmt: skip
"""The figures that the README speaks of: one a question. docs/results.md has all."""
PURPOSES = {
    "smoke": "tests that everything runs; its results mean nothing",
    "quick": "the default: minutes, nothing to download",
    "laptop": "photographs on a CPU, overnight",
    "laptop_fashion": "as `laptop`, on Fashion-MNIST",
    "paper": "the papers' settings where they are known, on a GPU",
}


def cost(results: Path) -> str:
    """Returns what the commands of the README take, from the records of the reference runs."""
    held = {record.figure: record for record in committed(results).get(DEFAULT, [])}
    headlined = list(_settings().headline)
    if lacking := [name for name in headlined if name not in held]:
        return f"The reference runs of {', '.join(f'`{name}`' for name in lacking)} are not committed yet."
    machine = held[headlined[0]].made_by[0]["machine"]
    first, default, every = (sum(held[name].cpu_seconds or 0.0 for name in names)
                             for names in (headlined[:1], headlined, held))  # fmt: skip
    whole = "all figures" if len(held) == len(FIGURES) else f"the {len(held)} of {len(FIGURES)} that have a table"
    return (
        f"`make show` trains nothing. The runs of `make figures` took {minutes(default)} of processor time "
        f"({machine}), {minutes(first)} of it for the first picture; {whole} took {minutes(every)}. "
        "Two cores need half as long."
    )


def minutes(seconds: float) -> str:
    """Writes a price: "2 s", "24 min", "2.1 h"."""
    if seconds < 30:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def found(results: Path) -> str:
    """Returns how the papers fared, a line a profile, and what the figures of `README` found, the largest first."""
    held = dict(reversed(committed(results).items()))
    counted = [(name, one) for name, records in held.items() for one in tallies(records)]
    lines = [f"- {paper}, on {one.data} (`{name}`): {one.said}."
             for paper in _papers() for name, one in counted if one.source == paper]  # fmt: skip
    for figure in README:
        records = {name: record for name, all_of_it in held.items() for record in all_of_it
                   if record.figure == figure and record.verdicts}  # fmt: skip
        if records:
            lines.append(f"- [{figure.rpartition('/')[2]}](docs/results.md#{anchor(figure)}): {_leading(records)}")
    return "\n".join(lines) or "No reference tables are committed yet."


def _leading(records: Mapping[str, FigureRecord]) -> str:
    """Says what became of the leading claims of a figure, by the names of results; many claims are counted."""
    chosen = {name: leaders(record.verdicts, record.leading) for name, record in records.items()}
    if any(len(claims) > AT_MOST for claims in chosen.values()):
        return " ".join(f"`{name}`: {headline(record.verdicts, record.leading)}" for name, record in records.items())
    found: dict[str, list[str]] = {}
    for name, claims in chosen.items():
        for claim in claims:
            sure = ", confirmed" if claim["confirmed"] else ""
            found.setdefault(claim["short"], []).append(f"{finding(claim)}{sure} (`{name}`)")
    first, *others = (f"{short}: {'; '.join(words)}." for short, words in found.items())
    return " ".join([first, *map(capital, others)])


def _papers() -> list[str]:
    """Returns the papers as claims name them: "Achille et al. 2019"."""
    return [f"{_reference(arxiv)['authors'][0]['family-names']} et al. {_reference(arxiv)['year']}"
            for arxiv in PAPERS.values()]  # fmt: skip


def sources(_: Path) -> str:
    """Returns the table of the figures of each paper, and of ours."""
    rows: dict[str, list[str]] = {}
    for name in FIGURES:
        folder, short = name.split("/")
        arxiv = PAPERS.get(folder)
        rows.setdefault(_cited(arxiv) if arxiv else "ours", []).append(f"`{short if arxiv else name}`")
    return table(["source", "figures"], [[source, ", ".join(names)] for source, names in rows.items()])


def figures(_: Path) -> str:
    """Returns the table of figures and what they ask."""
    rows = []
    for name, figure in FIGURES.items():
        arxiv = PAPERS.get(name.partition("/")[0])
        rows.append([f"`{name}`", _cited(arxiv) if arxiv else "ours", figure.question])
    return table(["figure", "source", "question"], rows)


def _cited(arxiv: str) -> str:
    one = _reference(arxiv)
    return f"[{one['authors'][0]['family-names']} et al. {one['year']}](https://arxiv.org/abs/{arxiv})"


def citation(_: Path) -> str:
    """Returns BibTeX of the suite and of the papers whose figures it has, from CITATION.cff."""
    suite = _citation()
    # Braces keep what is no person from being split into names.
    entries = [("software", "critical", [
        ("title", f"{{{suite['title']}}}"), ("author", f"{{{suite['authors'][0]['name']}}}"),
        ("version", str(suite["version"])),
    ])]  # fmt: skip
    for arxiv in PAPERS.values():
        one = _reference(arxiv)
        authors = [f"{author['family-names']}, {author['given-names']}" for author in one["authors"]]
        name = unicodedata.normalize("NFKD", one["authors"][0]["family-names"]).encode("ascii", "ignore").decode()
        key = f"{name.lower()}{one['year']}"  # classic BibTeX reads no other letters
        entries.append(("inproceedings", key, [
            ("title", one["title"]), ("author", " and ".join(authors)), ("booktitle", one["collection-title"]),
            ("year", str(one["year"])), ("note", f"arXiv:{arxiv}"),
        ]))  # fmt: skip
    said = ["@{}{{{},\n{}\n}}".format(kind, key, ",\n".join(f"  {name}={{{value}}}" for name, value in fields))
            for kind, key, fields in entries]  # fmt: skip
    return "\n".join(["```bibtex", *said, "```"])


def works(_: Path) -> str:
    """Returns the list of what claims and methods come from, with links."""
    return "\n".join(f"- [{name}]({link})" for name, link in LINKS.items())


def _citation() -> dict[str, Any]:
    held = OmegaConf.to_container(OmegaConf.load(ROOT / "CITATION.cff"))
    assert isinstance(held, dict)
    return {str(key): value for key, value in held.items()}


def _reference(arxiv: str) -> dict[str, Any]:
    """Returns the entry of CITATION.cff with a number on arXiv."""
    held = [one for one in _citation()["references"] if one["identifiers"][0]["value"] == f"arXiv:{arxiv}"]
    found: dict[str, Any] = held[0]
    return found


def table_of_profiles(_: Path) -> str:
    """Returns the profiles with their data and networks of one view."""
    rows = []
    for name, purpose in PURPOSES.items():
        held = _settings(f"profile={name}")
        images = f", {held.data.subset:,} images" if held.data.get("subset") else ""
        side = f" at {held.data.resolution}×{held.data.resolution}" if held.data.get("resolution") else ""
        network = f"{held.model.name}, width {held.model.width}"
        epochs = [str(held.protocol[key]) for key in ("longest_window", "recovery")]
        rows.append([f"`{name}`", purpose, f"{held.data.name}{images}{side}", network, *epochs])
    return table(["profile", "for", "data", "network", "longest deficit (epochs)", "recovery (epochs)"], rows)


def kinds(registry: Mapping[str, Any]) -> Callable[[Path], str]:
    """Returns what lists the kinds of a registry, each with the first sentence of its docstring."""

    def part(_: Path) -> str:
        said = {name: (kind.__doc__ or "").partition("\n\n")[0].replace("\n", " ") for name, kind in registry.items()}
        return table(["name", "what it is"], [[f"`{name}`", text.replace("    ", "")] for name, text in said.items()])

    return part


def smallest(_: Path) -> str:
    """Returns the smallest effects of interest."""
    rows = []
    for one in SMALLEST.values():
        size = f"a factor of {number(math.exp(one.effect))}" if one.ratio else f"{number(one.effect)} {one.unit}"
        rows.append([one.measures, size.rstrip()])
    return table(["measured", "smallest effect"], rows)


def seeds(_: Path) -> str:
    """Returns the seeds of claims, and the levels of a test."""
    first, second = (ranges(batch) for batch in BATCHES)
    both = sum(len(batch) for batch in BATCHES)
    return (
        f"Seeds {first} are the first batch, {second} the second. One batch gives a *provisional* verdict "
        f"(α = {PROVISIONAL_ALPHA}). Both make it *confirmed* where all {both} seeds give it at α = {CONFIRMED_ALPHA} "
        f"and neither batch by itself gives another. Seeds from {FIRST_CALIBRATION_SEED} on chose settings and are "
        "refused in claims. Intervals are 95 %."
    )


def figures_differ(_: Path) -> str:
    """Returns where each figure differs from the papers, as its module says."""
    listed = [(name, " ".join(figure.deviations)) for name, figure in FIGURES.items()]
    return "\n".join(f"- `{name}`: {said}" for name, said in listed if said)


def prices(results: Path) -> str:
    """Returns what the reference runs took, figure by figure."""
    parts = []
    for name, records in committed(results).items():
        machines = dict.fromkeys(who["machine"] for record in records for who in record.made_by)
        rows = [_price(record) for record in records]
        head = ["figure", "runs", "epochs trained", "epochs without sharing", "processor time", "an epoch"]
        parts.append(f"`{name}` on {'; '.join(machines)}:\n\n{table(head, rows)}")
    return "\n\n".join(parts)


def _price(record: FigureRecord) -> list[str]:
    said = [f"`{record.figure}`", str(record.runs), f"{record.epochs_needed:,}", f"{record.epochs_separate:,}"]
    if record.cpu_seconds is None:
        return [*said, "unknown", "unknown"]
    if not record.epochs_needed:
        return [*said, minutes(record.cpu_seconds), "nothing is trained"]
    return [*said, minutes(record.cpu_seconds), f"{record.cpu_seconds / record.epochs_needed:.2f} s"]


def measured(name: str, what: str) -> Callable[[Path], str]:
    """Returns what shows docs/tables/<name>.csv, the table that a benchmark wrote; `what` heads its first column."""

    def part(_: Path) -> str:
        with (ROOT / "docs" / "tables" / f"{name}.csv").open(encoding="utf-8") as file:
            held = list(csv.DictReader(file))
        rows = [[row["what"], f"{float(row['ratio']):.2f} ({float(row['low']):.2f} to {float(row['high']):.2f})",
                 f"{float(row['ms_a_step']):.1f}"] for row in held]  # fmt: skip
        where = "{setting}; {machine}, torch {torch}, load average {load}".format(**held[0])
        return f"{where}:\n\n{table([what, 'ratio (quartiles)', 'ms a step'], rows)}"

    return part


def scripts(_: Path) -> str:
    """Returns the benchmarks, each with the first sentence of its docstring."""
    rows = []
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()[0]
        if ": python benchmarks/" in first or path.name == "fisher_cost.py":
            rows.append([f"`benchmarks/{path.name}`", first.partition(": python benchmarks/")[0].rstrip(".")])
    return table(["script", "what it measures"], rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Writes a table of Markdown."""
    return "\n".join(map(row, [head, ["---"] * len(head), *rows]))


def _settings(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("figures", overrides=list(overrides))


PARTS: dict[str, Callable[[Path], str]] = {
    "cost": cost,
    "found": found,
    "sources": sources,
    "figures": figures,
    "citation": citation,
    "works": works,
    "profiles": table_of_profiles,
    "data": kinds(data.KINDS),
    "deficits": kinds(deficits.KINDS),
    "stabilisers": kinds(stabilizers.KINDS),
    "schedules": kinds(schedules.KINDS),
    "smallest effects": smallest,
    "seeds": seeds,
    "differences of figures": figures_differ,
    "prices": prices,
    "portable bits": measured("portable_bits", "step"),
    "price of stabilisers": measured("stabilizer_overhead", "stabiliser"),
    "benchmarks": scripts,
}
