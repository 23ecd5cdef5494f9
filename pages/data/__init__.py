"""The page Data: are my photos in, and sound?"""
