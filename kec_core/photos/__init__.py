"""Photo files: found, told apart by content, matched by name, and decoded."""
