"""The page Find: where are the photos I have in mind?"""
