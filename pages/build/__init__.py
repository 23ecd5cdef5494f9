"""The page Build: how do we get concepts and groups?"""
