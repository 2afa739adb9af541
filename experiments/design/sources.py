"""Who says what: the sources of claims, as figures and the report name them."""

from critical.inference.claims import OURS

ICLR2019 = "Achille et al. 2019"
CVPR2023 = "Kleinman et al. 2023"
PAWLAK2025 = "Pawlak 2025"
LADDER2026 = "haeliotang/critical-period-lm 2026"

__all__ = ["CVPR2023", "ICLR2019", "LADDER2026", "OURS", "PAWLAK2025"]
