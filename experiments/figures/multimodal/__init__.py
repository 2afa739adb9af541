"""Figures of networks with unlike modalities."""
