"""Where words can be said, from targets.yaml."""
from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from rules.strict_yaml import load

FAMILIES = ("server", "host", "system", "builder")
ALL, ROBOTS_ALONE, NONE = "all", "robots", "none"
EVERYWHERE, BY_PATH, PAGES = "everywhere", "by-path", "pages"
SYNTAXES = ("none", "nginx", "apache", "htaccess", "caddy", "headers", "vercel", "nojekyll", "cloudfront", "eleventy", "nuxt",
            "wordpress", "head", "shopify")
CHECKED = ("served", "documentation", "memory", "plain")


@dataclass(frozen=True, slots=True)
class Target:
    """A row of targets.yaml; the words are explained there."""
    id: str
    title: str
    family: str
    files: str
    folder: str
    syntax: str
    fields: str
    metas: str
    steps: tuple[str, ...]
    left: tuple[str, ...]
    checked: str

    @property
    def is_whole(self) -> bool:
        """Whether everything can be said here, so that whatever is missing is a mistake."""
        return self.files == ALL


@cache
def targets() -> dict[str, Target]:
    """Every target by its id, in the order of the file."""
    out = {}
    for id, node in load(files(__package__).joinpath("targets.yaml").read_text("utf-8"), "targets.yaml").pairs().items():
        f = node.fields(("title", "family", "files", "syntax", "fields", "steps", "checked"), ("folder", "metas", "left"))
        out[id] = Target(
            id, f["title"].text(), f["family"].word(FAMILIES), f["files"].word((ALL, ROBOTS_ALONE, NONE)),
            f["folder"].text() if "folder" in f else "", f["syntax"].word(SYNTAXES),
            f["fields"].word((EVERYWHERE, BY_PATH, PAGES, NONE)),
            f["metas"].word((EVERYWHERE, BY_PATH, NONE)) if "metas" in f else NONE,
            tuple(f["steps"].texts()), tuple(f["left"].texts()) if "left" in f else (), f["checked"].word(CHECKED))
    return out
