"""Puts this folder on the path: its helpers serve the tests of every room below."""
