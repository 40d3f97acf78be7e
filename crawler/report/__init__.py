"""What is shown to people beyond a terminal: one shell for pages (page.py), words in five languages (catalogue.py)."""
