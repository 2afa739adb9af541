import itertools

import torch

from critical.core.randomness import derived_seed, generator


def draw(*parts):
    return torch.rand(8, generator=generator(*parts))


def test_depends_on_its_parts_alone():
    expected = draw(0, "batch order", 3)
    torch.manual_seed(5)
    torch.rand(10)
    assert torch.equal(draw(0, "batch order", 3), expected)


def test_every_part_counts():
    keys = list(itertools.product((0, 1, 11), ("batch order", "augmentation"), (0, 1, 11)))
    assert len({derived_seed(*key) for key in keys}) == len(keys)
    assert len({tuple(draw(*key).tolist()) for key in keys}) == len(keys)


def test_parts_do_not_run_into_each_other():
    assert derived_seed(1, 11) != derived_seed(11, 1) != derived_seed(111)
    assert derived_seed("ab", "c") != derived_seed("a", "bc")


def test_seeds_fit_torch_and_spread():
    seeds = [derived_seed(number) for number in range(2000)]
    assert all(0 <= seed < 2**63 for seed in seeds)
    share = sum(seed >= 2**62 for seed in seeds) / len(seeds)
    assert 0.45 < share < 0.55


def test_known_seed_and_draws():
    # Stored results hang on these: a change makes every one of them irreproducible.
    assert derived_seed(0, "weights") == 7831180306208225803
    assert torch.randperm(6, generator=generator(0, "batch order", 0)).tolist() == [4, 0, 3, 1, 5, 2]


def test_lives_on_the_cpu_and_leaves_the_global_state_alone():
    before = torch.get_rng_state()
    assert generator(1, "x").device.type == "cpu"
    draw(1, "x")
    assert torch.equal(torch.get_rng_state(), before)
