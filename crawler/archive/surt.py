"""The key under which indexes of archives know a URL: "com,example)/path?a=1", host backwards.

**Facts**
- Sort-friendly URI Reordering Transform (http://crawler.archive.org/articles/user_manual/glossary.html#surt), over the
  canonical form of the Wayback Machine; Common Crawl calls it `url_surtkey` (https://commoncrawl.org/columnar-index).
- Scheme, user, fragment, `www.`, the usual port, letter case, empty queries, the order of parameters, session ids and a slash
  at the end make no difference. Escapes are undone as often as they were made, then made once.
- So addresses share a key that are not one page for a server. OURS: a key is for finding records, never for deciding.
"""
from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

PORTS = {"http": "80", "https": "443"}
UNESCAPED = 20                       # OURS: layers of escapes that are undone
# Most addresses: nothing in them that has to be changed but the order of the host and of what is asked.
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_SIMPLE = re.compile(rf"https?://(?>(?:www\d*\.)?)((?:{_LABEL}\.)+[a-z]{_LABEL})((?:/[a-z0-9_~-][a-z0-9._~-]*)*)/?"
                     r"(\?[a-z0-9._~=&+-]*)?", re.ASCII | re.IGNORECASE)
_SPLIT = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?]*)([^?]*)(\?.*)?", re.DOTALL)
_WWW = re.compile(r"www\d*\.(?=[^.])")
_NUMBER = re.compile(r"\d{1,10}", re.ASCII)
_SESSION_IN_PATH = (
    re.compile(r"(.*/)(?:\((?:[a-z]\([0-9a-z]{24}\))+\)/)([^?]+\.aspx.*)", re.DOTALL),
    re.compile(r"(.*/)(?:\([0-9a-z]{24}\)/)([^?]+\.aspx.*)", re.DOTALL),
)
_UNESCAPED = re.compile(rb"[!\"$&-~]*")
_SESSION_IN_QUERY = (
    re.compile(r"(.*)(?:jsessionid=[0-9a-z]{32})(?:&(.*))?", re.DOTALL),
    re.compile(r"(.*)(?:phpsessid=[0-9a-z]{32})(?:&(.*))?", re.DOTALL),
    re.compile(r"(.*)(?:sid=[0-9a-z]{32})(?:&(.*))?", re.DOTALL),
    re.compile(r"(.*)(?:aspsessionid[a-z]{8}=[a-z]{24})(?:&(.*))?", re.DOTALL),
    re.compile(r"(.*)(?:cfid=[^&]+&cftoken=[^&]+)(?:&(.*))?", re.DOTALL),
)


def surt(url: str) -> str:
    """The key of a URL; "" for one that is neither http nor https. Raises nothing."""
    if (simple := _SIMPLE.fullmatch(url)) and not ((asked := simple[3] or "") and "id" in asked.lower()):
        key = f"{','.join(reversed(simple[1].split('.')))}){simple[2] or '/'}".lower()
        return f"{key}{_ordered(asked[1:].lower())}" if asked else key
    parts = _SPLIT.fullmatch(re.sub(r"[\r\n\t]", "", url).strip(" \f\v").partition("#")[0])
    if parts is None or (scheme := parts[1].lower()) not in PORTS:
        return ""
    authority, _, port = _authority(parts[2])
    host = _host(authority)
    if not host:
        return ""
    at = f":{port}" if port and port != PORTS[scheme] else ""
    return f"{','.join(reversed(host.split('.')))}{at}){_path(parts[3])}{_query(parts[4] or '')}"


def _authority(text: str) -> tuple[str, str, str]:
    host = text.rpartition("@")[2]
    if host.startswith("["):
        inner, _, rest = host[1:].partition("]")
        return inner, ":", rest.removeprefix(":")
    name, sign, port = host.rpartition(":")
    return (name, sign, port) if sign and (not port or port.isdigit()) else (host, "", "")


def _host(name: str) -> str:
    host = _unescaped(name).decode("utf-8", "replace").lower()
    try:
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        host = _escaped(host.encode("utf-8", "replace"))
    host = re.sub(r"\.\.+", ".", host).strip(".")
    if _NUMBER.fullmatch(host) and int(host) < 1 << 32:
        host = ".".join(str(int(host) >> shift & 255) for shift in (24, 16, 8, 0))
    return _WWW.sub("", host, count=1) if _WWW.match(host) else host


def _path(text: str) -> str:
    path = _unescaped(text)
    out: list[bytes] = []
    for step in path.removeprefix(b"/").split(b"/"):
        if step == b".." and out:
            out.pop()                                # PRACTICE: it takes away an empty step, and stays where there is none
        elif step != b".":
            out.append(step)
    done = "/" + _escaped(b"/".join(filter(None, out))).lower()
    for session in _SESSION_IN_PATH:
        if found := session.fullmatch(done):
            done = found[1] + found[2]
    return done


def _query(text: str) -> str:
    query = _escaped(_unescaped(text[1:])).lower()
    for session in _SESSION_IN_QUERY:
        if found := session.fullmatch(query):
            query = found[1] + (found[2] or "")
    return _ordered(query)


def _ordered(query: str) -> str:
    if "&" in query:
        query = "&".join(sorted(query.split("&"), key=lambda one: one.partition("=")))
    return f"?{query}" if query else ""


def _unescaped(text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    for _ in range(UNESCAPED):
        if b"%" not in data or (less := unquote_to_bytes(data)) == data:
            break
        data = less
    return data


def _escaped(data: bytes) -> str:
    if _UNESCAPED.fullmatch(data):
        return data.decode()
    return "".join(chr(b) if 0x20 < b < 0x7f and b not in b"#%" else f"%{b:02x}" for b in data)
