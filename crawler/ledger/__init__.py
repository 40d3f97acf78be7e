"""What was used and what is owed for it, and what has to be published about a crawl."""
