"""The page Settings: which language model, and what leaves this machine?"""
