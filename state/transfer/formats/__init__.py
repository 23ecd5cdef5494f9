"""Formats that results are written in and labels are read from: one module for each tool, one row in ``table.py``."""
