"""What several pages share; imports no page."""
