"""What has to hold so that a claim says anything, and which claims say that there is nothing: written by hand.

Without its premise a claim would be reproduced where there is nothing to lose, or by networks that never learnt. Other
tests have the premises of figures that are not listed.
"""

import pytest
from test_claims_by_hand import design

from experiments.design.registry import FIGURES

STREAMS_AND_REFERENCES = {
    "blur_continue": "clean_continue", "blur_restart": "clean_restart", "dropout_restart": "clean_restart",
    "dissociation_restart": "sham_restart",
}  # fmt: skip
PREMISES = {
    "iclr2019/deficit_removal": {"cost": "restart_helps"},
    "controls/age_or_rate": {"rate": "rate_not_dose"},
    "iclr2019/sensitivity_window": {"early_costs_low": "late_costs_nothing"},
    "iclr2019/fisher_trace": {
        "still_learns": "falls",
        "follows": "beyond_age",
    },
    "iclr2019/fisher_deficit": {"more": "equal_loss sure relative"},
    "iclr2019/fisher_layers": {
        "shift": "lasting",
        "shift_on_clean": "mends",
        "lasting": "not_young relative",
    },
    "iclr2019/gradients": {
        "jump": "weights",
        "jump_labels": "weights_labels",
        "jump_not_clean": "anew",
    },
    "controls/permanence": {
        "cost_left late_gap": "early_slower_than_late",
        "cost_left labels_gap": "early_like_control",
    },
    "iclr2019/high_level_deficits": {
        "blur": "flip permutation",
        "room": "flip_restart permutation_restart inversion_restart",
        "noise_damage": "noise_commitment",
    },
    "iclr2019/depth": {
        "shallow_learns deep_learns": "deeper",
        "wide_learns thin_learns": "deeper_equal",
        "shallow_restarted_learns deep_restarted_learns": "deeper_restart damage",
        "wide_restarted_learns thin_restarted_learns": "deeper_equal_restart damage_equal",
    },
    "iclr2019/architectures": {
        "all_cnn_learns": "all_cnn",
        "resnet_learns": "resnet",
        "fully_connected_learns": "fully_connected",
        "constant_learns": "constant",
        "adam_learns": "adam",
        "no_decay_learns": "no_decay",
        "heavy_decay_learns": "heavy_decay",
        "layer_learns": "layer",
        "group_learns": "group",
        "none_learns": "none",
        "all_cnn_restarted_learns": "all_cnn_restarted",
        "adam_restarted_learns": "adam_restarted",
        "heavy_decay_learns no_decay_learns": "decay_matters",
        "adam adam_learns layer_learns": "layer_decaying layer_share_decaying",
        "adam adam_learns group_learns": "group_decaying group_share_decaying",
        "adam_restarted adam_restarted_learns layer_restarted_learns": "layer_restarted layer_share_restarted",
        "adam_restarted adam_restarted_learns group_restarted_learns": "group_restarted group_share_restarted",
    },
    "controls/schedules": {
        "gap":
            "restart_closes hot_restart_closes cyclic_closes restart_helps hot_restart_helps cyclic_helps "
            "restart_share",
    },
    "controls/blur_map": {"blind": "lasting not_fewer sharpening_blur order_blur"},
    "controls/rate_and_sense": {
        "blur_rate": "blur_dose special",
        "label_permutation_rate": "label_permutation_dose",
        "blur_damage": "blur_left special_left",
        "noise_damage": "noise_left",
        "occlusion_damage": "occlusion_left",
        "label_permutation_damage": "label_permutation_left",
        "added": "permanent repaired",
    },
    "cvpr2023/split_removal": {
        "clean_continue_learns": "blur_loses blur_cost",
        "blur_cost sham_continue_learns views_learns": "dissociation_costs_less",
        "blur_cost_restart sham_restart_learns views_learns": "dissociation_costs_less_restart",
        "blur_cost": "blur_beyond_absence_continue",
        "clean_restart_learns": "blur_cost_restart dropout_cost_restart",
        "sham_restart_learns": "dissociation_cost_restart",
        "blur_cost_restart": "opportunity blur_beyond_absence_restart",
        **{f"{clean}_learns stream_trained": f"{id}_decoded {id}_impaired {id}_impaired_averaged"
           for id, clean in STREAMS_AND_REFERENCES.items() if id.startswith(("blur_c", "diss"))},
        "clean_restart_learns stream_trained":
            "blur_restart_decoded blur_restart_impaired blur_restart_impaired_averaged dropout_restart_decoded "
            "dropout_restart_impaired dropout_restart_impaired_averaged",
        **{f"{id}_decoded {clean}_learns stream_trained": f"{id}_ignored {id}_decoded_harm"
           for id, clean in STREAMS_AND_REFERENCES.items()},
        **{f"{id}_{what} {clean}_learns stream_trained": f"{id}_{what}_harm"
           for id, clean in STREAMS_AND_REFERENCES.items() for what in ("impaired", "impaired_averaged")},
    },
    "cvpr2023/rsv_blur": {
        "continue_learns": "one_sided_continue polarised_continue information_continue",
        "restart_learns": "one_sided_restart polarised_restart information_restart",
    },
    "cvpr2023/rsv_dissociation": {
        "views_learns": "removal_two_sided removal_dip no_preference",
        "views_learns sham_learns": "recovered_two_sided recovered_dip longer",
        "longer": "longer_than_sham",
        "no_weight_decay_learns no_weight_decay_views_learns": "no_weight_decay_two_sided no_weight_decay_dip",
        "no_augmentation_learns no_augmentation_views_learns": "no_augmentation_two_sided no_augmentation_dip",
        "removal_two_sided": "not_young mends",
        "views_learns restarted_learns": "restarted_two_sided restarted_dip restarted_longer",
        "restarted_longer": "restarted_longer_than_sham",
    },
    "cvpr2023/split_age": {
        "early_high_learns":
            "early_damage_high early_decoded_high early_impaired_high early_damage_settled early_decoded_settled "
            "early_impaired_settled",
        "early_low_learns": "early_damage_low early_decoded_low early_impaired_low",
        "early_high_learns late_high_learns": "cost_high cost_settled",
        "early_low_learns late_low_learns": "cost_low",
        "early_high_learns late_high_learns early_damage_high": "damage_high",
        "early_low_learns late_low_learns early_damage_low": "damage_low",
        "early_high_learns late_high_learns early_decoded_high": "decoded_high",
        "early_low_learns late_low_learns early_decoded_low": "decoded_low",
        "early_high_learns late_high_learns early_impaired_high": "impaired_high",
        "early_low_learns late_low_learns early_impaired_low": "impaired_low",
        "early_high_learns late_high_learns early_damage_settled": "damage_settled",
        "early_high_learns late_high_learns early_decoded_settled": "decoded_settled",
        "early_high_learns late_high_learns early_impaired_settled": "impaired_settled",
        "early_high_learns early_low_learns late_high_learns late_low_learns":
            "rate_cost decoded_rate impaired_rate rate_cost_settled decoded_rate_settled impaired_rate_settled",
        "rate_cost": "rate_not_dose",
        "late_high_learns": "late_damage",
        "late_damage": "no_shock",
    },
    "cvpr2023/split_depth": {
        "deep_learns": "deep_loses deep_costs",
        "thin_learns": "thin_loses thin_costs",
        "shallow_learns deep_learns": "gains_alike",
        "wide_learns thin_learns": "gains_alike_equal",
        "shallow_learns deep_learns deep_loses gains_alike": "deeper deeper_points",
        "wide_learns thin_learns thin_loses gains_alike_equal": "deeper_equal deeper_equal_points",
        "shallow_learns deep_learns deep_costs gains_alike": "deeper_dose",
        "wide_learns thin_learns thin_costs gains_alike_equal": "deeper_equal_dose",
    },
    "cvpr2023/split_fisher": {
        "clean_learns": "removal on_clean",
        "on_clean": "on_clean_relative mends on_clean_of_a on_clean_of_b",
        "clean_learns on_clean": "lasting",
        "lasting": "lasting_relative lasting_of_a lasting_of_b",
        "lasting_relative": "lasting_relative_of_a lasting_relative_of_b",
        "restarted": "restarted_of_a restarted_of_b",
        "restarted_learns on_clean": "restarted",
        "from_0_learns from_3_learns": "closes",
        "from_0_learns": "damages damages_decoded",
        "from_0_learns from_3_learns closes": "follows_cost",
        "from_0_learns from_3_learns damages": "follows_damage",
        "from_0_learns from_3_learns damages_decoded": "follows_decoded",
        "follows_cost": "beyond_clock_cost beyond_whole",
        "follows_damage": "beyond_clock_damage",
        "follows_decoded": "beyond_clock_decoded",
    },
    "cvpr2023/linear_sensor_drop": {"delayed": "other_task bystander not_lost"},
    "cvpr2023/rsv_simulation": {"polarised": "mean_hides"},
    "cvpr2023/cross_sensor_reconstruction": {
        "labels_learns": "labels_lose supervised_cost supervised_damage supervised_probe price",
        "redrawing_learns": "first_phase_helps redrawing_missed code_trained across_helps",
        "equal_learns": "equal_helps",
        "labels_lose": "supervised_early",
        "labels_lose first_phase_helps": "costs_less costs_little costs_less_everywhere",
        "labels_lose first_phase_helps supervised_early": "redrawing_ageless less_by_age",
        "supervised_damage": "supervised_damage_early",
        "supervised_damage first_phase_helps": "less_damage",
        "labels_lose first_phase_helps labels_learns": "share",
        "labels_lose redrawing_learns": "ends_above",
        "labels_lose first_phase_helps equal_learns equal_helps": "equal_costs_less equal_ends_above",
        "supervised_probe code_trained": "probe_costs_less probe_share",
        "labels_lose auxiliary_learns": "auxiliary_costs_less",
        "auxiliary_costs_less slow_learns": "auxiliary_beyond_slowing",
        "costs_less slow_learns": "beyond_slowing",
        "share slow_learns": "beyond_slowing_share",
        "apart_learns": "apart_unaware",
        "labels_lose first_phase_helps apart_unaware": "across_no_dearer",
        "motion_redrawing_learns": "motion_helps",
        "motion_labels_learns motion_at_chance": "motion_cost",
        "motion_cost": "motion_beyond_noise",
        "motion_cost motion_helps": "motion_costs_less motion_costs_little",
    },
    "multimodal/easy_wins": {
        "base_learns": "base_dose_matched_to_lose base_fresh_to_lose image_easier",
        "image_learns": "image_dose_matched_to_lose image_fresh_to_lose",
        "signal_learns": "signal_dose_matched_to_lose signal_fresh_to_lose signal_easier",
        "base_learns image_learns": "used_image",
        "base_learns signal_learns": "used_signal",
        "image_easier base_dose_matched_to_lose": "hard_loses hard_loses_stream",
        "signal_easier signal_dose_matched_to_lose": "reversed reversed_stream",
        "base_dose_matched_to_lose image_dose_matched_to_lose": "image_noise_own image_noise_stream_own",
        "base_dose_matched_to_lose image_dose_matched_to_lose image_noise_own": "image_noise",
        "base_dose_matched_to_lose image_dose_matched_to_lose image_noise_stream_own": "image_noise_stream",
        "base_dose_matched_to_lose signal_dose_matched_to_lose": "signal_noise_own signal_noise_stream_own",
        "base_dose_matched_to_lose signal_dose_matched_to_lose signal_noise_own": "signal_noise",
        "base_dose_matched_to_lose signal_dose_matched_to_lose signal_noise_stream_own": "signal_noise_stream",
        "image_easier base_fresh_to_lose": "hard_loses_damage hard_loses_stream_damage",
        "signal_easier signal_fresh_to_lose": "reversed_damage reversed_stream_damage",
        "base_fresh_to_lose image_fresh_to_lose": "image_noise_own_damage image_noise_stream_own_damage",
        "base_fresh_to_lose image_fresh_to_lose image_noise_own_damage": "image_noise_damage",
        "base_fresh_to_lose image_fresh_to_lose image_noise_stream_own_damage": "image_noise_stream_damage",
        "base_fresh_to_lose signal_fresh_to_lose": "signal_noise_own_damage signal_noise_stream_own_damage",
        "base_fresh_to_lose signal_fresh_to_lose signal_noise_own_damage": "signal_noise_damage",
        "base_fresh_to_lose signal_fresh_to_lose signal_noise_stream_own_damage": "signal_noise_stream_damage",
    },
    "multimodal/alternation": {
        "learns": "poor poor_impaired poor_impaired_averaged",
        "poor": "patching_sees alternation_sees wrong",
        "poor_impaired": "patching_mends alternation_mends",
        "poor_impaired_averaged": "patching_mends_averaged alternation_mends_averaged",
        "patching_sees": "patching_heals patching_back patching_back_alike patch_or_turns",
        "patching_mends": "patching_heals_stream patching_stream_back",
        "alternation_sees": "alternation_heals alternation_back alternation_back_alike order",
        "alternation_mends": "alternation_heals_stream alternation_stream_back",
        "patch_or_turns": "patch_or_turns_dose",
        "patching_good_view": "turns_spare",
        "turns_spare": "turns_spare_dose",
    },
    "stabilizers/prevention": {
        "cost": "fisher_penalty_cost modality_dropout_cost augmentation_cost slow_trunk_cost",
        "impaired": "fisher_penalty_mends modality_dropout_mends augmentation_mends slow_trunk_mends",
        "decoded": "fisher_penalty_sight modality_dropout_sight augmentation_sight slow_trunk_sight",
        "decoded fisher_penalty_sight": "fisher_penalty_beyond_slowing",
        "decoded modality_dropout_sight": "modality_dropout_beyond_slowing",
        "decoded augmentation_sight": "augmentation_beyond_slowing",
    },
    "icml2021/fisher_early": {
        "penalty_acts": "penalty_small",
        "penalty_acts_whole": "penalty_whole",
        "accuracy": "same_recovery beyond_loss beyond_rate",
        "accuracy_moment": "same_recovery_moment beyond_loss_moment beyond_rate_moment",
    },
}  # fmt: skip
"""Figure → premises of a claim → the claims that have these; other claims of the figure have none."""
ABSENCES = {
    "controls/age_or_rate": {"none": "no_shock interaction"},
    "iclr2019/sensitivity_window": {"not greater": "late_costs_nothing"},
    "iclr2019/fisher_layers": {"none": "flip"},
    "iclr2019/filters": {"none": "flip"},
    "controls/permanence": {
        "not greater": "control_left",
        "none": "early_like_control",
    },
    "iclr2019/high_level_deficits": {
        "not greater": "flip permutation flip_restart permutation_restart inversion_restart",
    },
    "iclr2019/architectures": {
        "not greater":
            "layer_decaying layer_share_decaying group_decaying group_share_decaying layer_restarted "
            "layer_share_restarted group_restarted group_share_restarted",
    },
    "controls/schedules": {
        "not greater": "restart_closes hot_restart_closes cyclic_closes",
        "none":
            "continue_reset restart_reset hot_restart_reset cyclic_reset constant_reset continue_reset_accuracy "
            "restart_reset_accuracy hot_restart_reset_accuracy cyclic_reset_accuracy constant_reset_accuracy",
    },
    "cvpr2023/split_removal": {"none": "momentum"},
    "cvpr2023/rsv_dissociation": {"none": "no_preference"},
    "cvpr2023/split_age": {"none": "no_shock"},
    "cvpr2023/split_depth": {"none": "gains_alike gains_alike_equal"},
    "cvpr2023/linear_sensor_drop": {
        "none": "shallow bystander not_lost",
        "not greater": "other_task exact_1 exact_2 exact_3",
    },
    "cvpr2023/rsv_simulation": {
        "none": "mean_hides",
        "not greater": "exact_1 exact_2 exact_3 exact_4",
    },
    "cvpr2023/cross_sensor_reconstruction": {
        "not greater":
            "costs_little redrawing_ageless price across_no_dearer motion_at_chance motion_costs_little",
        "none": "apart_unaware",
    },
    "multimodal/modality_age": {"not greater": "image_late signal_late", "none": "image_no_shock signal_no_shock"},
    "multimodal/alternation": {
        "not greater":
            "patching_back patching_back_alike patching_stream_back alternation_back alternation_back_alike "
            "alternation_stream_back wrong",
        "none": "order",
    },
    "stabilizers/prevention": {
        "not greater": "fisher_penalty_price modality_dropout_price augmentation_price slow_trunk_price",
    },
}  # fmt: skip
"""Figure → direction → the claims that say that there is nothing, or no more than nothing."""


def named(ids):
    return [one.partition(".")[2] for one in ids]


@pytest.mark.parametrize("name", PREMISES)
def test_a_claim_has_the_premises_that_its_sentence_needs(name):
    wanted = {claim: premises.split() for premises, claims in PREMISES[name].items() for claim in claims.split()}
    found = {claim.id.partition(".")[2]: named(claim.requires) for claim in design(name).claims}
    assert {claim: premises for claim, premises in found.items() if premises} == wanted


@pytest.mark.parametrize("name", FIGURES)
def test_an_absence_is_claimed_where_the_sentence_says_so(name):
    wanted = {claim: direction for direction, claims in ABSENCES.get(name, {}).items() for claim in claims.split()}
    found = {claim.id.partition(".")[2]: claim.direction for claim in design(name).claims}
    assert {claim: word for claim, word in found.items() if word in ("none", "not greater")} == wanted
