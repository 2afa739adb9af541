"""The papers: one module a figure, what runs, how it is drawn, what is claimed."""
