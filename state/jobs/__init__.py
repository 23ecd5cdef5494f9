"""Long work in processes of their own, and its progress."""
