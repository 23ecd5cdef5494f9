"""The page Map: does the space agree?"""
