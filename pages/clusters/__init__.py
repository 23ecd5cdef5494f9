"""The page Clusters: is the result right?"""
