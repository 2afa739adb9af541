"""From a figure to its files: pipeline, tables, report, loggers."""
