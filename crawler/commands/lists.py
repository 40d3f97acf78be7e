"""`maymine lists`: the address lists that operators publish, by day."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import CLEAN, FINDINGS, UNDECIDED, options

if TYPE_CHECKING:
    from ..logs.lists import Copy

TIMEOUT_S = 20


@click.group("lists", epilog=options.example("maymine lists update", "maymine lists show --for GPTBot"))
def command() -> None:
    """Show and renew the lists of addresses that operators of crawlers publish.

    'maymine logs' holds each request against the list of its day. Copies come with maymine; later ones are kept in a folder of
    yours (MAYMINE_LISTS, or maymine/lists under your data). Keep them: an old log needs an old list.
    """


@command.command("show", epilog=options.example("maymine lists show", "maymine lists show --for GPTBot --format json"))
@click.option("--for", "token", default="", metavar="NAME", help="Only the lists of this crawler.")
@options.format("text", "json", "jsonl")
def show(token: str, form: str) -> None:
    """Tell which copies are at hand."""
    from rules.agents import agents

    from ..logs import lists
    from ..terminal import harmless, table
    from .output import values
    known = agents()
    if token and token.lower() not in known:
        raise click.UsageError(options.unlisted(token, tuple(a.token for a in known.values()), "crawler in the table"))
    only = known[token.lower()].ip_ranges if token else None
    try:
        copies = [c for c in (*lists.shipped(), *lists.kept()) if only is None or c.url in only]
    except lists.ListError as error:
        raise click.UsageError(harmless(str(error))) from error
    copies.sort(key=lambda c: (c.url, c.at))
    rows: list[dict[str, Any]] = [{"url": c.url, "at": c.stamp, "networks": len(c.prefixes), "via": c.via} for c in copies]
    if form != "text":
        values(form, rows)
        return
    table(("list", "as of", "networks", "via"), [tuple(r.values()) for r in rows])


@command.command("update", epilog=options.example("maymine lists update", "maymine lists update --via https://mirror.example/"))
@click.option("--only", default="", metavar="TEXT", help="Only lists whose address contains this.")
@click.option("--via", default="", metavar="URL",
              help="Ask this mirror instead: the address of a list without https:// is put behind it.")
@click.pass_context
def update(ctx: click.Context, only: str, via: str) -> None:
    """Ask all operators for their lists, and keep them under today's date.

    Exit code: 0 all lists came, 1 some did not, 3 none did.
    """
    from urllib.parse import urlsplit

    from ..logs import lists
    from ..terminal import counted, harmless, progress, say
    urls = [url for url in lists.wanted() if only in url]
    if not urls:
        raise click.UsageError(f"no list has '{only}' in its address; see 'maymine lists show'")
    got: list[Copy] = []
    with progress("asking", len(urls)) as done:
        for url in urls:
            try:
                asked = via.rstrip("/") + "/" + url.partition("://")[2] if via else url
                got.append(lists.parse(url, _get(asked, urlsplit(via).hostname or ""), lists.stamp_now(), via))
            except (lists.ListError, OSError, ValueError) as error:
                say(f"{url}: {harmless(str(error))}", err=True)
            done(1)
    if got:
        try:
            path = lists.write(got)
        except OSError as error:
            raise click.UsageError(f"{lists.folder()} cannot be written: {options.reason(error)}") from error
        say(f"{len(got)} of {len(urls)} lists, {counted(sum(len(c.prefixes) for c in got), 'network')}, kept in {path}")
    ctx.exit(CLEAN if len(got) == len(urls) else FINDINGS if got else UNDECIDED)


def _get(url: str, named: str) -> bytes:
    """At most lists.LIST_BYTES and one more, from the host that the user named or from public addresses. Raises OSError,
    ValueError."""
    from http.client import HTTPException
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    from ..logs.lists import LIST_BYTES

    class Redirects(HTTPRedirectHandler):
        def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
            _allowed(newurl, named)
            return super().redirect_request(req, fp, code, msg, headers, newurl)
    _allowed(url, named)
    request = Request(url, headers={"User-Agent": "maymine", "Accept": "application/json, text/plain;q=0.9, */*;q=0.1"})  # noqa: S310, just checked
    try:
        with build_opener(Redirects).open(request, timeout=TIMEOUT_S) as response:
            body: bytes = response.read(LIST_BYTES + 1)
    except HTTPException as error:
        raise ValueError(f"no answer that is HTTP: {error}") from error
    return body


def _allowed(url: str, named: str) -> None:
    """Raises OSError, ValueError for what is no http or https address, or a private one that nobody named."""
    import socket
    from ipaddress import ip_address
    from urllib.parse import urlsplit

    from ..addresses import is_public
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url} is no http or https address")
    if parts.hostname == named:
        return
    for info in socket.getaddrinfo(parts.hostname, None):
        if not is_public(ip_address(str(info[4][0]).partition("%")[0])):
            raise ValueError(f"{parts.hostname} is no public address; --via names a mirror")
