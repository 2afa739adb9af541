import pytest
from matplotlib.image import imread
from pictures import covering, cut_off, overlaps, pale

from critical.data import Glyphs
from critical.deficits import KINDS
from critical.plots import style
from experiments import deficit_grid


def test_every_deficit_is_shown():
    groups = deficit_grid.SHOWN.values()
    assert {settings["name"] for group in groups for settings in group.values()} == set(KINDS)


def test_samples_are_one_of_each_class():
    dataset = Glyphs(train_size=40, test_size=10, resolution=16).load()
    batch = deficit_grid.samples(dataset, 4)
    assert batch.labels.tolist() == [0, 1, 2, 3]
    assert dataset.train.labels[batch.index].tolist() == [0, 1, 2, 3]


def test_the_grid_is_drawn_light_and_dark(tmp_path, capsys):
    deficit_grid.main(["--folder", str(tmp_path), "--rows", "1"])
    files = [f"{name}.{kind}" for name in ("deficits", "deficits-dark") for kind in ("png", "pdf", "svg")]
    assert capsys.readouterr().out.split() == [str(tmp_path / file) for file in files]
    assert (tmp_path / "deficits.png").stat().st_size > 5_000
    light, dark = (imread(tmp_path / f"deficits{kind}.png")[0, 0, :3].tolist() for kind in ("", "-dark"))
    assert light == [1, 1, 1]
    assert max(dark) < 0.1


@pytest.mark.parametrize("dark", [False, True])
def test_its_words_can_be_read(tmp_path, monkeypatch, dark):
    held = []
    monkeypatch.setattr(style, "save", lambda figure, *_: held.append(figure))
    deficit_grid.draw(Glyphs(train_size=100, test_size=10).load(), tmp_path, dark=dark)
    assert not overlaps(held[0])
    assert not cut_off(held[0])
    assert not covering(held[0])
    assert not pale(held[0], style.TEXT_CONTRAST)
