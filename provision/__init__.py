"""Set-up of a machine: what the program needs from elsewhere, found here or fetched; nothing else in it fetches."""
