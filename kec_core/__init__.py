"""KEC: clustering photos with hierarchical textual knowledge.

Pure library: no browser, no project files, no other programs. It reaches a network only through the libraries of the
encoders, for weights, and through the openai client, for answers of language models.
"""
