"""The page History: what was done, when, and what came of it?"""
