"""A kit for people: what is said, what to do, what to know, and what stays uncovered, in any language of the catalogue."""
from __future__ import annotations

from collections.abc import Iterator

from rules import Use

from ...effect import Answer
from ...report.catalogue import Catalogue
from .intent import LIFTING, USES, Away, Intent, Said
from .kit import HEAD, Kit
from .meaning import ASKED, names, samples
from .syntax import hosts, nginx
from .targets import NONE, Target
from .words import TDMREP, usage

# Steps that are about a file, and left out where the kit has none.
ABOUT = {"nginx-map": nginx.MAP, "headers-file": hosts.HEADERS, "vercel-json": hosts.VERCEL, "nuxt-rules": hosts.NUXT,
         "cloudfront-policy": hosts.CLOUDFRONT, "head-code": HEAD, "shopify-head": HEAD,
         "head-template": HEAD}
HIDDEN = {".htaccess", hosts.HEADERS, ".nojekyll"}       # what else is put there
EXAMPLES = 3                             # names that stand for many


def steps(kit: Kit, say: Catalogue, markdown: bool = False) -> list[str]:
    """What to do, in order."""
    write = say.markdown if markdown else say.text
    files = ", ".join(name for name in kit.files if name.lstrip("/") in placed(kit))
    has_dot = TDMREP in kit.root
    dot = f"{'' if say.language == 'ja' else ' '}{write('declare.with-dot')}" if has_dot else ""
    return [write(f"declare.step-{step}", files=files, origin=kit.intent.origin, dot=dot) for step in kit.target.steps
            if (step not in ABOUT or ABOUT[step] in kit.files) and (step != "dot-folder" or has_dot)]


def title(target: Target, say: Catalogue) -> str:
    """The name of a target: its own, or words for what has none."""
    return say.text(f"declare.title-{target.id}") if f"declare.title-{target.id}" in say else target.title


def placed(kit: Kit) -> set[str]:
    """Files that lie at the root of the site, by their names in the kit."""
    return {f"{kit.target.folder}{path}".lstrip("/") for path in kit.root} | HIDDEN & set(kit.files)


def meant(intent: Intent, say: Catalogue) -> Iterator[tuple[str, str, str]]:
    """Folder, use, and what is said of it: everywhere first."""
    for path, said in (("/", intent.said), *((leave.encoded, intent.at(leave.path)) for leave in intent.leaves)):
        for use in USES.values():
            yield path, say.text(f"declare.use-{use.value}"), _answer(said, use, say)


def _answer(said: Said, use: Use, say: Catalogue) -> str:
    return say.text("declare.nothing" if use not in said else "declare.yes" if said[use] else "declare.no")


def notes(kit: Kit, say: Catalogue, markdown: bool = False) -> list[str]:
    write = say.markdown if markdown else say.text
    told = [write(f"declare.note-{name}", **parameters) for name, parameters in dict(_once(kit)).items()]
    if kit.intent.said.get(Use.TRAIN_GENAI) is False and kit.intent.away is Away.NOBODY and kit.target.files != NONE:
        told.append(write("declare.note-let-in"))
    if usage(kit.intent.said) and kit.target.files != NONE:
        told.append(write("declare.note-drafts"))
    if kit.intent.said.get(Use.SEARCH) is False and kit.intent.away is not Away.EVERYONE:
        told.append(write("declare.note-noindex"))
    if value := tag(kit.intent.said):
        told.append(write("declare.note-tag", value=value))
    if kit.target.checked in ("documentation", "memory"):
        told.append(write(f"declare.unchecked-{kit.target.checked}", title=title(kit.target, say)))
    return told


def tag(said: Said) -> str:
    """The value of `maymine tag` that says of pictures what is said of the site; "" where none does."""
    refused = {use for use in USES.values() if said.get(use) is False}
    if refused == set(USES.values()):
        return "no-mining"
    if refused == LIFTING:
        return "except-search" if said.get(Use.SEARCH) else "no-mining"
    return "no-ai-training" if Use.TRAIN_GENAI in refused else ""


def _once(kit: Kit) -> Iterator[tuple[str, dict[str, object]]]:
    """Notes of one kind as one: the names in them together."""
    together: dict[str, dict[str, object]] = {}
    for name, parameters in kit.notes:
        held = together.setdefault(name, dict(parameters))
        for key, value in parameters.items():
            if isinstance(value, str):
                held[key] = ", ".join(dict.fromkeys([*str(held[key]).split(", "), *value.split(", ")]))
    yield from together.items()


def uncovered(kit: Kit, say: Catalogue, markdown: bool = False) -> list[str]:
    """What is refused and cannot be said here, and why."""
    write = say.markdown if markdown else say.text
    out = [write("declare.gap", use=use, kinds=kinds, n=len(tokens), examples=", ".join(tokens[:EXAMPLES]))
           for use, kinds, tokens in _gaps(kit, say)]
    return out + [write(f"declare.left-{name}") for name in kit.target.left]


def _gaps(kit: Kit, say: Catalogue) -> Iterator[tuple[str, str, list[str]]]:
    """Use, kinds of files, and to whom a refusal cannot be said."""
    for use in ASKED:
        gaps = [d for d in kit.gaps if d.use is use and Answer.REFUSED in d.wanted]
        if tokens := [token for token in names() if any(token in d.tokens for d in gaps)]:
            kinds = ", ".join(dict.fromkeys(say.text(f"declare.kind-{d.kind}") for d in gaps))
            yield say.text(f"declare.use-{use.value}"), kinds, tokens


def read_back(kit: Kit, say: Catalogue) -> str:
    """That it is as meant; where it is so in part, what is missing first."""
    told = {"crawlers": len(names()), "paths": len(list(samples(kit.intent)))}
    if not uncovered(kit, say):
        return say.text("declare.read-back", **told)
    gaps = [say.text("declare.part", use=use, kinds=kinds) for use, kinds, _ in _gaps(kit, say)]
    return say.text("declare.read-back-part", what=", ".join(gaps) or say.text("declare.part-rest"), **told)


def guide(kit: Kit, say: Catalogue) -> str:
    """All of it as Markdown, to lie beside the files."""
    meaning = say.markdown("declare.meant")
    out = [f"# {kit.intent.origin}: {title(kit.target, say)}", "", f"## {meaning}", ""]
    out += [f"- {path}: {use}: {answer}" for path, use, answer in meant(kit.intent, say)]
    numbered = [f"{n}. {text}" for n, text in enumerate(steps(kit, say, markdown=True), 1)]
    for heading, lines in (("steps", numbered), ("notes", [f"- {text}" for text in notes(kit, say, markdown=True)]),
                           ("uncovered", [f"- {text}" for text in uncovered(kit, say, markdown=True)])):
        if lines:
            out += ["", f"## {say.markdown('declare.' + heading)}", "", *lines]
    return "\n".join([*out, "", read_back(kit, say), ""])
