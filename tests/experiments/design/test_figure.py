import pandas as pd
import pytest
import tiny

from critical.core.spec import SpecError
from critical.inference.claims import OURS, Claim
from critical.plots.panel import role
from critical.plots.panels import Curves, Dots, Series
from experiments.design.figure import Design, check
from experiments.design.protocol import Protocol, cost, harm

PROTOCOL = tiny.protocol(recovery=4)
EARLY, LATE = PROTOCOL.window(0, 2), PROTOCOL.window(3, 2)


def series(arms, **more):
    return Series(lines=[(role("deficit", "deficit"), dict(enumerate(arms)))], **more)


def claim(contrast, id="a.claim", **more):
    return Claim(id, OURS, contrast, "greater", "It costs.", **more)


def test_what_is_trained_is_what_is_named_shown_or_claimed_each_once():
    design = Design(
        panels=[[series([EARLY.deficit]), None], [Dots(rows=[(role("fresh", "harm"), harm(EARLY))])]],
        claims=[claim(cost(EARLY))],
        arms=[LATE.deficit, EARLY.deficit],
    )
    assert design.trained == (LATE.deficit, EARLY.deficit, EARLY.fresh, EARLY.dose_matched)
    assert [panel.kind for panel in design.shown] == ["series", "dots"]


def test_epochs_are_kept_of_the_arms_that_are_drawn_as_curves_and_of_no_other():
    curves = Curves(lines=[(role("deficit", "by epoch"), EARLY.deficit)], column="test_accuracy")
    alone = Design(panels=[[curves, series([LATE.deficit])]])
    assert alone.curves == {EARLY.deficit}
    assert alone.trained == (EARLY.deficit, LATE.deficit)
    assert Design(panels=[[series([EARLY.deficit])]], claims=[claim(cost(EARLY))]).curves == frozenset()


def test_two_arms_of_one_label_are_refused():
    other = LATE.deficit.but(label=str(EARLY.deficit))
    with pytest.raises(SpecError, match=r"^figure a/b: two different arms are called 'blur \[0, 2\), rate restarted"):
        check(Design(panels=[[series([EARLY.deficit, other])]]), "a/b")
    check(Design(panels=[[series([EARLY.deficit, LATE.deficit])]]), "a/b")


def test_two_claims_of_one_short_name_are_refused():
    claims = [claim(cost(EARLY), "a.cost"), claim(harm(EARLY), "b.harm", short="cost")]
    with pytest.raises(SpecError, match=r"^figure a/b: the claims 'a.cost' and 'b.harm' are both called 'cost'; give"):
        check(Design(panels=[[]], claims=claims), "a/b")
    check(Design(panels=[[]], claims=[claims[0], claim(harm(EARLY), "b.harm")]), "a/b")


def test_the_headline_speaks_of_claims_of_the_figure():
    claims = [claim(cost(EARLY), "a.cost"), claim(harm(EARLY), "a.harm")]
    with pytest.raises(SpecError, match=r"^figure a/b: leading names 'a.harms', which is no claim of it; .*a\.harm"):
        check(Design(panels=[[]], claims=claims, leading=("a.harms",)), "a/b")
    check(Design(panels=[[]], claims=claims, leading=("a.harm",)), "a/b")


def test_one_arm_of_two_labels_is_the_first_of_them():
    again = EARLY.deficit.but(label="the same, called otherwise")
    design = Design(panels=[[series([EARLY.deficit, again])]])
    check(design, "a/b")
    assert [str(arm) for arm in design.trained] == [str(EARLY.deficit)]


def test_a_variant_is_told_apart_by_its_label():
    wide: Protocol = PROTOCOL.variant("wide", model={"width": 4})
    check(Design(panels=[[series([EARLY.deficit, wide.window(0, 2).deficit])]]), "a/b")


def test_a_design_may_compute_its_table():
    made = Design(panels=[[]], table=lambda: pd.DataFrame({"seed": [0]}))
    assert made.trained == ()
    assert made.table().to_dict("list") == {"seed": [0]}
