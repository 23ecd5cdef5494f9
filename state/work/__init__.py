"""What changes a project: runs, rebuilds, edits, full clusterings."""
