"""Figures of Kleinman, Achille and Soatto, Critical Learning Periods for Multisensory Integration (CVPR 2023)."""
