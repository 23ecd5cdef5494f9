"""The page Concepts: is the knowledge right?"""
