"""Measurements of speed and quality; every one prints ours beside the straightforward way from the same run."""
