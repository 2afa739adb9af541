"""Figures of what is said to prevent a critical period."""
