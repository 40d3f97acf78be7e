"""YAML as this project writes it: every scalar a string, every mistake an error with its file and line.

Facts
- YAML 1.1 reads `NO` as false and `12:30` as 750 (yaml.org/type); a law file means Norway and a time of day.
- PyYAML lets a later key replace an earlier one without a word.
OURS: anchors, aliases and tags are refused; a table that a lawyer reads repeats itself instead.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any, NoReturn, TypeVar

E = TypeVar("E", bound=Enum)

STRING_TAG, SEQ_TAG, MAP_TAG = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))


class DataError(ValueError):
    """A data file is not what it should be. The message starts with file:line."""


class Node:
    """One place in a file. Asking it for something that it is not raises DataError."""
    __slots__ = ("_node", "file")

    def __init__(self, node: Any, file: str) -> None:
        self._node, self.file = node, file

    @property
    def line(self) -> int:
        return int(self._node.start_mark.line) + 1

    def error(self, message: str) -> NoReturn:
        raise DataError(f"{self.file}:{self.line}: {message}")

    def text(self) -> str:
        if self._node.id != "scalar":
            self.error("a single value is wanted here")
        if self._node.tag != STRING_TAG:
            self.error(f"tag {self._node.tag} is not used here")
        return str(self._node.value)

    @property
    def is_mapping(self) -> bool:
        return bool(self._node.id == "mapping")

    def items(self) -> list[Node]:
        """The members of a list."""
        if self._node.id != "sequence":
            self.error("a list is wanted here: [...]")
        return [Node(child, self.file) for child in self._node.value]

    def texts(self) -> list[str]:
        """One value, or a list of values."""
        return [n.text() for n in self.each()]

    def each(self) -> list[Node]:
        """The members of a list; a single value is a list of one."""
        return self.items() if self._node.id == "sequence" else [self]

    def pairs(self) -> dict[str, Node]:
        """A mapping with keys of its own choice, in the order of the file."""
        if self._node.id != "mapping":
            self.error("a mapping is wanted here: {key: value}")
        out: dict[str, Node] = {}
        for key, value in self._node.value:
            name = Node(key, self.file).text()
            if name in out:
                Node(key, self.file).error(f"'{name}' stands twice")
            out[name] = Node(value, self.file)
        return out

    def fields(self, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Node]:
        """A mapping whose keys are known."""
        pairs, required = self.pairs(), tuple(required)
        known = (*required, *optional)
        for name, node in pairs.items():
            if name not in known:
                node.error(f"'{name}' is not known here; known are {', '.join(known)}")
        for name in required:
            if name not in pairs:
                self.error(f"'{name}' is missing")
        return pairs

    def word(self, words: Iterable[str]) -> str:
        """One of a closed list of words."""
        words, text = tuple(words), self.text()
        if text not in words:
            self.error(f"'{text}' is none of {', '.join(words)}")
        return text

    def member(self, kind: type[E]) -> E:
        """One value of an enumeration, by its value."""
        return kind(self.word(str(m.value) for m in kind))

    def members(self, kind: type[E]) -> tuple[E, ...]:
        return tuple(n.member(kind) for n in self.each())


def load(text: str, file: str) -> Node:
    """The root of a document. Raises DataError with file:line."""
    import yaml  # 15 ms that `import rules` does without
    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise DataError(f"{file}:{line}: {getattr(error, 'problem', None) or error}") from error
    if root is None:
        raise DataError(f"{file}:1: the file is empty")
    seen: set[int] = set()
    for node in _walk(root):
        if id(node) in seen:
            Node(node, file).error("anchors and aliases are not used here; write it out")
        seen.add(id(node))
    return Node(root, file)


def _walk(root: Any) -> Iterator[Any]:
    todo, opened = [root], set[int]()
    while todo:
        node = todo.pop()
        yield node
        if node.id == "scalar" or id(node) in opened:
            continue
        opened.add(id(node))
        for child in node.value:
            todo.extend(child if isinstance(child, tuple) else (child,))
