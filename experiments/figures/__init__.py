"""The figures, a package a paper."""
