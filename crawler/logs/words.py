"""Where the words of a site come from: files with dates, a timeline, archives, a git repository.

**Facts**
- A name like `20261020093000`, `2026-10-20` or `2026-10-20T09:30:00Z` dates a copy; without a zone it is UTC. The Wayback
  Machine and Common Crawl name captures by the first form.
- `policy-timeline.json`: a list of `{first_seen, last_seen?, sha256?, source?, certainty?, url?, status?, file?, body?}`;
  `certainty` is `exact` where the version was in force from `first_seen` on.
- OURS: dated files that a person kept are in force from their date on; captures in archives are sights (history.py). The
  time of a commit is when a version was written, so it is in force from then only if it was published at once: `source`
  says git.
"""
from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rules import Access, Carrier, Evidence
from rules.limits import ROBOTS_BYTES, TDMREP_BYTES
from rules.record import time_from_text
from rules.references import SITE_FILES

from ..status import REDIRECTS
from .history import History, Version, words
from .request import instant

TABLE = ".parquet"
ARCHIVES = (".warc", ".warc.gz", ".warc.zst", ".wacz", TABLE)
GIT = "git:"
TIMELINES = ("policy-timeline.json", "timeline.json")
GIT_S = 60

_DATED = re.compile(r"(?<!\d)(\d{4})-?(\d\d)-?(\d\d)(?:[T_ -]?(\d\d)[:.h-]?(\d\d)(?:[:.-]?(\d\d))?Z?)?(?!\d)")
_STEMS = {"tdmrep": Carrier.TDMREP_JSON, "ai.txt": Carrier.AI_TXT, "trust.txt": Carrier.TRUST_TXT}
_STATUS = re.compile(r"(?<![0-9A-Za-z])([2345]\d\d)(?![0-9A-Za-z])")


class WordsError(ValueError):
    """The words cannot be read. Says place and remedy."""


def add(history: History, told: str, url: str, since: int | None) -> None:
    """Read one --policy. `url`: of the site that files without an address are about; "": none was named. Raises WordsError."""
    if told.startswith(GIT):
        history.add(url, _git(told.removeprefix(GIT)))
        return
    path = Path(told)
    if path.is_dir():
        _folder(history, path, url)
    elif path.name in TIMELINES:
        _timeline(history, path, url)
    elif path.name.lower().endswith(ARCHIVES) and path.is_file():
        if not _archive(history, path):
            raise WordsError(f"{path}: no dated copy of robots.txt or another file of a site is in it")
    elif path.is_file():
        at = since if since is not None else _dated(path.name)
        if at is None:
            raise WordsError(f"{path}: since when do these words stand? Say it with --since, or in the name, like "
                             f"robots-2026-10-20.txt")
        history.add(url, (_version(path, at, "file"),))
    else:
        raise WordsError(f"{path}: there is no such file or folder; give a robots.txt, a folder of dated copies, a WARC "
                         "file, or git:PATH")


def _folder(history: History, folder: Path, url: str) -> None:
    found = 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name.startswith("."):
            continue
        if path.name in TIMELINES:
            found += _timeline(history, path, url)
        elif path.name.lower().endswith(ARCHIVES):
            found += _archive(history, path)
        elif (at := _dated(path.name)) is not None:
            history.add(url, (_version(path, at, "file"),))
            found += 1
    if not found:
        raise WordsError(f"{folder}: no copy with a date in its name, like robots-2026-10-20.txt, no archive, and no "
                         f"{TIMELINES[0]}")


def _dated(name: str) -> int | None:
    m = _DATED.search(name)
    if m is None:
        return None
    try:
        return instant(datetime(*(int(part or 0) for part in m.groups()), tzinfo=UTC))  # type: ignore[misc, arg-type]  # as many numbers as a time has
    except ValueError:
        return None


def carrier_of(name: str) -> Carrier:
    """By the name of a file; robots.txt where nothing else is told."""
    low = name.lower()
    return next((carrier for stem, carrier in _STEMS.items() if stem in low), Carrier.ROBOTS_TXT)


def _version(path: Path, at: int, source: str) -> Version:
    status = _STATUS.search(_DATED.sub("", path.name))
    try:
        with path.open("rb") as file:
            body = file.read(max(ROBOTS_BYTES, TDMREP_BYTES) + 1)
    except OSError as error:
        raise WordsError(f"{path}: {error.strerror or error}") from error
    carrier = carrier_of(path.name)
    evidence = words(carrier, SITE_FILES[carrier][0], int(status[1]) if status else 200, body)
    return Version(evidence, at, at, True, f"{source} {path.name}")


def _timeline(history: History, path: Path, url: str) -> int:
    try:
        entries = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise WordsError(f"{path}: {error}") from error
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise WordsError(f"{path}: a list of objects is wanted, each a version")
    for n, entry in enumerate(entries, 1):
        try:
            history.add(str(entry.get("url") or url), (_entry(entry, path),))
        except (KeyError, TypeError, ValueError, OSError) as error:
            why = f"{error} is missing" if isinstance(error, KeyError) else error
            raise WordsError(f"{path}, entry {n}: {why}") from error
    return len(entries)


def _entry(entry: dict[str, Any], path: Path) -> Version:
    first, last = time_from_text(entry["first_seen"]), time_from_text(entry.get("last_seen"))
    if first is None:
        raise ValueError("'first_seen' is empty")
    at = instant(first)
    body = str(entry["body"]).encode() if "body" in entry else (path.parent / str(entry["file"])).read_bytes() \
        if "file" in entry else b""
    status = int(entry.get("status", 200))
    if status == 200 and "body" not in entry and "file" not in entry:
        raise ValueError("neither 'body' nor 'file' tells what stood there")
    digest = hashlib.sha256(body).hexdigest()
    if str(entry.get("sha256") or digest).removeprefix("sha256:") != digest:
        raise ValueError(f"the bytes are not those of 'sha256': {digest}")
    uri = str(entry.get("url") or "/robots.txt")
    carrier = next((c for c, paths in SITE_FILES.items() if uri.endswith(paths)), Carrier.ROBOTS_TXT)
    return Version(words(carrier, uri, status, body), at, instant(last) if last else at, entry.get("certainty") == "exact",
                   str(entry.get("source") or path.name))


def _archive(history: History, path: Path) -> int:
    """Captures of site files in an archive, or in a table of `maymine sites`."""
    import pyarrow as pa

    from ..archive import sites
    from ..archive.inputs import InputError, expand
    from ..filtering import collect
    try:
        if path.suffix == TABLE:
            copies, damage = list(sites.read(path)), list[str]()
        else:
            copies, damage = collect(expand((str(path),)))
    except (InputError, OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise WordsError(f"{path}: {error}") from error
    if damage:
        raise WordsError("\n".join(damage))
    dated = [c for c in copies if c.at != sites.NO_TIME and c.access is not Access.NOT_COLLECTED and c.status not in REDIRECTS]
    for copy in dated:
        at = instant(copy.at)
        carrier = sites.PLACES[copy.uri[copy.uri.index("/", 8):]]
        evidence = Evidence(carrier, copy.uri, None, copy.access, copy.body, copy.status)
        history.add(copy.uri, (Version(evidence, at, at, False, f"archive {path.name}"),))
    return len(dated)


def _git(told: str) -> Iterator[Version]:
    """Versions of a file by the commits that changed it."""
    path = Path(told)
    folder, name = path.parent, path.name

    def run(*command: str) -> bytes:
        try:
            return subprocess.run(["git", "-C", str(folder), *command],  # noqa: S603, S607, the git of the user, no shell
                                  capture_output=True, check=True, timeout=GIT_S).stdout
        except FileNotFoundError as error:
            raise WordsError("git is not installed; give a folder of dated copies instead") from error
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            said = (error.stderr or b"").decode("utf-8", "replace").strip().splitlines()
            raise WordsError(f"git:{path}: {said[-1] if said else error}") from error
    commits = [line.split() for line in run("log", "--format=%H %ct", "--", name).decode().splitlines()]
    if not commits:
        raise WordsError(f"git:{path}: no commit has this file")
    for commit, seconds in reversed(commits):
        listed = run("ls-tree", commit, "--", name)
        body = run("show", f"{commit}:./{name}") if listed else b""
        carrier = carrier_of(name)
        at = int(seconds) * 1_000_000
        yield Version(words(carrier, SITE_FILES[carrier][0], 200 if listed else 404, body), at, at, True, f"git {commit[:12]}")
