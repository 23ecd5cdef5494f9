"""WordNet's nouns: ``wndb.py`` reads its files, ``table.py`` keeps them compact, ``wordnet.py`` answers questions."""
