"""The page Compare: did it get better?"""
