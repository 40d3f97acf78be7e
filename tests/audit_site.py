"""A photographer's site as MkDocs builds it, 50 pages and 200 pictures, served on loopback with all that an opt-out can say; and
what can be wrong with it, one fault at a time, as data."""
from __future__ import annotations

import io
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from PIL import Image

from crawler.audit.checks_robots import trainers
from crawler.declare import tag
from crawler.declare.splice import spliced
from crawler.declare.values import VALUES, Tag

PAGES, PICTURES = 50, 200
METAS = '<meta name="robots" content="noai, noimageai"><meta name="tdm-reservation" content="1">'
CONFIGURATION = """
site_name: Ana Example, photographs
site_url: {origin}/
use_directory_urls: true
theme: {{name: mkdocs, custom_dir: theme, highlightjs: false}}
plugins: []
"""
MAIN = """{% extends "base.html" %}
{% block extrahead %}""" + METAS + """{% endblock %}
"""
ORIGIN = "http://site.test"              # in the files; the server puts its own in

FIELDS = {"tdm-reservation": "1", "tdm-policy": "{origin}/ai-policy.json", "Content-Usage": "train-ai=n",
          "X-Robots-Tag": "noai, noimageai"}
TDMREP = '[\n  {"location": "/", "tdm-reservation": 1, "tdm-policy": "{origin}/ai-policy.json"}\n]\n'
ODRL = '{"@context": "http://www.w3.org/ns/odrl.jsonld", "@type": "Offer", "uid": "{origin}/ai-policy.json"}'
LICENCE = """<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license><prohibits type="usage">ai-train</prohibits></license></content></rsl>"""


def robots(names: tuple[str, ...] | list[str] | None = None, before: str = "", everyone: str = "Content-Usage: train-ai=n\nContent-Signal: ai-train=no\n") -> str:
    """A robots.txt without fault: all crawlers for training by name, and words for all others."""
    turned = "\n".join(f"User-agent: {name}" for name in (trainers() if names is None else names))
    group = f"{turned}\nDisallow: /\n{everyone}\n" if turned else ""
    return f"License: {{origin}}/license.xml\n{before}\n{group}User-agent: *\nDisallow:\n{everyone}\nSitemap: {{origin}}/sitemap.xml\n"


@dataclass
class Answer:
    """What the server sends for one path. Its fields come before those of all."""
    body: bytes
    type: str
    status: int = 200
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class Served:
    """A site, ready to be spoilt. `{origin}` in text is what it is served as."""
    answers: dict[str, Answer]
    fields: dict[str, str] = field(default_factory=lambda: dict(FIELDS))
    bare: tuple[str, ...] = ()           # beginnings of paths that come without fields
    hook: Callable[[str, str], Answer | None] = lambda path, agent: None     # asked first: path and User-Agent
    second: Callable[[Served], Served] | None = None     # what a second port serves, which {second} in text names

    def copy(self) -> Served:
        return Served(dict(self.answers), dict(self.fields))

    def text(self, path: str, body: str, type: str = "text/plain", status: int = 200) -> None:
        self.answers[path] = Answer(body.encode(), type, status)

    def edit(self, path: str, old: str, new: str) -> None:
        body = self.answers[path].body.decode()
        assert old in body, (path, old)
        self.answers[path] = Answer(body.replace(old, new).encode(), self.answers[path].type)

    def pages(self) -> list[str]:
        return [path for path, answer in self.answers.items() if answer.type == "text/html"]

    def pictures(self) -> list[str]:
        return [path for path, answer in self.answers.items() if answer.type == "image/jpeg"]


def built(folder: Path) -> Served:
    """Build the site with MkDocs, tag its pictures, and load it. Some seconds."""
    docs, theme, chance = folder / "docs", folder / "theme", random.Random(7)
    (docs / "img").mkdir(parents=True)
    theme.mkdir()
    (folder / "mkdocs.yml").write_text(CONFIGURATION.format(origin=ORIGIN))
    (theme / "main.html").write_text(MAIN)
    for n in range(PICTURES):
        Image.effect_noise((64, 48), chance.randint(20, 90)).convert("RGB").save(docs / f"img/{n:03}.jpg", quality=85)
    for n in range(PAGES):
        name = "index.md" if n == 0 else f"{('work', 'series', 'press')[n % 3]}/{n:02}.md"
        (docs / name).parent.mkdir(exist_ok=True)
        pictures = "\n\n".join(f"![Picture {k}](/img/{k:03}.jpg)" for k in range(n * 4, n * 4 + 4))
        (docs / name).write_text(f"# Plate {n}\n\nSilver prints, {1990 + n}.\n\n{pictures}\n")
    subprocess.run([sys.executable, "-m", "crawler.cli", "tag", str(docs / "img"), "--value", "no-ai-training", "--yes",
                    "--undo-list", str(folder / "undo.jsonl")], check=True, capture_output=True, timeout=120)
    subprocess.run([sys.executable, "-m", "mkdocs", "build", "-q", "-f", str(folder / "mkdocs.yml")], check=True, capture_output=True, timeout=120)
    return loaded(folder / "site")


TYPES = {".html": "text/html", ".jpg": "image/jpeg", ".xml": "application/xml", ".css": "text/css", ".js": "text/javascript"}


def loaded(folder: Path) -> Served:
    answers: dict[str, Answer] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "404.html":
            name = "/" + str(path.relative_to(folder)).removesuffix("index.html")
            answers[name] = Answer(path.read_bytes().replace(ORIGIN.encode(), b"{origin}"), TYPES.get(path.suffix, "application/octet-stream"))
    site = Served(answers)
    site.text("/robots.txt", robots())
    site.text("/.well-known/tdmrep.json", TDMREP, "application/json")
    site.text("/ai-policy.json", ODRL, "application/json")
    site.text("/license.xml", LICENCE, "application/rsl+xml")
    return site


@contextmanager
def serving(site: Served, ports: dict[str, str] | None = None) -> Iterator[str]:
    """Serve while the block runs; its origin."""
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            answer = site.hook(path, self.headers.get("User-Agent", "")) or site.answers.get(path) or Answer(b"nothing here", "text/plain", 404)
            names = {"origin": origin, **(ports or {})}
            body = answer.body
            if answer.type.startswith(("text/", "application/")):
                for name, value in names.items():
                    body = body.replace(f"{{{name}}}".encode(), value.encode())
            self.send_response(answer.status)
            fields = {} if path.startswith(site.bare) and site.bare else site.fields if path in site.answers else {}
            for name, value in {"Content-Type": answer.type, **fields, **answer.fields}.items():
                if value:
                    self.send_header(name, value.replace("{origin}", origin))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        origin = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield origin
        finally:
            server.shutdown()


# What can be wrong: a name, what is done to the clean site, the one finding it must raise

@dataclass(frozen=True)
class Fault:
    name: str
    plant: Callable[[Served], None]
    finding: str
    options: tuple[str, ...] = ()


def _silent(site: Served) -> None:
    site.text("/robots.txt", "User-agent: *\nDisallow:\nSitemap: {origin}/sitemap.xml\n")
    del site.answers["/.well-known/tdmrep.json"]
    site.fields.clear()
    for path in site.pages():
        site.edit(path, METAS, "")
    untagged(site, *site.pictures())


def _prose(site: Served) -> None:
    _silent(site)
    for path in site.pages():
        site.edit(path, "</body>", "<p>Text and data mining of this site, and its use for training artificial intelligence, is reserved.</p></body>")


def untagged(site: Served, *paths: str) -> None:
    for path in paths:
        out = io.BytesIO()
        Image.open(io.BytesIO(site.answers[path].body)).save(out, "JPEG", quality=85)
        site.answers[path] = Answer(out.getvalue(), "image/jpeg")


def _no_tdmrep(site: Served) -> None:
    del site.answers["/.well-known/tdmrep.json"], site.fields["tdm-reservation"], site.fields["tdm-policy"]
    all_pages(site, '<meta name="tdm-reservation" content="1">', "")


def _texts_alone(site: Served) -> None:
    all_pages(site, 'content="noai, noimageai"', 'content="noai"')
    site.fields["X-Robots-Tag"] = "noai"


def _strayed(site: Served) -> None:
    all_pages(site, METAS, "")
    all_pages(site, "<body", f"<body><p>x</p>{METAS}<div")
    all_pages(site, "</body>", "</div></body>")


def doubled(site: Served) -> None:
    """The tag as exiftool writes it that is told the full URI."""
    wrong = b"http://ns.useplus.org/ldf/vocab/http://ns.useplus.org/ldf/v"
    assert len(wrong) == len(PLUS)
    for path in site.pictures():
        assert PLUS in site.answers[path].body
        site.answers[path] = Answer(site.answers[path].body.replace(PLUS, wrong), "image/jpeg")


def allowed(site: Served) -> None:
    """The tag says that mining is allowed."""
    with tempfile.TemporaryDirectory() as folder:
        for path in site.pictures():
            file = Path(folder) / "picture.jpg"
            file.write_bytes(site.answers[path].body)
            change = tag.plan(file, Tag(VALUES["allowed"]))
            assert change is not None
            site.answers[path] = Answer(spliced(site.answers[path].body, change.splices), "image/jpeg")


def all_pages(site: Served, old: str, new: str) -> None:
    for path in site.pages():
        site.edit(path, old, new)


def some_pages(site: Served, old: str, new: str) -> None:
    for path in site.pages():
        if path.startswith("/series/"):
            site.edit(path, old, new)


def answered(path: str, status: int, body: bytes = b"", type: str = "text/html", of: str = "") -> Callable[[Served], None]:
    def plant(site: Served) -> None:
        site.hook = lambda asked, agent: Answer(body, type, status) if asked == path and of in agent else None
    return plant


def gone(path: str) -> Callable[[Served], None]:
    return lambda site: site.answers.__delitem__(path)


def put(path: str, body: str, type: str = "text/plain") -> Callable[[Served], None]:
    return lambda site: site.text(path, body, type)


def header(name: str, value: str) -> Callable[[Served], None]:
    return lambda site: site.fields.__setitem__(name, value)


PAGE = b"<!doctype html><html><head><title>Not found</title></head><body><h1>Not found</h1></body></html>"
NAMES = list(trainers())
WITHOUT = [name for name in NAMES if name not in ("ClaudeBot", "CCBot")]
PLUS = b"http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"


def _thumbnails(site: Served) -> None:
    """Pages show small copies, whose originals lie behind links."""
    for path in site.pages():
        body = site.answers[path].body.decode()
        for picture in site.pictures():
            small = picture.replace(".jpg", "-32x24.jpg")
            if f'src="{picture}"' in body:
                body = body.replace(f'src="{picture}"', f'src="{small}" srcset="{small} 32w, {picture} 64w"')
                out = io.BytesIO()
                Image.open(io.BytesIO(site.answers[picture].body)).resize((32, 24)).save(out, "JPEG")
                site.answers[small] = Answer(out.getvalue(), "image/jpeg")
        site.answers[path] = Answer(body.encode(), "text/html")


def _other_port(site: Served) -> None:
    def second(main: Served) -> Served:
        other = main.copy()
        other.text("/robots.txt", "User-agent: *\nDisallow:\n")
        return other
    site.second = second
    site.edit("/", "</body>", '<a href="{second}/work/03/">the old address</a></body>')


def _picture_host(site: Served) -> None:
    def second(main: Served) -> Served:
        other = main.copy()
        other.text("/robots.txt", "User-agent: *\nDisallow:\n")
        return other
    site.second = second
    all_pages(site, 'src="/img/', 'src="{second}/img/')


FAULTS = (
    Fault("nothing says no", _silent, "OO001"),
    Fault("only a sentence for people says no", _prose, "OO002"),
    Fault("no robots.txt", gone("/robots.txt"), "OO101"),
    Fault("robots.txt says nothing about AI", put("/robots.txt", "User-agent: *\nDisallow:\nSitemap: {origin}/sitemap.xml\n"), "OO102"),
    Fault("two crawlers are not named", put("/robots.txt", robots(WITHOUT, everyone="")), "OO103"),
    Fault("a crawler has a group of its own that lets it in",
          put("/robots.txt", robots([n for n in NAMES if n != "GPTBot"], "User-agent: GPTBot\nDisallow: /private/\n")), "OO104"),
    Fault("wishes, and nobody turned away", put("/robots.txt", robots([])), "OO105"),
    Fault("blanks round the sign", put("/robots.txt", robots(before="User-agent: Bytespider\nDisallow: /\nContent-Usage: train-ai = n\n")), "OO111"),
    Fault("no for n", put("/robots.txt", robots(before="User-agent: Bytespider\nDisallow: /\nContent-Usage: train-ai=no\n")), "OO111"),
    Fault("two names in a line", put("/robots.txt", robots(before="User-agent: Bytespider, PetalBot\nDisallow: /\n")), "OO112"),
    Fault("a version behind a name", put("/robots.txt", robots(before="User-agent: Bytespider/1.2\nDisallow: /\n")), "OO112"),
    Fault("an en dash in a name", put("/robots.txt", robots(before="User-agent: Google–CloudVertexBot\nDisallow: /\n")), "OO113"),
    Fault("a misspelled field", put("/robots.txt", robots(before="User-agent: Bytespider\nDisalow: /\n")), "OO114"),
    Fault("rules before the first name", put("/robots.txt", "Disallow: /private/\n" + robots()), "OO115"),
    Fault("a page in the place of robots.txt", answered("/robots.txt", 200, PAGE), "OO116"),
    Fault("robots.txt forbidden", answered("/robots.txt", 403), "OO117"),
    Fault("robots.txt fails", answered("/robots.txt", 503), "OO118"),
    Fault("robots.txt too long", lambda site: site.text("/robots.txt", robots() + "# filler\n" * 80_000), "OO119"),
    Fault("a blank line before the rule", put("/robots.txt", robots(NAMES).replace("\nDisallow: /\n", "\n\nDisallow: /\n", 1)), "OO120"),
    Fault("another port says otherwise", _other_port, "OO121"),
    Fault("a firewall hides robots.txt from GPTBot", answered("/robots.txt", 403, of="GPTBot"), "OO122", ("--as-agents",)),
    Fault("a rule without a slash", put("/robots.txt", robots(before="User-agent: Bytespider\nDisallow: img/\nDisallow: /\n")), "OO123"),
    Fault("the host of the pictures says nothing", _picture_host, "OO124"),
    Fault("no TDMRep at all", _no_tdmrep, "OO201"),
    Fault("tdmrep.json behind a rule for dot files", answered("/.well-known/tdmrep.json", 403), "OO202"),
    Fault("tdmrep.json without brackets", put("/.well-known/tdmrep.json", '{"location": "/", "tdm-reservation": 1}'), "OO203"),
    Fault("tdmrep.json with 1 as a text", put("/.well-known/tdmrep.json", '[{"location": "/", "tdm-reservation": "1"}]'), "OO204"),
    Fault("the rule for everything first", put("/.well-known/tdmrep.json", '[{"location": "/", "tdm-reservation": 1}, {"location": "/press/", "tdm-reservation": 0}]'), "OO205"),
    Fault("a page in the place of tdmrep.json", answered("/.well-known/tdmrep.json", 200, PAGE), "OO206"),
    Fault("a field that says yes", header("tdm-reservation", "yes"), "OO207"),
    Fault("the policy is not there", gone("/ai-policy.json"), "OO208"),
    Fault("a field cancels an exception of the file", put("/.well-known/tdmrep.json", '[{"location": "/work/", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}]'), "OO209"),
    Fault("a folder without the fields", lambda site: setattr(site, "bare", ("/series/",)), "OO301"),
    Fault("pictures without the fields", lambda site: setattr(site, "bare", ("/img/",)), "OO302"),
    Fault("a field that cannot be read", header("Content-Usage", "train-ai = n"), "OO303"),
    Fault("metas outside the head", _strayed, "OO304"),
    Fault("a template without metas", lambda site: some_pages(site, METAS, ""), "OO305"),
    Fault("a word that is almost one", lambda site: all_pages(site, 'content="noai, noimageai"', 'content="no-ai, noimageai"'), "OO306"),
    Fault("noai without noimageai", _texts_alone, "OO307"),
    Fault("pictures without a tag", lambda site: untagged(site, *site.pictures()[::2]), "OO401"),
    Fault("copies that lost the tag", _thumbnails, "OO402"),
    Fault("a tag with its prefix twice", doubled, "OO403"),
    Fault("pictures allow what the site reserves", allowed, "OO501"),
    Fault("a Creative Commons licence beside a reservation",
          lambda site: all_pages(site, "</head>", '<link rel="license" href="https://creativecommons.org/licenses/by/4.0/"></head>'), "OO502"),
    Fault("training allowed, and its crawlers turned away",
          put("/robots.txt", robots(everyone="").replace("Disallow:\n", "Disallow:\nContent-Usage: train-ai=y\n", 1)), "OO504"),
    Fault("the licence is not there", gone("/license.xml"), "OO601"),
    Fault("the licence is no XML", put("/license.xml", LICENCE.replace('"', "”"), "application/rsl+xml"), "OO602"),
    Fault("a word of the draft", put("/license.xml", LICENCE.replace("ai-train", "train-ai"), "application/rsl+xml"), "OO603"),
)
