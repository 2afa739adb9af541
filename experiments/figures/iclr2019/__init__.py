"""Figures of Achille, Rovere and Soatto, *Critical Learning Periods in Deep Networks* (ICLR 2019)."""
