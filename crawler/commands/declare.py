"""`maymine declare`: say to machines what they may do with a site."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import CLEAN, FINDINGS, UNDECIDED, USAGE, options

if TYPE_CHECKING:
    from ..declare.site.intent import Intent, Leave
    from ..declare.site.kit import Kit
    from ..declare.site.meaning import Difference
    from ..declare.site.targets import Target
    from ..report.catalogue import Catalogue

JSON = dict[str, Any]
DECLARED, GUIDE = "declared.json", "STEPS.md"
LEFT_OUT = {"trust.txt": "/trust.txt", "license.xml": "/license.xml", "tdm-policy.json": "/tdm-policy.json"}


def checked(by: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback that brings a value, or each of several, into the form of intent.py."""
    def check(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        from ..declare.site import intent
        make = getattr(intent, by)
        try:
            if isinstance(value, tuple):
                return tuple(make(one) for one in value)
            return make(value) if value else ""
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return check


@click.command("declare", epilog=options.example(
    "maymine declare --for nginx --origin https://art.example --no-train --allow-search -o kit",
    "maymine declare --for wordpress --origin https://art.example --stance reserve --contact ana@art.example -o kit",
    "maymine declare --for squarespace --origin https://art.example --stance no-train --lang de",
    "maymine declare --for static --origin https://art.example --no-fetch --except /press/=train --merge robots.txt -o kit",
    "maymine declare --declared kit --check https://art.example/"))
@click.option("--for", "target", default="", metavar="TARGET", help="Server, host, system or builder of the site; see --list.")
@click.option("--origin", callback=checked("origin"), metavar="URL", help="Scheme and host of the site.")
@click.option("--stance", default="", metavar="NAME", help="A set of wishes; see --list. The options below change it.")
@click.option("--allow-train/--no-train", "train", default=None, help="Training of AI.")
@click.option("--allow-search/--no-search", "search", default=None, help="Search indexes and results.")
@click.option("--allow-ai-use/--no-ai-use", "ai_use", default=None, help="Use as input of AI, as for its answers.")
@click.option("--allow-tdm/--no-tdm", "tdm", default=None, help="All text and data mining, training and use for AI included.")
@click.option("--no-fetch", is_flag=True, help="Turn crawlers for training and data sets away altogether.")
@click.option("--except", "leaves", multiple=True, callback=checked("leave"), metavar="PATH=USE[,USE]",
              help="A folder where uses are allowed: train, ai-use, search, tdm, fetch or all. May be given again.")
@click.option("--owner", default="", callback=checked("name"), metavar="NAME", help="Who says so.")
@click.option("--contact", default="", callback=checked("contact"), metavar="MAIL|URL", help="Where leave may be asked for.")
@click.option("--terms", default="", callback=checked("address"), metavar="URL", help="A page for people that says the same.")
@click.option("--with-ai-txt", is_flag=True, help="Also write ai.txt, which few read.")
@click.option("--without", multiple=True, type=click.Choice(tuple(LEFT_OUT)), help="Leave this file out.")
@click.option("--merge", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="The robots.txt that is there; no line of it is lost.")
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write the files here.")
@click.option("--overwrite", is_flag=True, help="Also over files that are there and differ.")
@click.option("--check", "served", multiple=True, metavar="URL",
              help="Compare what is served here with what was declared. A page or a file; may be given again.")
@click.option("--declared", type=click.Path(exists=True, path_type=Path), metavar="DIR",
              help="The folder in which a declaration was written; in place of the wishes.")
@click.option("--list", "listing", is_flag=True, help="List targets and stances.")
@click.option("--lang", type=click.Choice(("en", "de", "fr", "ko", "ja")), default="en", show_default=True,
              help="Language of what is for people.")
@click.option("--allow-private", is_flag=True, help="With --check, also reach loopback and private networks.")
@click.option("-v", "--verbose", is_flag=True, help="With --check, log to standard error.")
@options.format("text", "json")
@click.pass_context
def command(ctx: click.Context, target: str, origin: str, stance: str, train: bool | None, search: bool | None,
            ai_use: bool | None, tdm: bool | None, no_fetch: bool, leaves: tuple[Leave, ...], owner: str, contact: str,
            terms: str, with_ai_txt: bool, without: tuple[str, ...], merge: Path | None, out: Path | None, overwrite: bool,
            served: tuple[str, ...], declared: Path | None, listing: bool, lang: str, allow_private: bool, verbose: bool,
            form: str) -> None:
    """Write what a site says to machines, for the server or the host that it has.

    robots.txt, tdmrep.json, response fields, metas, RSL and more, as far as the target can carry them, with the steps to put
    them in place. Everything is read back, for every known crawler and every use, before a file is written. Search engines and
    fetchers for users are turned away only where you say so.

    Exit code: 0 it says what is meant (or is served as declared), 1 it would not, and nothing is written (or something
    differs), 3 something served could not be read.
    """
    from ..report.catalogue import Catalogue
    say = Catalogue(lang)
    if listing:
        show_list(say, form)
        return
    if declared is not None:
        target, intent, wishes = loaded(declared)
        merge = merge or merged_there(declared, target, wishes)
    else:
        intent = wish(origin, stance, {"search": search, "train": train, "ai-use": ai_use, "tdm": tdm}, no_fetch, leaves,
                      owner, contact, terms)
        wishes = {"with_ai_txt": with_ai_txt, "without": sorted(without), "merged": merge is not None}
    kit = made(ctx, target, intent, wishes, merge)
    if served:
        ctx.exit(check(kit, served, allow_private, verbose, form))
    if out is not None:
        write(kit, out, say, wishes, merge, overwrite)
    if form == "json":
        from .output import values
        values("jsonl", [described(kit, say)])
    else:
        tell(kit, say, out)


def wish(origin: str, stance: str, words: dict[str, bool | None], no_fetch: bool, leaves: tuple[Leave, ...], owner: str,
         contact: str, terms: str) -> Intent:
    """The wishes of the command line. UsageError: there are none, or they exclude each other."""
    from ..declare.site.intent import STANCES, USES, Away, Intent, Stance, in_order
    if not origin:
        raise click.UsageError("--origin is missing: the address of the site, like https://art.example")
    if stance and stance not in STANCES:
        raise click.BadParameter(options.unknown(stance, tuple(STANCES), "stance"), param_hint="--stance")
    base = STANCES[stance] if stance else Stance({}, Away.NOBODY)
    said = {**base.said, **{USES[word]: answer for word, answer in words.items() if answer is not None}}
    if words["tdm"] is not None:         # all mining: what is not said otherwise goes with it
        said |= {USES[word]: words["tdm"] for word in ("train", "ai-use") if words[word] is None}
    away = Away.TRAINERS if no_fetch and base.away is Away.NOBODY else base.away
    if not said and away is Away.NOBODY:
        raise click.UsageError("nothing is said yet; give --stance (see --list), or options like --no-train --allow-search")
    if said.get(USES["tdm"]) is False and (said.get(USES["train"]) or said.get(USES["ai-use"])):
        raise click.UsageError("all mining is refused and a part of it allowed, which no protocol for mining can say; give "
                               "--no-train or --no-ai-use in place of --no-tdm, or --except a folder")
    try:
        return Intent(origin, said, away, in_order(leaves), owner, contact, terms)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--except") from error


def made(ctx: click.Context, target: str, intent: Intent, wishes: JSON, merged: Path | None) -> Kit:
    """The kit, or the end of the program with what is wrong."""
    from ..declare.site.kit import Contradiction, Wishes, make
    from ..declare.site.merge import NoRobotsTxt
    from ..declare.site.targets import targets
    if target not in targets():
        raise click.BadParameter(options.unknown(target, tuple(targets()), "target") if target else
                                 f"say for what; known are {', '.join(targets())}", param_hint="--for")
    without = frozenset(LEFT_OUT[name] for name in wishes["without"])
    try:
        return make(intent, targets()[target], Wishes(wishes["with_ai_txt"], without, merged.read_bytes() if merged else None))
    except NoRobotsTxt as error:
        raise click.BadParameter(f"{merged}: {error}", param_hint="--merge") from error
    except Contradiction as contradiction:
        options.complain("this would not say what is meant, so nothing was written:")
        for difference in contradiction.differences[:MOST]:
            click.echo(f"  {sentence(difference)}", err=True)
        if (more := len(contradiction.differences) - MOST) > 0:
            click.echo(f"  and {more} more", err=True)
        ctx.exit(FINDINGS)
    except ValueError as error:
        options.complain(str(error))
        ctx.exit(USAGE)


MOST = 12                                # differences that are shown


def named(tokens: tuple[str, ...]) -> str:
    """To whom something is said, in short."""
    from ..declare.site.meaning import names
    if len(tokens) == len(names()):
        return "every crawler"
    return f"{len(tokens)} names like {tokens[0]}" if len(tokens) > 1 else tokens[0]


def sentence(d: Difference) -> str:
    """A difference, made harmless, with the words that make it."""
    from rules.model import Fault, Statement

    from ..terminal import harmless
    because = "; ".join(f"{f.signal} {f.where}: {f.quote}" if isinstance(f, Statement) else f"{f.carrier.value}: {f.kind.value}"
                        for f in d.because[:2] if isinstance(f, (Statement, Fault)))
    return harmless(f"{d.path}, {d.use.value}: meant {' or '.join(a.value for a in d.wanted)}, found {d.found.value}, for "
                    f"{named(d.tokens)}" + (f" ({because})" if because else ""))


def write(kit: Kit, folder: Path, say: Catalogue, wishes: JSON, merged: Path | None, overwrite: bool) -> None:
    """All files of a kit, each whole or not at all; none where one would be lost."""
    import json

    from ..declare.site import steps
    texts = {**kit.files, GUIDE: steps.guide(kit, say), DECLARED: json.dumps(described_intent(kit, wishes), indent=2) + "\n"}
    paths = {folder / name: text.encode("utf-8", "surrogateescape") for name, text in texts.items()}
    for path, body in paths.items():
        same = merged is not None and path.exists() and path.samefile(merged)
        if path.exists() and not same and not overwrite and path.name not in (GUIDE, DECLARED) and path.read_bytes() != body:
            if (folder / DECLARED).is_file():
                raise click.ClickException(f"{folder} holds an earlier kit that says something else; --overwrite replaces it, "
                                           "or choose another folder with -o")
            hint = "--merge it, " if path.name == "robots.txt" else ""
            raise click.ClickException(f"{path} is there and says something else; {hint}choose another folder, or --overwrite")
    for path, body in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + ".new")
        beside.write_bytes(body)
        beside.replace(path)


def described_intent(kit: Kit, wishes: JSON) -> JSON:
    from rules.record import ENGINE

    from ..declare.site.intent import USES
    words = {use: word for word, use in USES.items()}
    intent = kit.intent
    return {"declaration": 1, "made_by": ENGINE, "target": kit.target.id, "origin": intent.origin,
            "said": {words[use]: answer for use, answer in intent.said.items()}, "away": intent.away.value,
            "except": {leave.path: sorted(words.get(use, "fetch") for use in leave.uses) for leave in intent.leaves},
            "owner": intent.owner, "contact": intent.contact, "terms": intent.terms, **wishes}


def loaded(folder: Path) -> tuple[str, Intent, JSON]:
    """What was declared. The file is checked like a command line."""
    import json

    from ..declare.site import intent as i
    path = folder / DECLARED if folder.is_dir() else folder
    try:
        told = json.loads(path.read_text("utf-8"))
        leaves = i.in_order(i.leave(f"{where}={','.join(uses)}") for where, uses in told["except"].items())
        said = {i.USES[word]: bool(answer) for word, answer in told["said"].items()}
        return str(told["target"]), i.Intent(
            i.origin(told["origin"]), said, i.Away(told["away"]), leaves, i.name(told["owner"]),
            i.contact(told["contact"]) if told["contact"] else "", i.address(told["terms"]) if told["terms"] else "",
        ), {"with_ai_txt": bool(told["with_ai_txt"]), "without": [name for name in told["without"] if name in LEFT_OUT],
            "merged": bool(told["merged"])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise click.BadParameter(f"{path} is no declaration: {error}", param_hint="--declared") from error


def merged_there(folder: Path, target: str, wishes: JSON) -> Path | None:
    """The robots.txt that was written, where it was merged: it holds what was there, and merging again changes nothing."""
    from ..declare.site.targets import targets
    if not wishes["merged"] or target not in targets():
        return None
    path = (folder if folder.is_dir() else folder.parent) / targets()[target].folder / "robots.txt"
    if not path.is_file():
        raise click.BadParameter(f"{path} is missing, into which the declaration was merged", param_hint="--declared")
    return path


def described(kit: Kit, say: Catalogue) -> JSON:
    """The kit as JSON (schema/declared-kit.json): words of ours are in English, sentences in the language asked for."""
    from ..declare.site import steps
    from ..declare.site.intent import USES
    answers = {True: "allowed", False: "refused", None: "nothing-said"}
    folders = (("/", kit.intent.said), *((leave.path, kit.intent.at(leave.path)) for leave in kit.intent.leaves))
    return {"kit": 1, "target": kit.target.id, "origin": kit.intent.origin,
            "meant": [{"path": path, "use": word, "answer": answers[said.get(use)]} for path, said in folders
                      for word, use in USES.items()],
            "files": dict(kit.files), "steps": steps.steps(kit, say), "notes": steps.notes(kit, say),
            "uncovered": steps.uncovered(kit, say),
            "gaps": [{"path": d.path, "kind": d.kind, "use": d.use.value, "wanted": [a.value for a in d.wanted],
                      "found": d.found.value, "crawlers": list(d.tokens)} for d in kit.gaps]}


def tell(kit: Kit, say: Catalogue, out: Path | None) -> None:
    from ..declare.site import steps
    from ..terminal import say as line
    from .output import paragraph
    line(f"{kit.intent.origin}: {steps.title(kit.target, say)}")
    line()
    line(say.text("declare.meant"))
    for path, use, answer in steps.meant(kit.intent, say):
        line(f"{path}  {use}: {answer}", indent=2)
    for heading, make in (("steps", steps.steps), ("notes", steps.notes), ("uncovered", steps.uncovered)):
        if lines := make(kit, say):
            line()
            line(say.text(f"declare.{heading}"))
        for number, text in enumerate(lines, 1):
            paragraph(text, 2, f"{number}. " if heading == "steps" else "- ")
    line()
    line(say.text("declare.files"))
    for name, text in kit.files.items():
        if out is not None:
            line(str(out / name), indent=2)
        else:
            line(f"--- {name}", indent=2)
            for part in text.splitlines():
                line(part, indent=4)
    line()
    paragraph(steps.read_back(kit, say))


def check(kit: Kit, urls: tuple[str, ...], allow_private: bool, verbose: bool, form: str) -> int:
    """Compare what is served, and tell. The exit code."""
    from ..declare.site.intent import Away
    from ..declare.site.served import compare
    from ..items import AssessedPage
    from ..session import Listed, crawl
    from ..terminal import counted, harmless, progress
    from ..terminal import say as line
    from .check import address
    from .output import values
    wanted = tuple(dict.fromkeys(map(address, urls)))
    pages: list[AssessedPage] = []
    fetching = options.Fetching(kit.intent.terms, allow_private, verbose, verbose)
    with progress("fetching", len(wanted)) as done:
        def on_page(page: AssessedPage) -> None:
            pages.append(page)
            done(1)
        from rules.model import Asker
        settings = {**fetching.settings(Asker(options.DEFAULT_TOKEN)), "MAYMINE_POLICIES": [], "AUTOTHROTTLE_START_DELAY": 0}
        crawl(Listed, {"urls": wanted, "media": True}, settings, on_page, verbose)
    carriers, whole = compare(kit, [one.page for one in pages])
    unread = len(pages) < len(wanted) or any(one.problem == "unread" for one in carriers)
    rows = [{"url": one.url, "carrier": one.carrier.value, "problem": one.problem, "detail": one.detail,
             "words": [f"{use.value} {preference.value}" for use, preference in one.words], "crawlers": list(one.tokens)}
            for one in carriers]
    if form == "json":
        values("jsonl", [{"check": 1, "looked_at": [p.page.requested for p in pages], "carriers": rows,
                          "effect": [{"url": url, "difference": sentence(d)} for url, d in whole]}])
    else:
        for one in carriers:
            said = ", ".join(f"{use.value} {preference.value}" for use, preference in one.words)
            told = f"{said}, to {named(one.tokens)}" if one.words else one.detail
            line(f"{one.carrier.value}, for {one.url}: {PROBLEMS[one.problem]}: {told}")
        for url, d in whole:
            line(f"{harmless(url)}: {sentence(d)}")
        if all(one.is_note for one in carriers) and not whole and not unread:
            line(f"{counted(len(pages), 'address', 'addresses')} served as declared.")
    if unread and kit.intent.away is Away.EVERYONE:
        options.complain("robots.txt turns everyone away, this check too; look at the addresses in a browser")
    if whole or any(one.problem != "unread" and not one.is_note for one in carriers):
        return FINDINGS
    return UNDECIDED if unread else CLEAN


PROBLEMS = {"absent": "not served", "unread": "could not be read", "broken": "broken",
            "unsaid": "does not say what was declared", "against": "gives leave that was not declared",
            "besides": "besides, it says"}


def show_list(say: Catalogue, form: str) -> None:
    """Targets and stances; words of ours are English in JSON."""
    from ..declare.site.intent import STANCES, USES
    from ..declare.site.steps import title
    from ..declare.site.targets import targets
    from ..terminal import table
    from .output import values
    if form == "json":
        answers = {True: "yes", False: "no"}
        values("jsonl", [{
            "targets": [{"target": t.id, "title": t.title, "family": t.family, "carries": carried(t, type(say)("en"))}
                        for t in targets().values()],
            "stances": [{"stance": name, **{word: answers[s.said[use]] if use in s.said else "" for word, use in USES.items()},
                         "turned away": s.away.value} for name, s in STANCES.items()]}])
        return

    def heads(*names: str) -> tuple[str, ...]:
        return tuple(say.text(f"declare.{name}") for name in names)
    table(heads("list-target", "list-title", "list-family", "list-carries"),
          [(t.id, title(t, say), say.text(f"declare.family-{t.family}"), carried(t, say)) for t in targets().values()])
    table(heads("list-stance", *(f"use-{use.value}" for use in USES.values()), "list-away"),
          [(name, *(say.text("declare.yes" if s.said[use] else "declare.no") if use in s.said else "" for use in USES.values()),
            say.text(f"declare.away-{s.away.value}")) for name, s in STANCES.items()])


def carried(target: Target, say: Catalogue) -> str:
    """What can be said there, in short."""
    words = [word for word in (target.files, target.fields, "none" if target.metas == "none" else "metas") if word != "none"]
    return ", ".join(say.text(f"declare.carries-{word}") for word in words or ["setting"])
