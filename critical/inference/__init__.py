"""From tables to verdicts: claims, statistics over seeds, exponents."""
