"""What a stream has lost, and whether it is impaired or ignored, against coefficients written by hand."""

import numpy as np
import pytest
from test_claims_by_hand import RECOVERY, decaying, design, ladder, seen, window
from test_splits_by_hand import MAPS, PARTED, TOGETHER, term, terms
from test_weights_by_hand import claim

UNTRAINED = term(window("", 0, 0, "restart"), "probe_untrained_maps_b")
STREAMS = {"blur": "blur b", "dropout": "view_dropout b", "dissociation": PARTED}


def lost(what, column, end=6, how="restart"):
    """Clean and deprived, of which a share is taken."""
    clean = TOGETHER if what == PARTED else ""
    return [term(window(acting, 0, end, how), column) for acting in (clean, what)]


def test_a_stream_is_ignored_where_more_is_lost_to_the_network_than_to_a_probe_beyond_what_is_missed():
    cases = [("continue", "blur_continue", "blur b"),
             *(("restart", f"{name}_restart", what) for name, what in STREAMS.items())]  # fmt: skip
    for how, name, what in cases:
        held = claim("cvpr2023/split_removal", f"split.{name}_ignored")
        assert held.unit == "share"
        without = [term(seen("", decaying(6, RECOVERY) if how == "continue" else ladder(RECOVERY)), column)
                   for column in ("decoding_b", MAPS)]  # fmt: skip
        clean = [lost(what, column, how=how)[0] for column in ("decoding_b", MAPS)]
        assert [terms(part) for part in held.contrast.parts] == [
            *lost(what, "decoding_b", how=how), *lost(what, MAPS, how=how), UNTRAINED,
            clean[0], without[0], clean[1], without[1], UNTRAINED]  # fmt: skip
        # Of 60 points above chance (10 %) 30 are lost; of 40 above an untrained stream 10, and then all.
        nothing = [70.0, 70.0, 80.0, 80.0, 40.0]
        assert held.contrast.estimate(np.array([70.0, 40.0, 80.0, 70.0, 40.0, *nothing])) == pytest.approx(0.5 - 0.25)
        assert held.contrast.estimate(np.array([70.0, 10.0, 80.0, 40.0, 40.0, *nothing])) == pytest.approx(0.0)
        # Those who only lack the epochs lose 0.4 and 0.3.
        missed = [70.0, 46.0, 80.0, 68.0, 40.0]
        assert held.contrast.estimate(np.array([70.0, 40.0, 80.0, 70.0, 40.0, *missed])) == pytest.approx(0.25 - 0.1)
        assert np.isnan(held.contrast.estimate(np.array([70.0, 40.0, 40.0, 30.0, 40.0, *nothing])))
        assert np.isnan(held.contrast.estimate(np.array([10.0, 9.0, 80.0, 70.0, 40.0, *nothing])))


def test_what_a_stream_lost_is_parted_into_impaired_and_ignored_by_removal():
    """Beside each other under each schedule; together they are the share of what the network decodes that is lost."""
    _, *rows = design("cvpr2023/split_removal").panels
    for how, (impaired, ignored) in zip(("continue", "restart"), rows, strict=True):
        *deprived, (_, left_out) = zip(impaired.lines, ignored.lines, strict=True)
        assert list(left_out[1]) == ([6] if how == "continue" else [2, 3, 4, 6])
        roles = [part.terms[0].arm.tags["role"] for part in left_out[1][6].parts]
        assert roles == ["dose_matched", "fresh", "dose_matched", "fresh", "fresh"]
        for ((look, probe), (other, rest)), what in zip(deprived, STREAMS.values(), strict=True):
            assert look == other
            assert list(probe) == list(rest) == [2, 3, 4, 6]
            for end in probe:
                of_probe = [*lost(what, MAPS, end, how), UNTRAINED]
                assert [terms(part) for part in probe[end].parts] == of_probe
                assert [terms(part) for part in rest[end].parts] == [*lost(what, "decoding_b", end, how), *of_probe]
                read = np.array([70.0, 40.0, 80.0, 70.0, 40.0])
                assert probe[end].estimate(read[2:]) + rest[end].estimate(read) == pytest.approx(30 / 60)
