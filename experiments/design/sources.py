"""Who says what: the sources of claims and methods, as figures and the report name them, and where they are."""

from critical.inference.claims import OURS as OURS  # for figures to import beside the others

ICLR2019 = "Achille et al. 2019"
CVPR2023 = "Kleinman et al. 2023"
NEURIPS2019 = "Golatkar et al. 2019"
ICML2021 = "Jastrzębski et al. 2021"
PAWLAK2025 = "Pawlak 2025"
SHWARTZ_ZIV2017 = "Shwartz-Ziv and Tishby 2017"
CRITICALFL2023 = "Yan et al. 2023"
VOGELSANG2018 = "Vogelsang et al. 2018"
JANG2021 = "Jang and Tong 2021"
ACUITY2025 = "Visual Acuity Curriculum 2025"
LADDER2026 = "haeliotang/critical-period-lm 2026"
NEVEROVA2015 = "Neverova et al. 2015"
ASH2020 = "Ash and Adams 2020"
KUMAR2023 = "Kumar et al. 2023"
ZHANG2018 = "Zhang et al. 2018"

LINKS = {
    ICLR2019: "https://arxiv.org/abs/1711.08856",
    CVPR2023: "https://arxiv.org/abs/2210.04643",
    NEURIPS2019: "https://arxiv.org/abs/1905.13277",
    ICML2021: "https://arxiv.org/abs/2012.14193",
    PAWLAK2025: "https://arxiv.org/abs/2510.09687",
    SHWARTZ_ZIV2017: "https://arxiv.org/abs/1703.00810",
    CRITICALFL2023: "https://doi.org/10.1145/3580305.3599293",
    VOGELSANG2018: "https://doi.org/10.1073/pnas.1800901115",
    JANG2021: "https://doi.org/10.1167/jov.21.12.6",
    ACUITY2025: "https://arxiv.org/abs/2512.14360",
    LADDER2026: "https://github.com/haeliotang/critical-period-lm",
    NEVEROVA2015: "https://arxiv.org/abs/1501.00102",
    ASH2020: "https://arxiv.org/abs/1910.08475",
    KUMAR2023: "https://arxiv.org/abs/2308.11958",
    ZHANG2018: "https://arxiv.org/abs/1710.09412",
}
"""Where to read them."""

JUMP = "The late window begins with a jump of the rate; controls/age_or_rate has settled ones beside it."
"""What parts windows of equal rates besides age, where the rate starts again at a late onset."""
JUMP_BESIDE_SETTLED = "The late window begins with a jump of the rate; the settled ones beside it do not."
"""The same in figures that have settled windows."""
LOWER_RATES = "The late windows of the paper have lower rates than the early ones."
"""What parts windows at one constant rate from the paper's."""
