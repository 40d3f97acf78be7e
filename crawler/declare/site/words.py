"""What each carrier says for an intent: one function a carrier, text out. Nothing here knows of servers.

**Facts**
- RFC 9309, 2.2.1 (https://www.rfc-editor.org/rfc/rfc9309): a crawler that a group names hears nothing of `*`. So each group
  repeats what is said to all.
- draft-ietf-aipref-attach-05, 4 (https://datatracker.ietf.org/doc/draft-ietf-aipref-attach/05/): the longest Content-Usage path
  is taken whole, so a line for a path repeats the rest; a path that may not be fetched has no preference. vocab-08: the labels
  are `train-ai`, `ai-use` and `search`.
- Content Signals (https://contentsignals.org/): `search`, `ai-input`, `ai-train`, `yes` or `no`, and no path. So a signal that
  would not be true everywhere is left out; so is the record of trust.txt.
- TDMRep, 6.1 and 7 (https://www.w3.org/community/reports/tdmrep/CG-FINAL-tdmrep-20240510/): the file is an array even for one
  rule, the first rule that matches counts, 1 is a number. Fields supersede the file, metas both. 6.5: a policy is an ODRL offer
  with one assigner; its action is tdm:mine.
- RSL 1.0, 3.5 (https://rslstandard.org/rsl): beside a `permits` nothing else of its type is allowed. So permissions are written
  only where something is said of every use. 4.4: a License record before the first group is for all.
- DeviantArt, 2022-11-11: `noai` and `noimageai`. OURS: search is refused by `noindex` in fields and metas as well.
- OURS: the comment that reserves rights in natural language stands only where it is true of the whole site.
"""
from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from urllib.parse import unquote
from xml.sax.saxutils import escape, quoteattr

from rules import Use
from rules.agents import agents

from .intent import USES, Away, Intent, Leave, Said, names_of

Fields = list[tuple[str, str]]           # name and value, in order

ROBOTS, TDMREP, POLICY, RSL, TRUST, AI = (
    "/robots.txt", "/.well-known/tdmrep.json", "/tdm-policy.json", "/license.xml", "/trust.txt", "/ai.txt")
USAGE = {Use.TRAIN_GENAI: "train-ai", Use.AI_USE: "ai-use", Use.SEARCH: "search"}
SIGNAL = {Use.SEARCH: "search", Use.AI_USE: "ai-input", Use.TRAIN_GENAI: "ai-train"}
VERB = {True: "Allow", False: "Disallow"}
RESERVED = ("All rights are reserved, including those for text and data mining and for AI training "
            "(Directive (EU) 2019/790, Art. 4(3)).")


def usage(said: Said) -> str:
    """A Content-Usage statement; "" where there is nothing to say."""
    return ", ".join(f"{word}={'y' if said[use] else 'n'}" for use, word in USAGE.items() if use in said)


def signals(intent: Intent) -> str:
    """A Content-Signal value; "" where nothing holds everywhere."""
    return ", ".join(f"{word}={'yes' if intent.said[use] else 'no'}" for use, word in SIGNAL.items()
                     if use in intent.said and use not in intent.varies)


def to_everyone(intent: Intent) -> list[str]:
    """The lines that stand in every group of robots.txt."""
    lines = [f"Content-Usage: {leave.encoded} {statement}" for leave in intent.leaves
             if (statement := usage(intent.at(leave.path))) != usage(intent.said)]
    lines += [f"Content-Usage: {statement}"] if (statement := usage(intent.said)) else []
    return lines + ([f"Content-Signal: {value}"] if (value := signals(intent)) else [])


def turned_away(intent: Intent) -> Iterator[tuple[list[str], tuple[Leave, ...]]]:
    """Names in user-agent lines, sorted, and the folders into which they are let: those let into the same stand together."""
    together: dict[tuple[Leave, ...], set[str]] = {}
    for agent in agents().values():
        if intent.turns_away(agent):
            let = tuple(leave for leave in intent.leaves if intent.lets_in(agent, leave))
            together.setdefault(let, set()).update(names_of(agent))
    for let, names in together.items():
        yield sorted(names, key=str.lower), let


def robots(intent: Intent, rsl_url: str = "") -> str:
    """A whole robots.txt."""
    last = [] if intent.away is Away.EVERYONE else ["User-agent: *", "Allow: /", *to_everyone(intent)]
    return "\n".join([*top(intent, rsl_url), "", *away_groups(intent), *last]).strip() + "\n"


def top(intent: Intent, rsl_url: str = "") -> list[str]:
    """What stands before the first group."""
    return [*comments(intent), *([f"License: {rsl_url}"] if rsl_url else [])]


def away_groups(intent: Intent) -> list[str]:
    """Groups of those who are turned away, an empty line after each."""
    out: list[str] = []
    everyone = [(["*"], intent.leaves)] if intent.away is Away.EVERYONE else []
    for names, let in [*turned_away(intent), *everyone]:
        out += [*(f"User-agent: {name}" for name in names), *away_rules(let), *to_everyone(intent), ""]
    return out


def away_rules(let: Iterable[Leave]) -> list[str]:
    """What is let in comes first, for readers that take the first rule that matches."""
    return [*(f"Allow: {leave.encoded}" for leave in let), "Disallow: /"]


def comments(intent: Intent) -> list[str]:
    """Lines for people. Nothing in them is true only of a part of the site."""
    who = ", ".join(filter(None, (intent.owner, intent.terms, intent.contact if "://" in intent.contact else "")))
    whole = not intent.leaves and all(intent.said.get(use) is False for use in USES.values() if use is not Use.SEARCH)
    return [*([f"# {who}"] if who else []), *([f"# {RESERVED}"] if whole else [])]


def tdmrep(intent: Intent, policy_url: str = "") -> str:
    """tdmrep.json; "" where nothing is said of mining."""

    def rule(path: str, said: Said) -> dict[str, object]:
        reserved = said[Use.TDM_OTHER] is False
        policy = {"tdm-policy": policy_url} if reserved and policy_url else {}
        return {"location": path, "tdm-reservation": int(reserved), **policy}
    said = [*((leave.encoded, intent.at(leave.path)) for leave in intent.leaves), ("/", intent.said)]
    rules = [rule(path, one) for path, one in said if Use.TDM_OTHER in one]
    return _json(rules) if rules else ""


def policy(intent: Intent) -> str:
    """The ODRL offer that a reservation leads to; "" where it would name nobody to ask."""
    if intent.said.get(Use.TDM_OTHER) is not False or not (intent.contact or intent.terms):
        return ""
    assigner: dict[str, object] = {"uid": f"{intent.origin}/", "vcard:fn": intent.owner or unquote(intent.origin)}
    if intent.contact:
        mail = "://" not in intent.contact
        assigner["vcard:hasEmail" if mail else "vcard:hasURL"] = f"mailto:{intent.contact}" if mail else intent.contact
    if intent.terms:
        assigner["vcard:hasURL"] = intent.terms
    return _json({
        "@context": ["http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld"], "@type": "Offer",
        "profile": "http://www.w3.org/ns/tdmrep", "uid": f"{intent.origin}{POLICY}", "assigner": assigner,
        "permission": [{"target": f"{intent.origin}/", "action": "tdm:mine", "duty": [{"action": "obtainConsent"}]}]})


def rsl(intent: Intent) -> str:
    """An RSL document; "" where its words have nothing to say, or cannot take back in a folder what they say elsewhere."""
    for leave in intent.leaves:
        said = intent.at(leave.path)
        if not rsl_words(said)[0] and any(said.get(use) and intent.said.get(use) is False for use in USES.values()):
            return ""
    contents = [_content(path, said, intent) for path, said in
                [*((leave.encoded, intent.at(leave.path)) for leave in intent.leaves), ("/", intent.said)]]
    if not any("<p" in text for text in contents):
        return ""
    return ('<?xml version="1.0" encoding="UTF-8"?>\n<rsl xmlns="https://rslstandard.org/rsl">\n'
            + "".join(contents) + "</rsl>\n")


def _content(path: str, said: Said, intent: Intent) -> str:
    lines = [f'      <{kind} type="usage">{words}</{kind}>\n'
             for kind, words in zip(("permits", "prohibits"), rsl_words(said), strict=True) if words]
    people = [f"    <terms>{escape(intent.terms)}</terms>\n"] if intent.terms else []
    return f"  <content url={quoteattr(path)}>\n    <license>\n{''.join(lines)}    </license>\n{''.join(people)}  </content>\n"


def rsl_words(said: Said) -> tuple[str, str]:
    """Usage words that are permitted, and that are prohibited."""
    no = [word for use, word in ((Use.SEARCH, "search"), (Use.TRAIN_GENAI, "ai-train"), (Use.AI_USE, "ai-input ai-index"))
          if said.get(use) is False]
    if no[-2:] == ["ai-train", "ai-input ai-index"]:
        no[-2:] = ["ai-all"]
    if all(said.get(use) is False for use in USES.values()):
        no = ["all"]
    yes = [word for use, word in ((Use.SEARCH, "search"), (Use.TRAIN_GENAI, "ai-train"), (Use.AI_USE, "ai-input ai-index"))
           if said.get(use)]
    if not set(USES.values()) <= said.keys():
        yes = []                         # the list would be closed, and refuse what nothing is said about
    elif said[Use.TDM_OTHER]:
        yes = ["all"]
    return " ".join(yes), " ".join(no)


def trust(intent: Intent) -> str:
    """trust.txt; "" where training is not the same everywhere."""
    if Use.TRAIN_GENAI not in intent.said or Use.TRAIN_GENAI in intent.varies:
        return ""
    contact = [f"contact={intent.contact}"] if intent.contact else []
    return "\n".join([*contact, f"datatrainingallowed={'yes' if intent.said[Use.TRAIN_GENAI] else 'no'}"]) + "\n"


def ai(intent: Intent) -> str:
    """ai.txt as Spawning wrote it; "" where nothing is said of training."""
    if Use.TRAIN_GENAI not in intent.said:
        return ""
    train = intent.said[Use.TRAIN_GENAI]
    lines = [f"{VERB[not train]}: {leave.encoded}" for leave in intent.leaves
             if intent.at(leave.path).get(Use.TRAIN_GENAI) is not train]
    return "\n".join(["User-Agent: *", *lines, f"{VERB[train]}: /"]) + "\n"


def fields(said: Said, policy_url: str = "", rsl_url: str = "") -> Fields:
    """Response fields for what is said about a path."""
    out: Fields = []
    if statement := usage(said):
        out.append(("Content-Usage", statement))
    out += reservation(said, policy_url)
    out += [("X-Robots-Tag", words) for words in robots_words(said)]
    if rsl_url:
        out.append(("Link", f'<{rsl_url}>; rel="license"; type="application/rsl+xml"'))
    return out


def reservation(said: Said, policy_url: str) -> Fields:
    """The names and values that TDMRep gives to fields and to metas."""
    if Use.TDM_OTHER not in said:
        return []
    reserved = said[Use.TDM_OTHER] is False
    return [("tdm-reservation", str(int(reserved))), *([("tdm-policy", policy_url)] if reserved and policy_url else [])]


def robots_words(said: Said) -> list[str]:
    """Directives of X-Robots-Tag and of robots metas, those about one use together."""
    return [*(["noai, noimageai"] if said.get(Use.TRAIN_GENAI) is False else []),
            *(["noindex"] if said.get(Use.SEARCH) is False else [])]


def metas(said: Said, policy_url: str = "") -> Fields:
    """Names and contents of metas."""
    return [*(("robots", words) for words in robots_words(said)), *reservation(said, policy_url)]


def joined(fields: Fields) -> Fields:
    """Robots directives in one field or meta."""
    out: dict[str, str] = {}
    for name, value in fields:
        out[name] = f"{out[name]}, {value}" if name in out else value
    return list(out.items())


def head(metas: Fields, rsl_url: str = "") -> str:
    """Elements for the head of a page, a line each."""
    lines = [f"<meta name={quoteattr(name)} content={quoteattr(value)}>" for name, value in joined(metas)]
    if rsl_url:
        lines.append(f'<link rel="license" type="application/rsl+xml" href={quoteattr(rsl_url)}>')
    return "".join(f"{line}\n" for line in lines)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
