"""Sources: each has a link, and figures name no other."""

from pathlib import Path

from critical.inference.claims import OURS
from experiments.design.sources import LINKS
from experiments.figures.stabilizers.methods import METHODS
from experiments.output.committed import committed

RESULTS = Path(__file__).resolve().parents[3] / "results"


def test_committed_claims_come_from_sources_with_a_link():
    records = [record for held in committed(RESULTS).values() for record in held]
    assert {verdict["source"] for record in records for verdict in record.verdicts} - {OURS} <= set(LINKS)


def test_so_do_methods_and_a_claim_is_its_proposers_or_ours():
    assert {method.proposed for method in METHODS.values()} - {""} <= set(LINKS)
    assert all(method.claims in (method.proposed, OURS) for method in METHODS.values())
    assert METHODS["cross_sensor_reconstruction"].claims == METHODS["cross_sensor_reconstruction"].proposed


def test_links_are_of_the_kinds_that_last():
    hosts = ("https://arxiv.org/abs/", "https://doi.org/10.", "https://github.com/")
    assert all(link.startswith(hosts) for link in LINKS.values())
    assert len(set(LINKS.values())) == len(LINKS)
