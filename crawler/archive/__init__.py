"""Web archives and records at rest: Parquet and WARC, written and read."""
