"""A small web on this machine: some sites, each with a story, served on loopback. The stories are in sites.yaml.

**Facts**
- A site is a scheme and an authority, port included (RFC 9309, 2.3: https://www.rfc-editor.org/rfc/rfc9309#section-2.3), so
  one port each makes as many sites as there are stories, and no name has to be resolved.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from threading import Thread

from rules.model import Use
from rules.strict_yaml import Node, load

HOST = "127.0.0.1"
ORIGIN = b"{origin}"                 # in a body: the scheme and authority of the site, known once it is served
VERDICTS = ("permitted", "undetermined", "prohibited")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server sends for one path."""
    status: int
    fields: tuple[str, ...]          # lines, as they are sent
    body: bytes


@dataclass(frozen=True, slots=True)
class Site:
    name: str
    moral: str
    page: str                        # the path that is asked for
    replies: Mapping[str, Reply]     # by path; everything else is a 404
    expected: Mapping[Use, str]      # use -> verdict, under eu-dsm-art4


@cache
def sites() -> tuple[Site, ...]:
    """Every story, in the order of the file. DataError: the file is broken."""
    root = load(files(__package__).joinpath("sites.yaml").read_text("utf-8"), "sites.yaml").fields(("sites",))
    return tuple(map(_site, root["sites"].items()))


def _site(node: Node) -> Site:
    row = node.fields(("name", "moral", "page", "replies", "expected"))
    return Site(row["name"].text(), row["moral"].text(), row["page"].text(),
                {path: _reply(reply) for path, reply in row["replies"].pairs().items()},
                {Use(use): verdict.word(VERDICTS) for use, verdict in row["expected"].pairs().items()})


def _reply(node: Node) -> Reply:
    row = node.fields((), ("status", "fields", "body"))
    return Reply(int(row["status"].text()) if "status" in row else 200, tuple(row["fields"].texts()) if "fields" in row else (),
                 row["body"].text().encode() if "body" in row else b"")


@contextmanager
def served(told: Sequence[Site]) -> Iterator[dict[str, Site]]:
    """Serve sites while the block runs. URL of the page -> site."""
    with ExitStack() as stack:
        yield {f"http://{HOST}:{stack.enter_context(_serving(site))}{site.page}": site for site in told}


@contextmanager
def _serving(site: Site) -> Iterator[int]:
    class Handler(_Handler):
        replies = site.replies

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    replies: Mapping[str, Reply]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        reply = self.replies.get(self.path) or Reply(404, ("Content-Type: text/plain",), b"nothing here\n")
        self.send_response(reply.status)
        for line in reply.fields:
            name, _, value = line.partition(":")
            self.send_header(name, value.strip())
        body = reply.body.replace(ORIGIN, f"http://{HOST}:{self.server.server_port}".encode())  # type: ignore[attr-defined]  # the server is ours
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Standard error belongs to the one who looks at the demo."""
