"""The panels of the workbench, each with a ``draw``."""
