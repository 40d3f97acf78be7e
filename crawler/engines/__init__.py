"""maymine inside the engines that teams have: datatrove, Ray, Spark, Hugging Face datasets, DuckDB, Polars.

One file an engine, each with the same doors:
- `decide(data, ...)`: the rows that came, with two columns more, `maymine_verdict` and `maymine_reasons`;
- `records(data, ...)`: one row a page and policy, as `maymine filter` writes them (crawler/archive/records.py);
- `pages(files)`: archives and data sets as such data, where the engine spreads files over its workers.

And the same words everywhere (crawler/engines/plan.py): `policies`, `asker`, `sites`, `by`, `uses`, `columns`, `as_of`. What
decides is crawler/archive/batch.py; what comes out is what a single process gives.
"""
