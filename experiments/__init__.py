"""The papers: one module a figure, what runs, how it is drawn, what is claimed."""

import critical  # noqa: F401  Before torch and NumPy: it chooses the CPU's instructions.
