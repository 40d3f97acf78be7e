"""`maymine assess`: evidence on standard input, records on standard output, a line each.

**Facts**
- Records come in the order of the lines, and for each line in the order of the policies.
- A line that cannot be assessed gets one error record in its place; the others are not touched by it.
- Nothing is kept from line to line but what the readers remember of robots.txt and the like, which is bounded.
"""
from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from typing import IO, TYPE_CHECKING

import click

from . import CLEAN, UNDECIDED, options

if TYPE_CHECKING:
    from rules.model import Asker
    from rules.policy import Policy

SKIP_BYTES = 1 << 20


@click.command("assess", epilog=options.example(
    """echo '{"url": "https://example.org/a", "evidence": [{"carrier": "robots.txt",""",
    """    "body": "User-agent: *\\nDisallow: /"}]}' | maymine assess --policy strictest""",
    "maymine assess --policy eu-dsm-art4 --policy strictest <pages.jsonl >records.jsonl"))
@options.policies
@options.asker
@click.pass_context
def command(ctx: click.Context, policies: tuple[Policy, ...], asker: Asker) -> None:
    """Decide from evidence that somebody else collected.

    Reads JSON Lines from standard input, one item of the web a line, and writes one record for each line and policy:

    \b
      {"url": "...", "token"?, "media_type"?, "embedder"?, "variant_of"?, "commercial"?, "country"?,
       "evidence": [{"carrier": "robots.txt" | "tdmrep.json" | "http-fields" | "body" | ...,
                     "uri"?, "at"?, "access"?, "status"?, "final_uri"?, "detail"?,
                     "body" | "body_base64"}]}

    A carrier that is not there was not looked at, which is not the same as silent. Say "access": "unavailable" for a 404,
    "unreachable" for a 5xx or no answer, "refused" for a 401 or 403. 'http-fields' are header lines, 'body' are the bytes
    of the item. An error becomes {"error": {"line", "message"}} in the place of the records of its line.

    Exit code: 0 every line was assessed, 3 some could not be.
    """
    from ..terminal import harmless_json, progress
    source, out = sys.stdin.buffer, sys.stdout.buffer
    size_bytes = size_of(source)
    failed = False
    watched = sys.stdout.isatty()
    with nullcontext() if watched else progress("assessing", size_bytes) as done:
        for number, line in enumerate(bounded_lines(source), 1):
            for text, good in answer(number, line, policies, asker):
                out.write((harmless_json(text) if watched else text).encode("utf-8") + b"\n")
                failed |= not good
            if size_bytes is None:
                out.flush()
            if done:
                done(len(line or b""))
    out.flush()
    ctx.exit(UNDECIDED if failed else CLEAN)


def answer(number: int, line: bytes | None, policies: tuple[Policy, ...], asker: Asker) -> list[tuple[str, bool]]:
    """(text, whether it is a record). One for each policy, or one error."""
    from rules import find, judge, to_record
    from rules.record import dumps

    from ..assess_input import LINE_BYTES, InputError, parse_line
    try:
        if line is None:
            raise InputError(f"longer than {LINE_BYTES >> 20} MiB; it was skipped")
        asset, asker, evidence = parse_line(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line, asker)
        findings = find(evidence, asset, asker)
        return [(dumps(to_record(judge(asset, asker, evidence, findings, p))), True) for p in policies]
    except InputError as error:
        message = str(error)
    except Exception as error:  # noqa: BLE001, the outermost loop: one line must not take the others with it
        message = f"this is a mistake in maymine, please report it with the line: {error}"
    return [(dumps({"error": {"line": number, "message": message.encode("utf-8", "backslashreplace").decode()}}), False)]


def bounded_lines(source: IO[bytes]) -> Iterator[bytes | None]:
    """Lines as they come; None for one that is longer than LINE_BYTES, which is read past and not kept."""
    from ..assess_input import LINE_BYTES
    while line := source.readline(LINE_BYTES + 1):
        if len(line) <= LINE_BYTES or line.endswith(b"\n"):
            yield line
            continue
        while (rest := source.readline(SKIP_BYTES)) and not rest.endswith(b"\n"):
            pass
        yield None


def size_of(source: IO[bytes]) -> int | None:
    """Bytes in a regular file; None for a pipe, at whose other end somebody may wait for each answer."""
    try:
        seen = os.fstat(source.fileno())
    except (OSError, ValueError):
        return None
    return seen.st_size if stat.S_ISREG(seen.st_mode) else None
