"""Who says what: the sources of claims, as figures and the report name them."""

from critical.inference.claims import OURS

ICLR2019 = "Achille et al. 2019"
CVPR2023 = "Kleinman et al. 2023"
NEURIPS2019 = "Golatkar et al. 2019"
ICML2021 = "Jastrzębski et al. 2021"
PAWLAK2025 = "Pawlak 2025"
KUNSTNER2019 = "Kunstner et al. 2019"
SHWARTZ_ZIV2017 = "Shwartz-Ziv and Tishby 2017"
FORT2020 = "Fort et al. 2020"
CRITICALFL2023 = "Yan et al. 2023"
VOGELSANG2018 = "Vogelsang et al. 2018"
JANG2021 = "Jang and Tong 2021"
ACUITY2025 = "Visual Acuity Curriculum 2025"
LADDER2026 = "haeliotang/critical-period-lm 2026"

JUMP = "The late window begins with a jump of the rate; controls/age_or_rate has settled ones beside it."
"""What parts windows of equal rates besides age, where the rate starts again at a late onset."""

__all__ = ["ACUITY2025", "CRITICALFL2023", "CVPR2023", "FORT2020", "ICLR2019", "ICML2021", "JANG2021", "JUMP",
           "KUNSTNER2019", "LADDER2026", "NEURIPS2019", "OURS", "PAWLAK2025", "SHWARTZ_ZIV2017",
           "VOGELSANG2018"]  # fmt: skip
