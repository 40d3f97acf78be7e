"""Collects the pages of a list.

**Facts**
- -a urls=FILE: text, CSV or Parquet; - is standard input. -a column=NAME: of a CSV or Parquet file, `url` if not given.
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..seeds import STANDARD_INPUT, seeds
from .collector import Collector, is_yes


class Pages(Collector):
    """scrapy crawl pages -a urls=list.csv -a column=link -a media=yes"""
    name = "pages"

    def __init__(self, urls: str = STANDARD_INPUT, column: str = "url", media: bool | str = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.urls, self.column, self.media = urls, column, is_yes(media)

    def seeds(self) -> Iterator[str]:
        return seeds(self.urls, self.column)
