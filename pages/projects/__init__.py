"""The page Projects: what do I have?"""
