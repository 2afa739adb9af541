from critical.data import Glyphs
from critical.deficits import KINDS
from experiments import deficit_grid


def test_every_deficit_is_shown():
    assert {settings["name"] for settings in deficit_grid.SHOWN.values()} == set(KINDS)


def test_samples_are_one_of_each_class():
    dataset = Glyphs(train_size=40, test_size=10, resolution=16).load()
    batch = deficit_grid.samples(dataset, 4)
    assert batch.labels.tolist() == [0, 1, 2, 3]
    assert dataset.train.labels[batch.index].tolist() == [0, 1, 2, 3]


def test_the_grid_is_drawn(tmp_path, capsys):
    deficit_grid.main(["--folder", str(tmp_path), "--rows", "1"])
    assert capsys.readouterr().out.split() == [str(tmp_path / f"deficits.{kind}") for kind in ("png", "pdf", "svg")]
    assert (tmp_path / "deficits.png").stat().st_size > 5_000
