"""The page Export: how do I take the result home?"""
