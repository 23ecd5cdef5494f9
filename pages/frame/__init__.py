"""The frame around every page: style, navigation, header, and the script that the server runs."""
