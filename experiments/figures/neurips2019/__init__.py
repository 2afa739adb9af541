"""Figures of Golatkar, Achille and Soatto, *Time Matters in Regularizing Deep Networks* (NeurIPS 2019)."""
