"""For notebooks and programs: groups of photos or features as values, and scikit-learn estimators (docs/api.md)."""
