"""The two ways to crawl: pages that somebody lists, and a whole site."""
