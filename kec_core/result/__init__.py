"""Reading a result: what changed, which photos a concept has, how right it is."""
