"""The pages of the app; files that start with an underscore are shared by them."""
