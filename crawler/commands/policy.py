"""`maymine policy`: list, show and check the tables that decide."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import FINDINGS, options

if TYPE_CHECKING:
    from rules.policy import Policy, Rule

# What an effect is called where it is shown.
EFFECTS = {"ignore": "does not matter", "permit": "permitted", "hold": "undetermined", "prohibit": "prohibited",
           "agreed": "permitted by agreement"}
ASKER = "the one that asks"
NOTHING = "Nothing above decides"
# How sure it is what a source says.
CHECKED = {"primary text": "read in the words of the source itself",
           "secondary text": "known from somebody else's words about it, and not read itself",
           "not re-read": "known from before, and not read again for this version of the policy"}


@click.group("policy")
def command() -> None:
    """Show and prove the policies that decide.

    \b
    Example:
      maymine policy list
      maymine policy show eu-dsm-art4
      maymine policy check my-house.yaml
    """


@command.command("list", epilog=options.example("maymine policy list", "maymine policy list --format json"))
@options.format("text", "json", "jsonl")
def list_policies(form: str) -> None:
    """List the policies that come with maymine.

    Drafts and proposals are what-ifs: they decide only where they are named.
    """
    from rules import policies

    from ..terminal import table
    from .output import values
    rows = [head(policies.load(name)) for name in policies.names()]
    if form != "text":
        values(form, rows)
        return
    table(("name", "where", "status", "since", "title", "uses"),
          [(r["name"], r["jurisdiction"], r["status"] + ("" if r["applies_unnamed"] else ", only when named"),
            r["in_force"].get("from", ""), r["title"], ", ".join(r["uses"])) for r in rows], prose=True)


@command.command(epilog=options.example("maymine policy show eu-dsm-art4", "maymine policy show ./my-house.yaml --format json"))
@click.argument("policy", type=options.PolicyName(), metavar="NAME|FILE")
@options.language
@options.format("text", "json")
def show(policy: Policy, lang: str, form: str) -> None:
    """Show one policy as a table: if this was found, then that, because of this source.

    For each finding the first row that applies answers. The strictest answer of all findings is the verdict.
    """
    from ..terminal import say, table
    from .output import paragraph, values
    told = speaks(policy, lang)
    rows = [describe(policy, rule, told, lang) for rule in (*policy.rules, policy.silence)]
    if form == "json":
        values("jsonl", [{**head(policy), "digest": policy.digest, "rules": rows}])
        return
    say(f"{policy.title}  ({policy.id})")
    paragraph(f"Where: {policy.jurisdiction}. Status: {policy.status}{_dates(policy.in_force)}. "
              f"For: {', '.join(policy.actors)}. Decides about: {', '.join(u.value for u in policy.uses)}. "
              f"Must be looked at: {', '.join(c.value for c in policy.requires) or 'nothing'}.")
    say()
    table(("row", "if", "then", "because", "in words"),
          [(r["id"], r["if"], ", ".join((r["then"], *r["duties"])), r["because"], blanks(r["sentence"])) for r in rows],
          prose=True)
    say()
    say("Sources")
    for key, source in policy.sources.items():
        paragraph("; ".join(filter(None, (source.cite, source.url, source.checked and f"checked: {source.checked}"))),
                  bullet=f"  {key}: ")
    for word in dict.fromkeys(source.checked for source in policy.sources.values()):
        if word in CHECKED:
            paragraph(f"{word}: {CHECKED[word]}", bullet="  checked, ")


@command.command(epilog=options.example("maymine policy check my-house.yaml", "maymine policy check *.yaml && echo proved"))
@click.argument("files", nargs=-1, required=True, metavar="FILE...",
                type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...]) -> None:
    """Prove a policy file and run its examples.

    Proved means: every finding that a reader can make is answered, no row is dead, every row that decides has an example
    and a sentence, and nothing is permitted because it could not be read. Standard output has one line for each fault,
    `file:line: what is wrong`, and is silent when there is none.

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
            "actors": list(policy.actors), "phases": list(policy.phases), "uses": [u.value for u in policy.uses],
            "requires": [c.value for c in policy.requires], "languages": sorted(policy.tell)}


def describe(policy: Policy, rule: Rule, told: Mapping[str, Mapping[str, str]], lang: str) -> dict[str, Any]:
    """One row, in the policy's words and in a reader's."""
    source = policy.sources[rule.because]
    return {"id": rule.id, "when": {k: sorted(v) for k, v in rule.when.items()}, "if": condition(rule.when, told) or NOTHING,
            "then": EFFECTS[rule.then.name.lower()], "duties": [d.value for d in rule.duties], "because": rule.because,
            "cite": source.cite, "url": source.url, "sentence": policy.tell[lang][rule.id]}


def speaks(policy: Policy, lang: str) -> Mapping[str, Mapping[str, str]]:
    """The words of a language that the policy speaks, too. Ends with a usage error if there is none."""
    from rules.explain import words
    if lang not in policy.tell:
        known = options.unknown(lang, tuple(sorted(policy.tell)), f"language of {policy.name}")
        raise click.BadParameter(known, param_hint="--lang")
    try:
        return words(lang)
    except KeyError:
        raise click.BadParameter(f"'{lang}' has no words in words.yaml yet; use en", param_hint="--lang") from None


# How a condition is spoken; a condition that admits every word of its list asks only for the kind of finding.
LEAD = {
    "signal": "said by {}", "protocol": "said in {}", "use": "about {}", "preference": "that says {}", "audience": "to {}",
    "form": "written {}", "subject": "speaking of {}", "terms": "with terms: {}", "fault": "could not be read: {}",
    "carrier": "in {}", "circumstance": "{}",
}
WHOLE = {"fault": "could not be read, for whatever cause", "preference": "whatever it says", "use": "about any use",
         "carrier": "anywhere", "audience": "to anyone"}
SPOKEN = {"preference": {"disallow": "no", "allow": "yes"}}


def condition(when: Mapping[str, frozenset[str]], told: Mapping[str, Mapping[str, str]]) -> str:
    """What a row asks, for somebody who has not read the file: 'about fetching; that says no; to everyone'."""
    parts = []
    for key, words in when.items():
        ordered, all_words = _ordered(key, words)
        names = told.get(key) or SPOKEN.get(key) or {}
        spoken = [names.get(word, word).format(token=ASKER) for word in ordered]
        parts.append(WHOLE[key] if all_words and key in WHOLE else LEAD[key].format(" or ".join(spoken)))
    return "; ".join(parts)


def blanks(sentence: str) -> str:
    """A sentence with its places as a reader would mark them: {where} is [where]."""
    return sentence.replace("{", "[").replace("}", "]")


def _ordered(key: str, words: frozenset[str]) -> tuple[list[str], bool]:
    """The words in the order of the list they come from, and whether they are all of it."""
    from rules.policy import CONDITIONS
    known = next(asked[key] for asked in CONDITIONS.values() if key in asked)
    return [word for word in known if word in words], len(words) == len(known)


def _dates(in_force: Mapping[str, str]) -> str:
    return "".join(f", {word} {day}" for word, day in in_force.items())
