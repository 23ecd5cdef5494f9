"""The app's server: its start and end, its memory, and which requests it answers."""
