"""What is claimed of networks of two streams after a deficit of one view: of their accuracy and of the stream."""

from __future__ import annotations

from collections.abc import Mapping

from critical.inference.arms import Arm, Term
from critical.inference.claims import Claim
from experiments.design.contrasts import WindowArms, cost, opportunity
from experiments.design.premises import learns, views_are_learnt
from experiments.design.schedules import CONTINUE, RESTART, SCHEDULE_WORDS
from experiments.design.sources import CVPR2023, OURS
from experiments.design.two_streams import DEPRIVED, MAPS, stream_claims

BRIEF = {CONTINUE: "rate decaying", RESTART: "rate restarted"}


def stream_and_accuracy(
    late: Mapping[tuple[str, str], WindowArms], authors: Arm, end: int, floor: Term, classes: int
) -> list[Claim]:
    """Returns the claims.

    Args:
        late: The windows [0, end) by deficit (blur, dropout, dissociation) and schedule.
        authors: After a blur, the recovery as the authors have it.
        end: Epoch until which the view is deprived.
        floor: What a probe reads from an untrained stream.
        classes: Number of classes of the data.
    """
    blur, fair, apart = late["blur", CONTINUE], late["blur", RESTART], late["dissociation", CONTINUE]
    decaying, restarted = SCHEDULE_WORDS[CONTINUE], SCHEDULE_WORDS[RESTART]
    until = f"until epoch {end}"

    def about(name: str, how: str, source: str, id: str, said: str) -> list[Claim]:
        what = f"{_capital(name)} {until}"
        needs = _clean(name, how), "split.stream_trained"
        return stream_claims(f"split.{id}_", source, late[name, how], DEPRIVED, what, SCHEDULE_WORDS[how], said,
                             floor=floor, classes=classes, requires=needs, harmed=True)  # fmt: skip

    claims = [
        *(learns(_clean(name, how), late[name, how].dose_matched, classes, f"The {who}, {BRIEF[how]},",
                 f"{who} learns ({BRIEF[how]})")
          for how in BRIEF for name, who in (("blur", "clean run"), ("dissociation", "sham"))),
        # Figure 5, right: from 94 % to under 92 %.
        Claim("split.blur_loses", CVPR2023, blur.from_scratch - blur.deficit, "greater", paper_effect=2.0,
              sentence=f"A view that is blurred {until} leaves accuracy below that without a blur ({decaying}).",
              requires=(_clean("blur", CONTINUE),), short="blur, decaying: loses accuracy"),
        Claim("split.blur_cost", OURS, cost(blur), "greater",
              f"A view that is blurred {until} costs accuracy beside as many clean epochs ({decaying}).",
              requires=(_clean("blur", CONTINUE),), short="blur, decaying: costs accuracy"),
        views_are_learnt("split.views_learns", apart, classes, "", "dissociated views are learnt"),
        _costs_less("dissociation_costs_less", CVPR2023, late, CONTINUE, end, "split.blur_cost"),
        Claim("split.stream_trained", OURS, fair.dose_matched[MAPS] - floor, "greater",
              "A trained stream holds more than an untrained one, as far as a linear probe of its maps tells.",
              short="a trained stream holds more"),
        *about("blur", CONTINUE, CVPR2023, "blur_continue", "blur, decaying"),
        Claim("split.momentum", OURS, blur.deficit - authors, "none",
              "It makes no difference that the authors' recovery starts without the momentum.",
              short="dropped momentum does not matter"),
    ]  # fmt: skip
    for name in ("blur", "dropout", "dissociation"):
        said = f"{name}, restarted" if name == "blur" else name
        claims.append(Claim(f"split.{name}_cost_restart", OURS, cost(late[name, RESTART]), "greater",
                            f"{name.capitalize()} {until} costs accuracy beside as many clean epochs ({restarted}).",
                            requires=(_clean(name, RESTART),), short=f"{said}: costs accuracy"))  # fmt: skip
        claims += about(name, RESTART, OURS, f"{name}_restart", said)
    return [
        *claims,
        Claim("split.opportunity", OURS, opportunity(fair), "greater",
              f"Clean epochs in the place of the blur give accuracy, which its cost counts, too ({restarted}).",
              requires=("split.blur_cost_restart",), short="restarted: clean epochs give"),
        _costs_less("dissociation_costs_less_restart", OURS, late, RESTART, end, "split.blur_cost_restart"),
        # In both networks view a has the same epochs: what it learnt in them is no part of this.
        *(Claim(f"split.blur_beyond_absence_{how}", OURS, late["dropout", how].deficit - late["blur", how].deficit,
                "greater", f"To see view {DEPRIVED} blurred {until} is worse than not to see it "
                f"({SCHEDULE_WORDS[how]}).", requires=(cost_id,), short=f"{brief}: blur is worse than none")
          for how, cost_id, brief in ((CONTINUE, "split.blur_cost", "decaying"),
                                      (RESTART, "split.blur_cost_restart", "restarted"))),
    ]  # fmt: skip


def _costs_less(
    id: str, source: str, late: Mapping[tuple[str, str], WindowArms], how: str, end: int, costs: str
) -> Claim:
    brief = "" if how == CONTINUE else "restarted: "
    return Claim(f"split.{id}", source, cost(late["blur", how]) - cost(late["dissociation", how]), "greater",
                 f"Dissociated views until epoch {end} cost less than a blurred one ({SCHEDULE_WORDS[how]}).",
                 differs="Dissociation leaves the head of both views untrained; so does its sham.",
                 requires=(costs, _clean("dissociation", how), "split.views_learns"),
                 short=f"{brief}dissociation costs less" + " than blur" * (how == CONTINUE))  # fmt: skip


def _clean(name: str, how: str) -> str:
    """Returns the id of the premise that the reference of a deficit learns: a sham beside dissociated views."""
    return f"split.{'sham' if name == 'dissociation' else 'clean'}_{how}_learns"


def _capital(name: str) -> str:
    return "A blur" if name == "blur" else name.capitalize()
