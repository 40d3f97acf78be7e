"""A kit: every file that an owner needs to say what is meant, read back by our own readers before one of them is written.

**Facts**
- INVARIANT: what a kit says is found out from its files alone: robots.txt, tdmrep.json and the rest as they would be served,
  fields and metas as the configuration would send them (meaning.py). What is intended is compared with that, not with what was
  meant to be written.
- TDMRep, 7 (https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/): a field supersedes the file, a meta both.
  So where a host can send only the same fields everywhere, those that would not be true in an excepted folder are left out.
- OURS: where a host cannot carry a word, what it would have said is a gap, and told; it is never said otherwise. Where all can
  be said, a gap is a mistake.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rules import Access, Carrier, Evidence, Use
from rules.agents import agents

from ...effect import CONTROLS
from . import merge, words
from .intent import Away, Intent, Said
from .meaning import FILE, PAGE, PICTURE, Difference, differences, samples
from .syntax import apache, caddy, hosts, nginx, shopify, wordpress
from .targets import ALL, BY_PATH, EVERYWHERE, NONE, PAGES, Target

Files = dict[str, str]
Note = tuple[str, Mapping[str, object]]    # a message declare.note-*, and its parameters
Write = Callable[[Sequence[tuple[str, words.Fields]], str, str], Files]
Read = Callable[[Mapping[str, str], str], words.Fields]

# How a configuration that sends fields is written and read back, by Target.syntax.
CONFIGURATIONS: dict[str, tuple[Write, Read]] = {
    "nginx": (nginx.write, nginx.read), "apache": (apache.write, apache.read), "htaccess": (apache.write_htaccess, apache.read),
    "caddy": (caddy.write, caddy.read), "headers": (hosts.write_headers, hosts.read_headers),
    "vercel": (hosts.write_vercel, hosts.read_vercel), "cloudfront": (hosts.write_cloudfront, hosts.read_cloudfront),
    "nuxt": (hosts.write_nuxt, hosts.read_nuxt),
}
HEAD = "head.html"                       # code for the heads of pages, where a host lets one add some
MEDIA_TYPES = {words.TDMREP: "application/json", words.POLICY: "application/json", words.RSL: "application/rsl+xml",
               **dict.fromkeys((words.ROBOTS, words.TRUST, words.AI), "text/plain; charset=utf-8")}
CARRIERS = {words.ROBOTS: Carrier.ROBOTS_TXT, words.TDMREP: Carrier.TDMREP_JSON, words.TRUST: Carrier.TRUST_TXT,
            words.AI: Carrier.AI_TXT}
REFERRED = {words.RSL: Carrier.RSL, words.POLICY: Carrier.TDM_POLICY}        # documents that others lead to
PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c02"
                      "0000000b4944415478da6364f80f00010501012718e3660000000049454e44ae426082")
# Copies dot folders, too (Eleventy 3.1.8, tried).
ELEVENTY = """export default function (config) {
  config.addPassthroughCopy({ "optout": "/" });
}
"""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What else is wanted of a kit."""
    with_ai_txt: bool = False
    without: frozenset[str] = frozenset()        # paths of files that are not wanted: words.TRUST, words.RSL, words.POLICY
    robots: bytes | None = None                  # the robots.txt that is there already


@dataclass(frozen=True)
class Kit:
    intent: Intent
    target: Target
    files: Mapping[str, str]                     # path in the folder that is written -> text
    root: Mapping[str, str]                      # path on the site -> text, of files that lie there
    existing: bytes | None = None                # the robots.txt that was merged
    gaps: tuple[Difference, ...] = ()            # what the target cannot carry
    notes: tuple[Note, ...] = ()

    def fields(self, path: str, kind: str) -> words.Fields:
        """What is sent with a file of the site, as the configuration says."""
        if self.target.syntax == "wordpress":
            return wordpress.read(self.files, path) if kind == PAGE else []
        return CONFIGURATIONS[self.target.syntax][1](self.files, path) if self.target.syntax in CONFIGURATIONS else []

    def head(self, path: str) -> str:
        if self.target.syntax == "wordpress":
            return wordpress.read_metas(self.files, path)
        return self.files.get(HEAD, "")

    def evidence(self, path: str, kind: str) -> tuple[Evidence, ...]:
        """What a crawler would get that asks for a path, decoded."""
        origin, out = self.intent.origin, []
        for place, carrier in CARRIERS.items():
            text = self.root.get(place)
            out.append(Evidence(carrier, origin + place, None, Access.UNAVAILABLE if text is None else Access.OBTAINED,
                                (text or "").encode("utf-8", "surrogateescape")))
        sent = "".join(f"{name}: {value}\r\n" for name, value in self.fields(path, kind))
        page = f"<!doctype html><html><head><title>{kind}</title>{self.head(path)}</head><body><p>{kind}</p></body></html>"
        body = {PAGE: page.encode(), PICTURE: PIXEL, FILE: b"[]"}[kind]
        out += [Evidence(Carrier.HTTP_FIELDS, origin + path, None, Access.OBTAINED, f"HTTP/1.1 200 OK\r\n{sent}".encode()),
                Evidence(Carrier.BODY, origin + path, None, Access.OBTAINED, body)]
        out += [Evidence(carrier, origin + place, None, Access.OBTAINED, self.root[place].encode())
                for place, carrier in REFERRED.items() if place in self.root]
        return tuple(out)


class Contradiction(ValueError):
    """The words would not come to what is meant, so nothing is written."""

    def __init__(self, differences: tuple[Difference, ...]):
        super().__init__(f"{len(differences)} differences")
        self.differences = differences


def make(intent: Intent, target: Target, wishes: Wishes = Wishes()) -> Kit:
    """A kit that says what is meant. Contradiction; ValueError for what cannot be written in this configuration."""
    notes: list[Note] = []
    root, policy_url, rsl_url = _root(intent, target, wishes, notes)
    rows = _rows(intent, target.fields, lambda said: words.fields(said, policy_url, rsl_url), notes)
    metas = _rows(intent, target.metas, lambda said: words.metas(said, policy_url), notes)
    files: Files = {f"{target.folder}{path}".lstrip("/"): text for path, text in root.items()}
    match target.syntax:
        case "wordpress":
            files = wordpress.write(rows, {path: words.head(said, rsl_url) for path, said in metas},
                                    {path: (MEDIA_TYPES[path], text) for path, text in root.items() if path != words.ROBOTS},
                                    words.top(intent, rsl_url), words.to_everyone(intent), words.away_groups(intent))
            if wishes.robots is not None:        # a file, which is sent in place of what the plugin says
                files[words.ROBOTS[1:]] = root[words.ROBOTS]
            root = {**wordpress.read_files(files), words.ROBOTS: files.get(words.ROBOTS[1:]) or wordpress.read_robots(files)}
        case "shopify":
            if wishes.robots is not None:
                raise ValueError("robots.txt of a shop is made by a template, which keeps what is there; leave out --merge")
            files = shopify.write(words.to_everyone(intent), words.away_groups(intent))
            root = {words.ROBOTS: shopify.read_robots(files)}
        case "nojekyll":
            files[".nojekyll"] = ""
        case "eleventy":
            files["eleventy.config.maymine.js"] = ELEVENTY
        case configured if configured in CONFIGURATIONS:
            dotted, rsl = (path if path in root else "" for path in (words.TDMREP, words.RSL))
            files |= CONFIGURATIONS[configured][0](rows, rsl, dotted)
    if target.metas == EVERYWHERE and (head := words.head(metas[-1][1], rsl_url)):
        files[HEAD] = head
    kit = Kit(intent, target, files, root, wishes.robots)
    found = tuple(d for path, kind in samples(intent)
                  for d in differences(intent, path, kind, kit.evidence(path, kind), kit.existing))
    if wrong := tuple(d for d in found if target.is_whole or not d.is_gap):
        raise Contradiction(wrong)
    return replace(kit, gaps=found, notes=tuple(notes))


def _root(intent: Intent, target: Target, wishes: Wishes, notes: list[Note]) -> tuple[dict[str, str], str, str]:
    """Files at the root of the site, and the addresses of the policy and of the licence document."""
    whole = target.files == ALL
    texts = {words.POLICY: words.policy(intent), words.RSL: words.rsl(intent), words.TRUST: words.trust(intent),
             words.AI: words.ai(intent) if wishes.with_ai_txt else ""} if whole else {}
    root = {path: text for path, text in texts.items() if text and path not in wishes.without}
    policy_url = intent.origin + words.POLICY if words.POLICY in root else intent.terms
    rsl_url = intent.origin + words.RSL if words.RSL in root else ""
    if whole and (text := words.tdmrep(intent, policy_url)):
        root = {words.TDMREP: text, **root}
    if target.files == NONE:
        return root, policy_url, rsl_url
    robots = words.robots(intent, rsl_url)
    if wishes.robots is not None:
        robots = merge.merge(wishes.robots, intent, rsl_url).decode("utf-8", "surrogateescape")
        if out := robots.count(merge.KEPT) - wishes.robots.decode("latin-1").count(merge.KEPT):
            notes.append(("merged-out", {"n": out}))
    notes += _of_robots(intent)
    return {words.ROBOTS: robots, **root}, policy_url, rsl_url


def _of_robots(intent: Intent) -> Iterator[Note]:
    """What a person should know of the robots.txt."""
    groups = [(names, let) for names, let in words.turned_away(intent)]
    controls = {a.token for a in agents().values() if a.purpose in CONTROLS}
    if intent.away is Away.EVERYONE:
        yield "away-everyone", {}
    elif intent.away is Away.TRAINERS:
        yield "away-trainers", {"n": sum(1 for names, _ in groups for name in names if name not in controls)}
    away = [name for names, _ in groups for name in names if name in controls]
    if away and intent.away is not Away.EVERYONE:
        yield "away-controls", {"names": ", ".join(away)}
    if kept := sorted(controls - set(away)) if intent.said.get(Use.TRAIN_GENAI) is False else []:
        yield "controls-kept", {"names": ", ".join(kept)}
    if left := [word for use, word in words.SIGNAL.items() if use in intent.varies]:
        yield "signals-left-out", {"names": ", ".join(left)}
    for leave in intent.leaves:
        if intent.said.get(Use.TDM_OTHER) is False and intent.at(leave.path)[Use.TDM_OTHER] and Use.TDM_OTHER not in leave.uses:
            yield "lifted", {"path": leave.encoded}


def _rows(intent: Intent, where: str, make: Callable[[Said], words.Fields],
          notes: list[Note]) -> list[tuple[str, words.Fields]]:
    """Folders and what is sent with them, `/` last. Where all get the same, only what is true of all."""
    rows = [*((leave.path, make(intent.at(leave.path))) for leave in intent.leaves), ("/", make(intent.said))]
    if where in (BY_PATH, PAGES):
        return [(path, words.joined(fields)) for path, fields in rows]
    if where == NONE:
        return [("/", [])]
    kept = [one for one in rows[-1][1] if all(one in fields for _, fields in rows)]
    if out := list(dict.fromkeys(name for _, fields in rows for name, value in fields if (name, value) not in kept)):
        notes.append(("not-everywhere", {"names": ", ".join(out)}))
    return [("/", words.joined(kept))]
