"""YAML -> Policy, or PolicyError with file:line.

Facts (rules/README.md, 'The policy file')
- Whatever shows to people is written in every language that the policy speaks: `title` is one text or one a language, `tell`
  has one sentence a row and language. Rows that policies have alike are told by the words (rules/words), where the policy
  does not. A citation is one text, or one a language; in others it is the English one.
- INVARIANT: no row permits because something could not be read.
"""
from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from .data import names
from .explain import words
from .model import Carrier, Duty, Effect, Fault, Terms, Use
from .policy import (
    ACTORS,
    ASKED,
    ASSET_KEYS,
    CHECKED,
    CONDITIONS,
    FACTORS,
    PHASES,
    PURPOSES,
    REACH,
    SILENCE,
    STATUSES,
    SUPERSEDED,
    Example,
    Policy,
    PolicyError,
    Rule,
    Source,
    WordList,
)
from .policy_check import problems
from .strict_yaml import DataError, Node
from .strict_yaml import load as load_yaml

REQUIRED = ("policy", "version", "title", "jurisdiction", "status", "uses", "silence", "requires", "sources", "rules", "tell",
            "examples")
OPTIONAL = ("in_force", "actors", "purposes", "phases", "lists", "pending")
# What a row may carry along, and the effects that it goes with.
RIDES = {"duties": (Effect.PERMIT, Effect.AGREED), "factors": (Effect.HOLD,),
         "terms": (Effect.PERMIT, Effect.HOLD, Effect.PROHIBIT, Effect.AGREED)}
VERDICTS = ("permitted", "undetermined", "prohibited")
ASKER_KEYS = ("token", "commercial", "country")


def load(text: str, name: str) -> Policy:
    """Read and prove a policy."""
    try:
        policy = _policy(load_yaml(text, name), text)
    except DataError as error:
        raise PolicyError(str(error)) from error
    if found := sorted(set(problems(policy))):
        raise PolicyError("\n".join(f"{name}:{line}: {what}" for line, what in found))
    return policy


def _policy(root: Node, text: str) -> Policy:
    top = root.fields(REQUIRED, OPTIONAL)
    sources = {key: _source(node) for key, node in top["sources"].pairs().items()}
    lists = {key: _list(node, sources) for key, node in top["lists"].pairs().items()} if "lists" in top else {}
    silences, rules = _silences(top["silence"], sources), _rules(top["rules"], sources, lists)
    languages = ("en", *top["tell"].pairs())
    return Policy(
        name=top["policy"].text(), version=top["version"].text(), titles=_by_language(top["title"], languages),
        jurisdiction=top["jurisdiction"].text(), status=top["status"].word(STATUSES),
        in_force={k: n.text() for k, n in top["in_force"].fields((), ("from", "until")).items()} if "in_force" in top else {},
        actors=_words(top.get("actors"), ACTORS) or ("anyone",), purposes=_words(top.get("purposes"), PURPOSES),
        phases={k: n.word(REACH) for k, n in top["phases"].fields((), PHASES).items()} if "phases" in top else {},
        uses=top["uses"].members(Use), requires=top["requires"].members(Carrier),
        silences=silences, rules=rules, sources=sources, lists=lists,
        pending=tuple(_source(n, ("when",)) for n in top["pending"].items()) if "pending" in top else (),
        tell=_tell(top["tell"], (*rules, *silences)), examples=tuple(_example(node) for node in top["examples"].items()),
        digest="sha256:" + hashlib.sha256(text.encode()).hexdigest(), file=root.file)


def _words(node: Node | None, known: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(n.word(known) for n in node.each()) if node else ()


def _by_language(node: Node, languages: Iterable[str] = ("en",)) -> Mapping[str, str]:
    """Language -> text. One text is that of all languages."""
    texts = node.pairs() if node.is_mapping else dict.fromkeys(languages, node)
    if "en" not in texts:
        node.error("'en' is missing")
    return {language: text.text() for language, text in texts.items()}


def _source(node: Node, more: tuple[str, ...] = ()) -> Source:
    if "house" in node.pairs():
        return Source(house=node.fields(("house",))["house"].word(words("en")["house"]))
    fields = node.fields(("cite",), ("url", "checked", *more))
    checked = {"checked": fields.pop("checked").word(CHECKED)} if "checked" in fields else {}
    cites = _by_language(fields.pop("cite"))
    return Source(cites, **{k: n.text() for k, n in fields.items()}, **checked)


def _list(node: Node, sources: Mapping[str, Source]) -> WordList:
    fields = node.fields(("words", "as_of", "because"))
    return WordList(tuple(fields["words"].texts()), fields["as_of"].text(), fields["because"].word(sources))


def _effect(node: Node) -> Effect:
    return Effect[node.word(e.name.lower() for e in Effect).upper()]


def _rule(id: str, about: type, when: Mapping[str, frozenset[str]], row: Mapping[str, Node], sources: Mapping[str, Source],
          line: int) -> Rule:
    then = _effect(row["then"])
    for key, effects in RIDES.items():
        if key in row and then not in effects:
            row[key].error(f"{key} ride on {' and '.join(e.name.lower() for e in effects)} alone")
    return Rule(id, about, when, then, row["because"].word(sources),
                row["duties"].members(Duty) if "duties" in row else (), _words(row.get("factors"), FACTORS),
                _terms(row["terms"]) if "terms" in row else None, line)


def _terms(node: Node) -> Terms:
    fields = node.fields((), ("url", "conditions", "payment", "amount", "currency"))
    conditions = tuple(fields.pop("conditions").texts()) if "conditions" in fields else ()
    return Terms(conditions=conditions, **{k: n.text() for k, n in fields.items()})


def _silences(node: Node, sources: Mapping[str, Source]) -> tuple[Rule, ...]:
    """One row, or rows for the uses that are asked about; the last is for all others."""
    rows: dict[str, Rule] = {}
    for item in ([node] if node.is_mapping else node.items()):
        row = item.fields(("then", "because"), ("id", ASKED, *RIDES))
        id, when = SILENCE, dict[str, frozenset[str]]()
        if ASKED in row:
            when, id = {ASKED: frozenset(u.value for u in row[ASKED].members(Use))}, row["id"].text() if "id" in row else ""
        rule = _rule(id, type(None), when, row, sources, item.line)
        if rule.then not in (Effect.PERMIT, Effect.HOLD, Effect.PROHIBIT):
            row["then"].error("silence permits, holds or prohibits")
        if id in rows or not id.startswith(SILENCE):
            item.error(f"a row for some uses has an id of its own, that starts with '{SILENCE}-'")
        rows[id] = rule
    if list(rows)[-1:] != [SILENCE]:
        node.error("the last row of silence is for all uses")
    return tuple(rows.values())


def _rules(node: Node, sources: Mapping[str, Source], lists: Mapping[str, WordList]) -> tuple[Rule, ...]:
    rules: dict[str, Rule] = {}
    for item in node.items():
        row = item.fields(("id", "when", "then", "because"), tuple(RIDES))
        id = row["id"].text()
        if id in rules or id == SUPERSEDED or id.startswith(SILENCE):
            row["id"].error(f"'{id}' stands twice")
        when = row["when"].pairs()
        own = when.keys() - {ASKED}
        about = next((kind for kind, keys in CONDITIONS.items() if own and own <= keys.keys()), None)
        if about is None:
            known = "; or ".join(", ".join(keys) for keys in CONDITIONS.values())
            row["when"].error(f"no finding answers {', '.join(when) or 'nothing'} together; a row asks {known}; and {ASKED}")
        known_words = {**CONDITIONS[about], ASKED: tuple(u.value for u in Use)}
        words_asked = {key: _any_of(value, known_words[key], lists) for key, value in when.items()}
        rules[id] = _rule(id, about, words_asked, row, sources, item.line)
        if about is Fault and rules[id].then in (Effect.PERMIT, Effect.AGREED):
            row["then"].error(f"row {id} would permit because something could not be read")
    return tuple(rules.values())


def _any_of(node: Node, known: tuple[str, ...], lists: Mapping[str, WordList]) -> frozenset[str]:
    if not node.is_mapping:
        return frozenset(n.word(known) for n in node.each())
    named = node.fields(("list",))["list"]
    listed = lists[named.word(lists)].words
    for word in listed:
        if word not in known:
            named.error(f"'{word}' of the list is none of {', '.join(known)}")
    return frozenset(listed)


def _tell(node: Node, rows: Iterable[Rule]) -> dict[str, dict[str, str]]:
    """Language -> row -> sentence; the words speak for rows that the policy does not tell itself."""
    out: dict[str, dict[str, str]] = {}
    for language, sentences in node.pairs().items():
        alike = words(language)["rows"] if language in names("words", ".yaml") else {}
        own = {row: n.text() for row, n in sentences.pairs().items()}
        out[language] = {**{r.id: alike[r.id] for r in rows if r.id in alike}, **own}
    return out


def _example(node: Node) -> Example:
    row = node.fields(("name", "given", "use", "verdict", "by"), ("asker", "asset"))
    given = row["given"].fields((), (c.value for c in Carrier))
    return Example(
        row["name"].text(), {c: n.text() for c, n in given.items()}, row["use"].member(Use), row["verdict"].word(VERDICTS),
        tuple(row["by"].texts()),
        {k: n.text() for k, n in row["asker"].fields((), ASKER_KEYS).items()} if "asker" in row else {},
        {k: n.text() for k, n in row["asset"].fields((), ASSET_KEYS).items()} if "asset" in row else {},
        node.line)
