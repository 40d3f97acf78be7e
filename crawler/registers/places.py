"""Where an entry of a register speaks, and for which assets: one way to write an address, a domain, a digest.

**Facts**
- Scheme and host are the same in any case, the usual port is no port, an empty path is "/", %41 is "A" and %c3 is %C3, dot
  segments are gone (RFC 3986, 6.2.2, 6.2.3: https://www.rfc-editor.org/rfc/rfc3986#section-6.2). The fragment never leaves.
- A host in other scripts is its A-label (RFC 5891; UTS #46 maps it first).
- A domain speaks for itself and for what lies under it, label by label: `site77.com` never for `mysite77.com`. An address in
  numbers has nothing under it.
- OURS: a URL prefix ends where a segment of the path ends: `/a` speaks for `/a`, `/a/b` and `/a?c`, never for `/ab`; `/a/` for
  what lies under it alone.
- An ISCC ends in the Instance-Code, the beginning of the BLAKE3 of all bytes (ISO 24138:2024; header: main type 5 is an
  ISCC-CODE, 4 an Instance-Code, sub type 7 of the former has units of 128 bits). OURS: an entry matches by that unit, so by the
  very bytes; what merely looks alike is not looked for.
- OURS: http and https are one place for what restricts, and two for what grants: an entry is never read wider than it is
  written where that would permit, nor narrower where it would not.
"""
from __future__ import annotations

import re
from base64 import b32decode
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import quote, urlsplit

ISCC_INSTANCE, ISCC_CODE, ISCC_WIDE = 4, 5, 7
PORTS = {"http": 80, "https": 443}
ESCAPE = re.compile("%([0-9a-fA-F]{2})")
UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
SAFE = "/%!$&'()*+,;=:@-._~?[]|^`{}\\\"<>"       # what stands in addresses, and is left as it is
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
NUMBERS = re.compile(r"[0-9.]+|\[.*\]")
PLAIN = re.compile(r"(https?)://([a-z0-9.-]+)(/[!$&-;=@-\[\]^-~]*)?(\?[!$&-;=?-\[\]^-~]*)?")      # written in that way already
NO_SPACE = re.compile(r"[^\x00-\x20\x7f\ud800-\udfff]+")


class PlaceError(ValueError):
    """This is no address, domain or digest. Says why, for a person."""


def key(word: str, value: str) -> int:
    """64 bits that stand for a value of one sort of match in an index. Others may have the same: compare the values too."""
    return int.from_bytes(blake2b(f"{word} {value}".encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


@lru_cache(20_000)
def host(name: str) -> str:
    """A host as it is written here. Raises PlaceError."""
    text = name.lower().rstrip(".")
    if not text.isascii():
        import idna
        try:
            text = idna.encode(text, uts46=True).decode()
        except (idna.IDNAError, UnicodeError) as error:
            raise PlaceError(f"'{name}' is no host: {error}") from None
    if not NUMBERS.fullmatch(text) and (len(text) > 253 or not all(map(LABEL.fullmatch, text.split(".")))):
        raise PlaceError(f"'{name}' is no host")
    return text


def domain(text: str) -> str:
    """A domain of an entry. Raises PlaceError."""
    if text.startswith("*."):
        raise PlaceError(f"a domain speaks for all that lies under it: write '{text[2:]}'")
    if "/" in text or ":" in text:
        raise PlaceError(f"'{text}' is no domain; an address is matched by 'url-prefix' or 'url'")
    name = host(text)
    if suffixes()(name):
        raise PlaceError(f"'{name}' is a public suffix: it would speak for every site under it")
    return name


@lru_cache(1)
def suffixes() -> Callable[[str], bool]:
    """Whether anyone may have a site under a name, by the rules of the registries alone (the part of the list called ICANN)."""
    from publicsuffixlist import PublicSuffixList
    known: Callable[[str], bool] = PublicSuffixList(only_icann=True, accept_unknown=False).is_public
    return known


def domains(name: str) -> Iterator[str]:
    """A host, and every domain that it lies under."""
    yield name
    if not NUMBERS.fullmatch(name):
        at = name.find(".") + 1
        while at:
            yield name[at:]
            at = name.find(".", at) + 1


def address(url: str) -> tuple[str, str, str, str]:
    """Scheme, authority, path and query ("?a=b", or "") as they are written here. Raises PlaceError."""
    plain = PLAIN.fullmatch(url)
    if plain and "/." not in url:
        scheme, name, path, query = plain.groups()
        return scheme, host(name), path or "/", query if query and query != "?" else ""
    try:
        parts = urlsplit(url)
        scheme, name, port = parts.scheme, parts.hostname, parts.port
    except ValueError as error:
        raise PlaceError(f"'{url}' is no address: {error}") from None
    if scheme not in PORTS or not name:
        raise PlaceError(f"'{url}' is no address like https://example.org/path")
    authority = host(f"[{name}]" if ":" in name else name)
    if port is not None and port != PORTS[scheme]:
        authority = f"{authority}:{port}"
    return scheme, authority, _path(parts.path) or "/", f"?{_coded(parts.query)}" if parts.query else ""


def prefix(text: str) -> str:
    """A URL prefix of an entry. Raises PlaceError."""
    scheme, authority, path, query = _of_entry(text)
    if query or text.endswith("?"):
        raise PlaceError(f"'{text}' has a query; a prefix ends in its path, and 'url' matches one address whole")
    return f"{scheme}://{authority}{path}"


def whole(text: str) -> str:
    """A URL of an entry. Raises PlaceError."""
    return "{}://{}{}{}".format(*_of_entry(text))


def _of_entry(text: str) -> tuple[str, str, str, str]:
    if not NO_SPACE.fullmatch(text):
        raise PlaceError(f"'{text}' is no address: it holds a space or a control character")
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise PlaceError(f"'{text}' names a user; an address of an entry does not")
    return address(text.partition("#")[0])


def prefixes(path: str, deepest: int) -> Iterator[str]:
    """Every path that speaks for this one, as a prefix of so many slashes at most."""
    yield "/"
    at, slashes = path.find("/", 1), 1
    while at > 0:
        yield path[:at]
        slashes += 1
        if slashes > deepest:
            return
        yield path[:at + 1]
        at = path.find("/", at + 1)
    if path[-1:] != "/":
        yield path


def digest(text: str) -> str:
    """SHA-256 of an entry, as records write it. Raises PlaceError."""
    digits = text.lower().removeprefix("sha256:")
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise PlaceError(f"'{text}' is no SHA-256: 64 hexadecimal digits are wanted")
    return f"sha256:{digits}"


def code(text: str) -> str:
    """An ISCC, as it is written: "ISCC:" and base 32. Raises PlaceError."""
    written = "ISCC:" + text.upper().removeprefix("ISCC:").replace("-", "")
    instance(written)
    return written


def instance(iscc: str) -> str:
    """The first 64 bits of the Instance-Code in an ISCC, in hexadecimal digits. Raises PlaceError."""
    digits = iscc.removeprefix("ISCC:")
    if not re.fullmatch("[A-Z2-7]{10,90}", digits):
        raise PlaceError(f"'{iscc}' is no ISCC")
    try:
        raw = b32decode(digits + "=" * (-len(digits) % 8))
    except ValueError:
        raise PlaceError(f"'{iscc}' is no ISCC") from None
    kind, wide, units = raw[0] >> 4, raw[0] & 15 == ISCC_WIDE, raw[2:]
    if kind == ISCC_INSTANCE and len(units) >= 8:
        return units[:8].hex()
    if kind == ISCC_CODE and len(units) >= 16:
        return (units[-16:-8] if wide else units[-8:]).hex()
    raise PlaceError(f"'{iscc}' holds no Instance-Code of 64 bits or more, which alone tells the very bytes")


def instance_of(body: bytes) -> str | None:
    """The same of the bytes of a file; None where BLAKE3 is not installed (the extra `iscc`)."""
    try:
        from blake3 import blake3
    except ImportError:
        return None
    return blake3(body).digest()[:8].hex()


def party(text: str) -> str:
    """The name of a party: one space between words, in the case that names are compared in. Raises PlaceError."""
    from unicodedata import normalize
    name = " ".join(normalize("NFKC", text).casefold().split())
    if not name or len(name) > 300 or not name.isprintable():
        raise PlaceError(f"'{text[:100]}' is no name of a party")
    return name


def _path(path: str) -> str:
    if "%" in path or not path.isascii() or "\\" in path:
        path = _coded(path)
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for n, segment in enumerate(segments[1:]):
        last = n == len(segments) - 2
        if segment == "..":
            kept = kept[:-1]
        if segment in (".", ".."):
            kept += [""] if last else []
        else:
            kept.append(segment)
    return "/" + "/".join(kept)


def _coded(text: str) -> str:
    if not text.isascii():
        text = quote(text, SAFE, errors="replace")
    return ESCAPE.sub(_unreserved, text) if "%" in text else text


def _unreserved(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if UNRESERVED.fullmatch(character) else match[0].upper()
