"""Work on many machines: photos at any address encoded and assigned through Ray, into an ordinary project."""
