"""KEC: clustering photos with hierarchical textual knowledge. Pure library: no browser, no project files."""
