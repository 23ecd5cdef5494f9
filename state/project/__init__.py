"""A project on disk: its database and who may write it, photos found, revisions as rows, and what is kept with it."""
