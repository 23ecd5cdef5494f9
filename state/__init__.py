"""What lasts: projects, revisions, jobs; the only layer that knows project files."""
