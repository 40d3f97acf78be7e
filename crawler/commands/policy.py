"""`maymine policy`: list, show and check the tables that decide."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import FINDINGS, options

if TYPE_CHECKING:
    from rules.explain import Words
    from rules.policy import Policy, Rule

@click.group("policy")
def command() -> None:
    """Show and prove the policies that decide.

    \b
    Example:
      maymine policy list
      maymine policy show eu-dsm-art4
      maymine policy check my-house.yaml
    """


@command.command("list", epilog=options.example(
    "maymine policy list", "maymine policy list --lang ko", "maymine policy list --format json"))
@options.language
@options.format("text", "json", "jsonl", "markdown")
def list_policies(lang: str, form: str) -> None:
    """List the policies that come with maymine.

    Drafts and proposals are what-ifs: they decide only where they are named.
    """
    from rules import policies

    from ..report.catalogue import Catalogue
    from ..terminal import table
    from .output import values
    say = Catalogue(lang).text
    found = [policies.load(name) for name in policies.names()]
    rows = [{**head(policy), "title": policy.titles[lang]} for policy in found]
    if form in ("json", "jsonl"):
        values(form, rows)
        return
    columns = [say(f"policy.{column}") for column in ("name", "where", "status", "begin", "title")]
    cells = [(p.name, p.jurisdiction, status(p, lang), p.in_force.get("from", ""), p.titles[lang]) for p in found]
    if form == "markdown":
        click.echo(markdown(columns[:3] + columns[4:5], [(f"`{c[0]}`", *c[1:3], c[4]) for c in cells]))
    else:
        table(columns, cells, prose=True, names=1)


@command.command(epilog=options.example(
    "maymine policy show eu-dsm-art4", "maymine policy show kr-item32-2026 --lang ko",
    "maymine policy show ./my-house.yaml --format json"))
@click.argument("policy", type=options.PolicyName(), metavar="NAME|FILE")
@options.language
@options.format("text", "json")
def show(policy: Policy, lang: str, form: str) -> None:
    """Show one policy as a table: if this was found, then that, because of this source.

    For each finding the first row that applies answers. The strictest answer of all findings is the verdict.
    """
    from .output import values
    told = speaks(policy, lang)
    rows = [describe(policy, rule, told, lang) for rule in (*policy.rules, *policy.silences)]
    if form == "json":
        values("jsonl", [{**head(policy), "digest": policy.digest, "rules": rows}])
    else:
        from .policy_table import tell
        tell(policy, rows, told, lang)


@command.command(epilog=options.example("maymine policy check my-house.yaml", "maymine policy check *.yaml && echo proved"))
@click.argument("files", nargs=-1, required=True, metavar="FILE...",
                type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...]) -> None:
    """Prove a policy file and run its examples.

    Proved means: every finding that a reader can make is answered, no row is dead, every row that decides has an example,
    no language lacks a sentence or a place in one, and nothing is permitted because it could not be read. Standard output
    has one line for each fault, `file:line: what is wrong`, and is silent when there is none.

    Exit code: 0 no faults, 1 faults.
    """
    from rules.policy import PolicyError, load_policy
    from rules.proof import run_examples

    from ..terminal import counted, say
    faults = 0
    for file in files:
        try:
            policy = load_policy(file.read_text("utf-8"), str(file))
            wrong = run_examples(policy)
        except PolicyError as error:
            wrong = str(error).splitlines()
        except (OSError, UnicodeDecodeError) as error:
            wrong = [f"{file}:1: cannot be read: {options.reason(error)}"]
        for each in wrong:
            say(each)
        faults += len(wrong)
        if not wrong:
            examples = counted(len(policy.examples), "example comes", "examples come")
            click.echo(f"{file}: {counted(len(policy.rules), 'row answers', 'rows answer')} "
                       f"{counted(len(policy.table), 'kind', 'kinds')} of finding; {examples} out as written", err=True)
    ctx.exit(FINDINGS if faults else 0)


def head(policy: Policy) -> dict[str, Any]:
    """What a policy says of itself."""
    from rules.policy import APPLIES_UNNAMED
    return {"name": policy.name, "version": policy.version, "title": policy.title, "jurisdiction": policy.jurisdiction,
            "status": policy.status, "applies_unnamed": policy.status in APPLIES_UNNAMED, "in_force": dict(policy.in_force),
            "actors": list(policy.actors), "purposes": list(policy.purposes), "phases": dict(policy.phases),
            "uses": [u.value for u in policy.uses], "requires": [c.value for c in policy.requires],
            "lists": {name: {"words": list(each.words), "as_of": each.as_of} for name, each in policy.lists.items()},
            "pending": [{"cite": each.cite, "when": each.when, "checked": each.checked} for each in policy.pending],
            "languages": sorted(policy.tell)}


def status(policy: Policy, lang: str) -> str:
    """A draft or a proposal is seen as such."""
    from rules.explain import words
    from rules.policy import APPLIES_UNNAMED

    from ..report.catalogue import Catalogue
    told = words(lang)["status"][policy.status]
    return told if policy.status in APPLIES_UNNAMED else Catalogue(lang).text("policy.named", status=told)


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def describe(policy: Policy, rule: Rule, told: Words, lang: str) -> dict[str, Any]:
    """One row, in the policy's words and in a reader's."""
    from rules.explain import citation

    from ..report.catalogue import Catalogue
    source = policy.sources[rule.because]
    asked = "; ".join(filter(None, (condition(rule.when, told, lang),
                                    Catalogue(lang).text("policy.silence") if rule in policy.silences else "")))
    return {"id": rule.id, "when": {k: sorted(v) for k, v in rule.when.items()}, "if": asked,
            "then": told["effect"][rule.then.name.lower()], "effect": rule.then.name.lower(),
            "duties": [d.value for d in rule.duties], "factors": list(rule.factors),
            "terms": {k: v for k, v in asdict(rule.terms).items() if v} if rule.terms else {},
            "because": rule.because, "cite": citation(source, lang), "url": source.url, "sentence": policy.tell[lang][rule.id]}


def speaks(policy: Policy, lang: str) -> Words:
    """The words of a language that the policy speaks, too. Ends with a usage error if there is none."""
    from rules.explain import words
    if lang not in policy.tell:
        known = options.unknown(lang, tuple(sorted(policy.tell)), f"language of {policy.name}")
        raise click.BadParameter(known, param_hint="--lang")
    try:
        return words(lang)
    except KeyError:
        raise click.BadParameter(f"'{lang}' has no words in rules/words yet; use en", param_hint="--lang") from None


def condition(when: Mapping[str, frozenset[str]], told: Words, lang: str = "en") -> str:
    """What a row asks, for somebody who has not read the file: 'about fetching; that says no; to everyone'."""
    from ..report.catalogue import Catalogue
    say = Catalogue(lang).text
    parts = []
    for key, words in when.items():
        ordered, all_words = _ordered(key, words)
        names = told["use"] if key == "asked" else told.get(key, {})
        spoken = [names.get(word, word).format(token=say("policy.asker")) for word in ordered]
        several = ", ".join(spoken[:-1])
        several = say("policy.or", a=several, b=spoken[-1]) if several else "".join(spoken) or say("policy.empty")
        parts.append(told["whole"][key] if all_words and key in told["whole"] else told["lead"][key].format(several))
    return "; ".join(parts)


def _ordered(key: str, words: frozenset[str]) -> tuple[list[str], bool]:
    """The words in the order of the list they come from, and whether they are all of it."""
    from rules.model import Use
    from rules.policy import CONDITIONS
    known = next((asked[key] for asked in CONDITIONS.values() if key in asked), tuple(u.value for u in Use))
    return [word for word in known if word in words], len(words) == len(known)
