import numpy as np
import pandas as pd
import pytest

from critical.inference.statistics import mean_interval
from critical.plots import marks
from critical.plots import style as plotting


def table(failed=()):
    generator = np.random.default_rng(7)
    rows = []
    for arm, slope in (("fresh", 0.0), ("deficit", -0.4), ("dose_matched", 0.1)):
        for removal in (0, 10, 20):
            for seed in range(4):
                bad = (arm, removal, seed) in failed
                value = np.nan if bad else 90 + slope * removal + generator.normal(0, 1.5)
                reason = "non-finite loss at epoch 7" if bad else ""
                rows.append(
                    {"arm": arm, "removal": removal, "seed": seed, "accuracy": value, "failure": reason}
                )
    return pd.DataFrame(rows)


def draw(rows, **options):
    figure, axes = plotting.figure()
    axis = axes[0, 0]
    axis.set_xlabel("removal (epochs)")
    drawn = {
        arm: marks.seeds_and_interval(
            axis, part, "removal", "accuracy", colour=plotting.arm_colour(arm), label=arm, **options
        )
        for arm, part in rows.groupby("arm")
    }
    return figure, axis, drawn


def painted(figure, artist):
    """The box of an artist in the drawn figure, in pixels."""
    figure.draw_without_rendering()
    return artist.get_window_extent(figure.canvas.get_renderer())


def test_what_is_drawn_is_every_seed_and_the_mean_with_its_interval():
    rows = table()
    _, axis, drawn = draw(rows[rows["arm"] == "deficit"])
    at_ten = rows[(rows["arm"] == "deficit") & (rows["removal"] == 10)]["accuracy"]
    expected = mean_interval(at_ten)
    row = drawn["deficit"].set_index("removal").loc[10]
    assert (row["mean"], row["low"], row["high"]) == pytest.approx(
        (expected.mean, expected.low, expected.high)
    )
    assert row["n"] == 4
    dots = axis.collections[0].get_offsets()
    assert sorted(dots[:, 1]) == pytest.approx(sorted(rows[rows["arm"] == "deficit"]["accuracy"]))
    assert list(axis.lines[0].get_xdata()) == [0, 10, 20]


def test_dots_of_seeds_and_series_never_share_a_place_and_stay_near_it():
    _, axis, _ = draw(table())
    clouds = [
        np.asarray(cloud.get_offsets())[:, 0] for cloud in axis.collections if len(cloud.get_offsets()) == 12
    ]
    assert len(clouds) == 3
    at_ten = np.concatenate([places[abs(places - 10) < 5] for places in clouds])
    assert len(np.unique(at_ten.round(6))) == 12
    assert abs(at_ten - 10).max() < 2


def test_dots_of_a_series_with_fewer_positions_need_not_lie_further_away():
    ends = table()[lambda rows: rows["removal"] != 10]

    def reach(**options):
        _, axis, _ = draw(ends, **options)
        places = np.concatenate([held.get_offsets() for held in axis.collections if len(held.get_offsets()) == 8])[:, 0]
        return np.abs(places - 20 * (places > 10)).max()

    assert reach(gap=10.0) == pytest.approx(reach() / 2)


def test_offsets_on_a_logarithmic_axis_are_the_same_factor_everywhere():
    _figure, axes = plotting.figure()
    axes[0, 0].set_xscale("log")
    rows = pd.DataFrame({"budget": [10, 10, 20, 20, 40, 40], "seed": [0, 1] * 3, "gap": [1.0, 2] * 3})
    marks.seeds_and_interval(axes[0, 0], rows, "budget", "gap", colour="black", label="gap")
    factors = np.asarray(axes[0, 0].collections[0].get_offsets())[:, 0] / rows["budget"]
    assert factors[::2].to_numpy() == pytest.approx(factors.iloc[0])
    assert factors.iloc[0] < 1 < factors.iloc[1]


def test_one_seed_has_a_mean_and_no_interval():
    rows = table()
    _, axis, drawn = draw(rows[(rows["seed"] == 0) & (rows["arm"] == "fresh")])
    assert drawn["fresh"]["low"].isna().all()
    assert np.isfinite(axis.lines[0].get_ydata()).all()


@pytest.mark.parametrize("interval", ["band", "bars"])
def test_one_position_takes_bars(interval):
    rows = table()
    _, axis, _ = draw(rows[(rows["removal"] == 10) & (rows["arm"] == "fresh")], interval=interval)
    assert len(axis.containers) == 1


def test_failed_runs_are_left_out_and_named_below_the_axes():
    rows = table(failed=[("deficit", 20, 3), ("fresh", 0, 1)])
    figure, axis, drawn = draw(rows)
    assert drawn["deficit"].set_index("removal").loc[20, "n"] == 3
    marks.failed_runs(axis, ["deficit until 20, seed 3: non-finite loss at epoch 7", "fresh, seed 1: the same"])
    text = axis.texts[0]
    words = " ".join(text.get_text().split())
    assert words == "× deficit until 20, seed 3: non-finite loss at epoch 7 × fresh, seed 1: the same"
    assert painted(figure, text).y1 <= axis.bbox.y0
    assert painted(figure, text).y0 >= 0
    assert painted(figure, text).width <= figure.bbox.width


@pytest.mark.parametrize(
    ("count", "said"), [(3, "× run 2"), (4, "and 1 more failed run"), (9, "and 6 more failed runs")]
)
def test_many_failed_runs_are_counted(count, said):
    _, axes = plotting.figure()
    marks.failed_runs(axes[0, 0], [f"run {number}" for number in range(count)], at_most=3)
    lines = axes[0, 0].texts[0].get_text().splitlines()
    assert lines[:3] == ["× run 0", "× run 1", "× run 2"]
    assert lines[-1] == said
    assert len(lines) == min(count, 4)


def test_without_a_failed_run_nothing_is_said():
    _, axes = plotting.figure()
    marks.failed_runs(axes[0, 0], [])
    assert not axes[0, 0].texts


def test_failed_runs_are_left_out_after_a_csv(tmp_path):
    table(failed=[("deficit", 20, 3)]).to_csv(tmp_path / "t.csv", index=False)
    assert draw(pd.read_csv(tmp_path / "t.csv"))[2]["deficit"].set_index("removal").loc[20, "n"] == 3
    # Without any failure the column comes back as numbers, all NaN.
    table().to_csv(tmp_path / "t.csv", index=False)
    assert draw(pd.read_csv(tmp_path / "t.csv"))[2]["deficit"]["n"].tolist() == [4, 4, 4]


def test_a_value_that_vanished_without_a_reason_is_refused():
    rows = table(failed=[("deficit", 20, 3)]).assign(failure="")
    with pytest.raises(ValueError, match=r"'accuracy' is not finite for seeds \[3\]"):
        draw(rows)
    with pytest.raises(ValueError, match="no finished run"):
        draw(table().assign(failure="stopped"))
    with pytest.raises(ValueError, match="expected 'band' or 'bars'"):
        draw(table(), interval="box")


@pytest.mark.parametrize("form", ["bars", "band"])
def test_an_interval_of_two_seeds_does_not_widen_the_axes_and_one_of_three_does(form):
    rows = pd.DataFrame(
        [
            {"removal": removal, "seed": seed, "accuracy": 90.0 + seed + removal}
            for removal, seeds in ((0, 2), (10, 3))
            for seed in range(seeds)
        ]
    )
    _, axes = plotting.figure()
    drawn = marks.seeds_and_interval(axes[0, 0], rows, "removal", "accuracy", colour="#000000", interval=form)
    two, three = (drawn.set_index("removal").loc[removal] for removal in (0, 10))
    low, high = axes[0, 0].get_ylim()
    assert two["low"] < low < 90.0  # its seeds are in view, and it leaves the axes
    assert low < three["low"]
    assert three["high"] < high
