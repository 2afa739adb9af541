from helpers import BASE

from critical.data import Digits, load
from critical.data.base import _loaded
from critical.data.kept import Kept

DRAWS = [Digits(subset=60, test_subset=20).load(draw) for draw in range(3)]
BYTES = sum(view.nbytes for split in (DRAWS[0].train, DRAWS[0].test) for view in split.views)


def counted(limit):
    asked = []
    return asked, Kept(lambda spec, draw: asked.append(draw) or DRAWS[draw], limit)


def test_what_fits_is_loaded_once():
    asked, kept = counted(3 * BYTES)
    assert [kept("digits", draw) for draw in (0, 1, 2, 0, 1, 2)] == [*DRAWS, *DRAWS]
    assert asked == [0, 1, 2]
    kept.cache_clear()
    kept("digits", 0)
    assert asked == [0, 1, 2, 0]


def test_what_was_used_longest_ago_goes_and_two_stay_in_any_case():
    asked, kept = counted(2 * BYTES)
    for draw in (0, 1, 0, 2, 0, 1):
        kept("digits", draw)
    assert asked == [0, 1, 2, 1], "1 was used longest ago when 2 came"
    asked, kept = counted(0)
    for draw in (0, 1, 0, 1, 2, 0):
        kept("digits", draw)
    assert asked == [0, 1, 2, 0]


def test_a_worker_that_goes_from_seed_to_seed_draws_each_once(monkeypatch):
    asked = []
    real = type(BASE.data)._load
    monkeypatch.setattr(type(BASE.data), "_load", lambda self, draw=0: asked.append(draw) or real(self, draw))
    _loaded.cache_clear()
    for seed in (0, 1, 2, 3) * 2:
        load(BASE.data, seed)
    assert asked == [0, 1, 2, 3]
    _loaded.cache_clear()
