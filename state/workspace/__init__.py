"""The folder of projects, and the projects that are open."""
