"""Path patterns of robots.txt: one normal form for patterns and URLs, and which pattern matches with the most octets.

Facts (RFC 9309, https://www.rfc-editor.org/rfc/rfc9309, and RFC 3986, 2)
- 2.2.2: comparison starts at the first octet of the path and includes the query. Octets beyond ASCII are percent-encoded on
  both sides; a percent-encoded octet is decoded where it is unreserved, so `%62` is `b` and `%2F` is never `/`.
- 2.2.2, figure 4: reserved characters in a query may stand encoded in one place and raw in the other. OURS: patterns with a
  query are compared a second time with gen-delims encoded in both queries, and either match counts.
- 2.2.2: the match with the most octets wins; wildcards are octets too. PRACTICE: Google counts the encoded pattern.
- 2.2.3: `*` is any octets, `$` at the end is the end of the path. Meant literally they are written `%2A` and `%24`.
- OURS: what may not stand raw in a URI (RFC 3986, 2) is encoded on both sides, so `/a b` is `/a%20b`.
Matching is leftmost search part by part, which is exact for these patterns: no backtracking, no regular expression from a file.
"""
from __future__ import annotations

import re
from collections.abc import Sequence

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_IN_PATH = re.compile(r"%[0-9A-Fa-f]{2}|[^!#&-)+-;=?-Z\[\]_a-z~]")       # an escape, or what is no URI character, `*` or `$`
_IN_PATTERN = re.compile(r"%[0-9A-Fa-f]{2}|[^!#&-;=?-Z\[\]_a-z~]")       # the same, with `*` let through
_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://[^/?#]*)?([^#]*)")
_search_path = _IN_PATH.search
_search_gen_delims = re.compile(r"[:/?#\[\]@]").search
_GEN_DELIMS = {ord(c): f"%{ord(c):02X}" for c in ":/?#[]@"}

FEW_PREFIXES = 200                       # OURS: so many are tried one by one before any is looked up

Path = tuple[str, str]                   # normal form, and the same with gen-delims of the query encoded, or "" without a query
Rank = tuple[int, int, int]              # octets, preference in a tie, minus the index: the largest wins


def path_query(url: str) -> str:
    """Path and query of a URL, however odd; "/" where it has none. Never raises."""
    tail = _URL.match(url)[1]  # type: ignore[index]  # it matches every string
    return tail if tail.startswith("/") else f"/{tail}"


def normal_path(path_and_query: str) -> Path:
    """Normal form of a path with its query."""
    plain = _IN_PATH.sub(_in_utf8, path_and_query) if _search_path(path_and_query) else path_and_query
    return plain, _query_encoded(plain) if "?" in plain else ""


def normal_pattern(pattern: str) -> str:
    """Normal form of a pattern, whose characters stand for one octet each (as ISO 8859-1 decodes them)."""
    if not _IN_PATTERN.search(pattern):
        return pattern
    anchor = "$" if pattern.endswith("$") else ""
    return _IN_PATTERN.sub(_in_octets, pattern.removesuffix("$")) + anchor


def _in_utf8(found: re.Match[str]) -> str:
    return _encoded(found[0], "utf-8")


def _in_octets(found: re.Match[str]) -> str:
    return _encoded(found[0], "latin-1")


def _encoded(text: str, encoding: str) -> str:
    if len(text) == 3:
        char = chr(int(text[1:], 16))
        return char if char in _UNRESERVED else text.upper()
    if text == "%":                      # no escape; nothing says what it means, so it stays on both sides
        return text
    return "".join(f"%{octet:02X}" for octet in text.encode(encoding, "surrogatepass"))


def _query_encoded(text: str) -> str:
    path, mark, query = text.partition("?")
    return path + mark + query.translate(_GEN_DELIMS) if _search_gen_delims(query) else text


class _Glob:
    """One pattern with wildcards, cut at its stars."""
    __slots__ = ("anchored", "first", "index", "last", "middle", "needs_query", "rank", "starred")

    def __init__(self, pattern: str, rank: Rank) -> None:
        self.rank, self.index = rank, -rank[2]
        self.anchored, self.needs_query = pattern.endswith("$"), "?" in pattern
        self.first, *rest = pattern.removesuffix("$").split("*")
        self.starred = bool(rest)
        self.last = rest.pop() if rest else ""
        self.middle = tuple(part for part in rest if part)

    def matches(self, path: str) -> bool:
        if not path.startswith(self.first):
            return False
        at = len(self.first)
        for part in self.middle:
            found = path.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        if not self.anchored:
            return not self.last or path.find(self.last, at) >= 0
        if not self.starred:
            return len(path) == at
        return len(path) - len(self.last) >= at and path.endswith(self.last)


class _Table:
    """Patterns prepared for the question which one wins. Plain prefixes are found by hashing, one try a length."""
    __slots__ = ("_few", "_globs", "_globs_without_query", "_lengths", "_prefixes")

    def __init__(self, patterns: Sequence[tuple[str, Rank]]) -> None:
        prefixes: dict[str, Rank] = {}
        globs: dict[str, Rank] = {}
        for pattern, rank in patterns:
            home = globs if "*" in pattern or pattern.endswith("$") else prefixes
            if pattern not in home or rank > home[pattern]:
                home[pattern] = rank
        self._prefixes = prefixes
        self._few = tuple(prefixes) if len(prefixes) <= FEW_PREFIXES else ("",)
        self._lengths = sorted({len(p) for p in prefixes}, reverse=True)
        self._globs = sorted((_Glob(p, r) for p, r in globs.items()), key=lambda g: g.rank, reverse=True)
        self._globs_without_query = [g for g in self._globs if not g.needs_query]

    def best(self, path: str, has_query: bool) -> Rank | None:
        best = None
        if path.startswith(self._few):
            get = self._prefixes.get
            for length in self._lengths:
                if (rank := get(path[:length])) is not None:
                    best = rank
                    break
        for glob in self._globs if has_query else self._globs_without_query:
            if best is not None and glob.rank < best:
                break
            if glob.matches(path):
                return glob.rank
        return best


class Patterns:
    """Normal patterns, each with a preference: among matches of the same length the larger one wins, then the first in order.

    Building costs the length of all patterns; asking costs one look at each distinct length and at each pattern with wildcards.
    """
    __slots__ = ("_all", "_descending", "_queries", "_queries_differ", "_table")

    def __init__(self, patterns: Sequence[tuple[str, int]]) -> None:
        self._all = tuple((p, (len(p), preferred, -i)) for i, (p, preferred) in enumerate(patterns))
        self._table: _Table | None = None
        self._queries: _Table | None = None      # of the patterns with a query, gen-delims in it encoded
        self._queries_differ = False
        self._descending: list[tuple[_Glob, _Glob | None]] = []

    @property
    def same_for_all(self) -> bool:
        """Whether every path gets the same answer: nothing but `/`, with which each path starts."""
        return all(pattern == "/" for pattern, _ in self._all)

    def best(self, path: Path) -> Rank | None:
        """Rank of the winner, whose index is `-rank[2]`; None where nothing matches."""
        table = self._table
        if table is None:
            table = self._table = self._prepare()
        plain, encoded = path
        best = table.best(plain, encoded != "")
        if encoded and self._queries and (self._queries_differ or encoded != plain):
            other = self._queries.best(encoded, True)
            if other is not None and (best is None or other > best):
                return other
        return best

    def _prepare(self) -> _Table:
        queries = [(p, _query_encoded(p), rank) for p, rank in self._all if "?" in p]
        if queries:
            self._queries = _Table([(encoded, rank) for _, encoded, rank in queries])
            self._queries_differ = any(p != encoded for p, encoded, _ in queries)
        return _Table(self._all)

    def longest(self, path: Path) -> tuple[int, tuple[int, ...]]:
        """Octets of the longest match, and the indexes of all patterns that match with as many, in order; -1 and none."""
        if not self._descending:
            self._descending = [(_Glob(p, rank), _Glob(_query_encoded(p), rank) if "?" in p else None)
                                for p, rank in sorted(self._all, key=lambda item: item[1][0], reverse=True)]
        plain, encoded = path
        size, out = -1, []
        for glob, query in self._descending:
            if glob.rank[0] < size:
                break
            if glob.matches(plain) or (encoded and query and query.matches(encoded)):
                size = glob.rank[0]
                out.append(glob.index)
        return size, tuple(out)
