from experiments.output.verdict_lines import verdict_lines


def verdict(name, word="reproduced", n=8, **changes):
    numbers = {"effect": 50.0, "low": 47.0, "high": 53.0, "unit": "points", "ratio": False, "reason": "", **changes}
    return {"short": name, "sentence": f"{name}.", "verdict": word, "n": n, **numbers}


def test_a_line_has_the_word_the_name_and_the_effect_with_its_interval():
    (line,) = verdict_lines([verdict("blur costs accuracy")])
    assert line.split("  ")[0] == "reproduced"
    assert "blur costs accuracy" in line
    assert line.endswith("+50 points [+47, +53]")


def test_too_few_seeds_are_one_line():
    found = verdict_lines([verdict(str(number), "undecided", n=2) for number in range(49)])
    assert found == ["undecided       49 claims; 2 seeds, and an effect needs 6"]


def test_a_figure_that_is_not_finished_is_one_line():
    reason = "The figure is not finished: (fresh) lacks seed 1."
    found = verdict_lines([verdict(name, "unfinished", n=1, reason=reason) for name in "ab"])
    assert found == [f"unfinished      2 claims; {reason}"]


def test_a_claim_whose_runs_failed_keeps_its_line():
    failed = verdict("a", "undecided", n=2, reason="A run failed, and no seed is left out for that: x.")
    assert len(verdict_lines([failed, verdict("b", "undecided", n=2)])) == 2


def test_what_many_seeds_leave_undecided_keeps_its_line():
    assert "undecided" in verdict_lines([verdict("a", "undecided", n=8)])[0]
    assert verdict_lines([]) == []
