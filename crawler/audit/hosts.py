"""What a site runs on, as far as its responses and the generator of its home page tell."""
from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from rules import Carrier
from rules.strict_yaml import load

from ..declare.site.targets import ALL, NONE, targets
from .site import Site


@dataclass(frozen=True, slots=True)
class Signs:
    header: tuple[bytes, ...] = ()
    generator: tuple[str, ...] = ()


@cache
def hosts() -> dict[str, Signs]:
    """id -> signs, in the order in which they are tried. DataError: the table is broken."""
    out = {}
    for name, node in load(files(__package__).joinpath("hosts.yaml").read_text("utf-8"), "hosts.yaml").pairs().items():
        row = node.fields((), ("header", "generator"))
        out[name] = Signs(tuple(t.encode() for t in row["header"].texts()) if "header" in row else (),
                          tuple(row["generator"].texts()) if "generator" in row else ())
    return out


@cache
def fixes() -> dict[str, dict[str, str]]:
    """Fix -> host, `any` or `command` -> lines to copy."""
    root = load(files(__package__).joinpath("fixes.yaml").read_text("utf-8"), "fixes.yaml")
    return {name: {host: text.text() for host, text in node.pairs().items()} for name, node in root.pairs().items()}


def host_of(site: Site) -> str:
    """The first host whose signs are there; "" where none is."""
    header = b"\n".join(e.body.lower() for e in site.whole if e.carrier is Carrier.HTTP_FIELDS)
    said = generator(site)
    return next((name for name, signs in hosts().items()
                 if any(word in header for word in signs.header) or any(word in said for word in signs.generator)), "")


def generator(site: Site) -> str:
    """What <meta name="generator"> of the home page names, in lower case."""
    from selectolax.lexbor import LexborHTMLParser

    from rules.limits import HTML_BYTES
    body = next((e.body for e in site.whole if e.carrier is Carrier.BODY and e.has_bytes), b"")
    if not site.home.is_page or b"generator" not in body.lower():
        return ""
    metas = LexborHTMLParser(body[:HTML_BYTES]).css("meta[name='generator' i]")
    return " ".join((meta.attributes.get("content") or "").lower() for meta in metas[:5])


def lines_to_copy(fix: str, host: str, origin: str, agents: str) -> tuple[str, str]:
    """What to copy, for this host where it is known, and the command of maymine; "" for what there is none of."""
    from ..declare.site.intent import RECOMMENDED, STANCES
    from ..declare.site.steps import tag
    row, value = fixes()[fix], tag(STANCES[RECOMMENDED].said)

    def filled(text: str) -> str:
        known = host if host in targets() else "static"
        text = text.replace("{stance}", RECOMMENDED).replace("{tag}", value)
        return text.replace("{origin}", origin).replace("{host}", known).replace("{agents}", agents)
    return filled(row.get(host) or row.get("any", "")), filled(row.get("command", ""))


def title(host: str) -> str:
    """The name of a host for people; "" where it is not known."""
    return targets()[host].title if host in targets() else ""


def can_merge(host: str) -> bool:
    """Whether a robots.txt that is served there can be kept and added to; a template of a shop keeps it by itself."""
    target = targets().get(host)
    return target is None or (target.files != NONE and target.syntax != "shopify")


def is_closed(place: str, host: str) -> bool:
    """Whether a host does not let its users change what stands in this place of a report."""
    target = targets().get(host)
    if target is None:
        return False
    match place:
        case "robots.txt":
            return target.files == NONE
        case "tdmrep.json" | "licence":
            return target.files != ALL
        case "headers":
            return target.fields == NONE and (target.family == "builder" or host in ("github-pages", "ghost"))
    return False
