"""What the server runs for every view of a page.

It lies apart from the pages on purpose: beside a folder named "pages" Streamlit would offer every file of it as a page
until the first visitor has come.
"""

from pages.frame import shell

shell.draw()
