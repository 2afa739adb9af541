"""What has been trained, from the command line: `python -m experiments.runs list`."""
