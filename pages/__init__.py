"""The pages of the app, one folder each; ``frame`` is around them, ``shared`` is what several of them use."""
