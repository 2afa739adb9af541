"""Two descriptions of one's own in the figures of unlike modalities."""

import numpy as np
import pytest
import tiny
from test_own_data import CHEAPEST, check, made, saved

from critical.core.spec import SpecError
from critical.data.multi_feature import FEATURES
from experiments.design import profile
from experiments.design.registry import FIGURES


def test_arrays_of_unlike_views_in_a_figure_of_modalities(tmp_path):
    path = saved(tmp_path, view_a=(1, 8, 8), view_b=(1, 20))
    given = ("data@modalities.data=arrays", f"modalities.data.path={path}")
    record, runs = made(tmp_path, "modalities", *given)
    check(record, runs)
    assert record.leading == ["modality.view_a_early", "modality.view_a_early_impaired"]
    assert "mine (1×8×8 and 1×20), 70 examples" in record.caption
    config = tiny.composed("figures", "profile=smoke", "device=cpu", f"data_root={tmp_path}/root", *given)
    shared = profile.protocol(config, "modalities")
    figure = FIGURES["multimodal/modality_age"]
    design = figure.design(*profile.figure_settings(config, figure, shared))
    assert {arm.run.data.name for arm in design.trained} == {"arrays"}
    said = [*(claim.sentence for claim in design.claims), *(panel.title for panel in design.shown), design.note]
    assert not any("image" in text or "signal" in text or "the view a" in text for text in said)
    assert design.leading == ("ages.view_a_age_or_rate", "ages.view_b_age_or_rate")
    figure = FIGURES["multimodal/easy_wins"]
    with pytest.raises(SpecError, match=r"^data=arrays: there is no noise of an image and of a signal to vary; leave"):
        figure.design(*profile.figure_settings(config, figure, shared))


def test_the_multi_feature_digits_in_a_figure_of_modalities(tmp_path):
    """Files as UCI has them, of numbers of ours."""
    random, labels = np.random.default_rng(0), np.repeat(np.arange(10), 200)
    for view in ("pix", "fou"):
        values = random.normal(labels[:, None] % 5, 1.0, (2000, FEATURES[view]))
        np.savetxt(tmp_path / f"mfeat-{view}", values, fmt="%.3f")
    given = ("data@modalities.data=multi_feature", f"modalities.data.path={tmp_path}", "modalities.data.subset=80",
             "modalities.data.test_subset=40")  # fmt: skip
    record, runs = made(tmp_path, "modalities", *given)
    check(record, runs)
    assert record.data == "UCI digits as pix and fou, 80 digits"
    assert CHEAPEST["modalities"] == record.figure == "multimodal/modality_dropout"
