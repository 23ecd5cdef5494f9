"""The comparison of methods on a project."""
