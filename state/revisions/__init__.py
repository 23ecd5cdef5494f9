"""Results kept as revisions, and everything that is read out of one."""
