"""Runs and figures on Weights & Biases: a mirror of what stands on disk, whose failure is a line, never a run's end."""
