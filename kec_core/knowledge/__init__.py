"""KEC sections 3.2 and 3.3: knowledge about the collection in words, built and edited."""
