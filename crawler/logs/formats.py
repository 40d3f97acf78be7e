"""Formats of access logs: told apart by their first lines, each read by field, with a short way to the User-Agent alone.

**Facts**
- Apache, mod_log_config (https://httpd.apache.org/docs/2.4/mod/mod_log_config.html): `combined` is `%h %l %u %t "%r" %>s %b
  "%{Referer}i" "%{User-agent}i"`; `vhost_combined` has `%v:%p` before it. In quoted fields `\\"`, `\\\\` and `\\xHH` are
  escapes, and `%u` may hold blanks. `%b` writes `-` for no bytes.
- nginx, ngx_http_log_module (https://nginx.org/en/docs/http/ngx_http_log_module.html): `combined` is the same with `\\xHH`
  alone. The format `main` of its packages adds `"$http_x_forwarded_for"`: the agent is the second quoted field after the
  status, not the last.
- W3C Extended Log File Format (https://www.w3.org/TR/WD-logfile.html): `#Fields:` names the columns, and may come again.
  IIS puts `+` for a blank; times are UTC. CloudFront separates by tabs and percent-encodes the agent.
- Cloudflare Logpush writes times as RFC 3339, seconds or nanoseconds. Caddy writes `ts` in seconds with a fraction or as
  ISO 8601; from 2.7 on `client_ip` is the client behind trusted proxies.
- Amazon S3 server access logs (https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html): bytes sent are `-`
  for zero.
- OURS: a JSON log of nginx has the names that its administrator chose; those of NAMES are known.
INVARIANT (tested): `agent` of a line is the User-Agent that `read` of it tells.
"""
from __future__ import annotations

import ipaddress
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from .request import SECOND, Request, instant

SAMPLE_LINES = 200                   # looked at to tell a format

Read = Callable[[bytes], Request | None]


@dataclass(frozen=True)
class Format:
    """How to read the lines of one file. `read` gives None for a line that is not of this format; neither raises."""
    name: str
    agent: Callable[[bytes], bytes]  # the User-Agent as it stands in the line: a key for memory, to be read by `read`
    read: Read
    told: str = ""                   # what was assumed


class UnknownFormat(ValueError):
    """No format fits. Says what the file looks like."""


def detect(lines: Sequence[bytes]) -> Format:
    """The format of a file from its first lines. Raises UnknownFormat."""
    sample = [line for line in lines if line.strip()][:SAMPLE_LINES]
    if not sample:
        raise UnknownFormat("there is no line in it")
    if sample[0].startswith(b"#"):
        return w3c(sample)
    if sample[0].lstrip().startswith(b"{"):
        return _json(sample)
    return _quoted(sample)


# ---- lines with quoted fields: combined, vhost_combined, S3

_QUOTED = rb'"(?P<%s>(?:[^"\\]|\\.)*)"'
_REQUEST, _REFERER, _AGENT = (_QUOTED % name for name in (b"request", b"referer", b"agent"))
_COMBINED = re.compile(
    rb"(?:(?P<vhost>\S+) )?(?P<address>\S+) (?:[^\[]|\[(?!\d\d/))*"
    rb"\[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] " + _REQUEST
    + rb" (?P<status>\d{3}|-) (?P<size>\d+|-)(?: " + _REFERER + b" " + _AGENT + rb")?(?P<rest>.*)", re.DOTALL)
_S3 = re.compile(
    rb"\S+ (?P<bucket>\S+) \[(?P<time>[^\]]{26})\] (?P<address>\S+) \S+ \S+ (?P<operation>[A-Z0-9._]+) (?P<key>\S+) (?:"
    + _REQUEST + rb"|-) (?P<status>\d{3}|-) \S+ (?P<size>\d+|-) \S+ \S+ \S+ (?:" + _REFERER + b"|-) (?:" + _AGENT
    + rb"|-)(?P<rest>.*)", re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_SIMPLE = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"v": b"\v", b"f": b"\f"}


def unescaped(field: bytes) -> bytes:
    """A quoted field as it was before Apache or nginx wrote it."""
    if b"\\" not in field:
        return field
    return _ESCAPE.sub(lambda m: bytes((int(m[1], 16),)) if m[1] else _SIMPLE.get(m[2], m[2]), field)


def _quoted(sample: Sequence[bytes]) -> Format:
    for name, pattern in (("s3", _S3), ("combined", _COMBINED)):
        found = [m for line in sample if (m := pattern.match(line.rstrip(b"\r\n")))]
        if len(found) * 2 > len(sample):
            return _of_quotes(name, pattern, found)
    raise UnknownFormat(f"its lines are of no known format: {sample[0][:80].decode('utf-8', 'replace')!r}")


def _of_quotes(name: str, pattern: re.Pattern[bytes], found: Sequence[re.Match[bytes]]) -> Format:
    if not any(m["agent"] for m in found):
        raise UnknownFormat("its lines do not tell the User-Agent (the common log format); log in the combined format")
    vhost = name == "combined" and sum(_is_vhost(m) for m in found) * 2 > len(found)
    read = _combined(vhost) if name == "combined" else _s3
    shapes = Counter((m.string.count(b'"'), m["rest"].count(b'"')) for m in found if m["agent"] and b'\\"' not in m.string)
    (quotes, after), _ = shapes.most_common(1)[0] if shapes else ((-1, 0), 0)

    def agent(line: bytes) -> bytes:
        if line.count(b'"') == quotes and b'\\"' not in line:     # no quote is escaped, no field is missing
            return line.rsplit(b'"', after + 2)[1]
        m = pattern.match(line)
        return (m["agent"] or b"") if m else b""
    return Format("vhost_combined" if vhost else name, agent, read)


def _is_vhost(m: re.Match[bytes]) -> bool:
    return m["vhost"] is not None and _is_address(m["address"]) and not _is_address(m["vhost"])


def _is_address(text: bytes) -> bool:
    try:
        ipaddress.ip_address(text.decode("ascii"))
    except ValueError:
        return False
    return True


def _combined(vhost: bool) -> Read:
    def read(line: bytes) -> Request | None:
        m = _COMBINED.match(line)
        if m is None or (at := clf_time(m["time"])) is None:
            return None
        # without a virtual host the first word is the address, and what the pattern takes for one is the identity
        host, address = (m["vhost"] or b"", m["address"]) if vhost else (b"", m["vhost"] or m["address"])
        method, target, told_host = request_line(unescaped(m["request"]))
        return Request(at, text(address), told_host or text(host), "", method, target, _number(m["status"]) or 0,
                       0 if m["size"] == b"-" else int(m["size"]), text(unescaped(m["agent"] or b"")))
    return read


def _s3(line: bytes) -> Request | None:
    m = _S3.match(line)
    if m is None or (at := clf_time(m["time"])) is None:
        return None
    method, target, told_host = request_line(unescaped(m["request"] or b""))
    rest = m["rest"].split()                         # version, host id, signature, cipher, authentication, host, TLS, ...
    host = _told(rest[5]) if len(rest) > 5 else ""
    return Request(at, text(m["address"]), told_host or host, "", method, target, _number(m["status"]) or 0,
                   0 if m["size"] == b"-" else int(m["size"]), text(unescaped(m["agent"] or b"")))


def request_line(line: bytes) -> tuple[str, str, str]:
    """Method, target in origin form, and the host where the target is a whole URL (RFC 9112, 3.2)."""
    parts = text(line).split(" ")
    if len(parts) < 2:
        return parts[0], "", ""
    return parts[0], *_origin_form(" ".join(parts[1:-1]) if parts[-1].startswith("HTTP/") else " ".join(parts[1:]))


def _origin_form(target: str) -> tuple[str, str]:
    if target.startswith(("http://", "https://")):
        try:
            parts = urlsplit(target)
        except ValueError:
            return "", ""
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), parts.netloc.rpartition("@")[2]
    return (target, "") if target.startswith("/") else ("", "")


# ---- W3C: IIS, CloudFront

_W3C = {"address": ("c-ip",), "host": ("x-host-header", "cs-host", "cs(host)", "s-host"), "scheme": ("cs-protocol",),
        "method": ("cs-method",), "stem": ("cs-uri-stem",), "query": ("cs-uri-query",), "status": ("sc-status",),
        "size": ("sc-bytes",), "agent": ("cs(user-agent)",), "date": ("date",), "time": ("time",), "port": ("s-port", "c-port")}


def w3c(lines: Sequence[bytes]) -> Format:
    """By the `#Fields:` of a file. Raises UnknownFormat."""
    line = next((one for one in reversed(lines) if one.lower().startswith(b"#fields:")), None)
    if line is None:
        raise UnknownFormat("it starts with '#', but has no line '#Fields:'")
    names = line.split(b":", 1)[1].split()
    data = next((one for one in lines if not one.startswith(b"#")), b"")
    tabs = b"\t" in data or (not data and b"x-edge-location" in line)
    where = {role: n for role, known in _W3C.items() for n, name in enumerate(names) if text(name).lower() in known[:1]}
    for role, known in _W3C.items():
        for other in known[1:]:
            where.setdefault(role, next((n for n, name in enumerate(names) if text(name).lower() == other), -1))
    where = {role: n for role, n in where.items() if n >= 0}
    if missing := [role for role in ("agent", "date", "time", "stem") if role not in where]:
        raise UnknownFormat(f"its '#Fields:' lack {', '.join(_W3C[role][0] for role in missing)}; log these, too")
    separator, at, width = (b"\t" if tabs else b" "), where["agent"], len(names)

    def agent(line: bytes) -> bytes:
        parts = line.split(separator, at + 1)
        return parts[at].rstrip(b"\r\n") if len(parts) > at else b""

    def read(line: bytes) -> Request | None:
        parts = line.rstrip(b"\r\n").split(separator)
        if len(parts) != width:
            return None
        return _by_role({role: parts[n] for role, n in where.items()}, tabs)
    return Format("cloudfront" if tabs else "iis", agent, read)


def _by_role(v: Mapping[str, bytes], percent: bool) -> Request | None:
    try:
        at = instant(datetime.fromisoformat(f"{text(v['date'])}T{text(v['time'])}").replace(tzinfo=UTC))
    except ValueError:
        return None
    agent = v["agent"]
    plain = unquote_to_bytes(unquote_to_bytes(agent)) if percent else agent.replace(b"+", b" ")
    query = v.get("query", b"-")
    stem = v["stem"] if percent else v["stem"].replace(b"+", b"%20")
    target = text(stem) + (f"?{text(query)}" if query not in (b"-", b"") else "")
    size, host = v.get("size"), v.get("host", b"-")
    return Request(at, _told(v.get("address", b"")), _told(host),
                   text(v["scheme"]).lower() if v.get("scheme", b"-").lower() in (b"http", b"https") else "",
                   text(v.get("method", b"")), target if target.startswith("/") else "", _number(v.get("status", b"")) or 0,
                   _number(size) if size is not None else None, _told(plain))


# ---- JSON: Caddy, Cloudflare, CloudFront, nginx

# What administrators call the fields of a JSON log of nginx, the most telling name first.
NAMES: dict[str, tuple[str, ...]] = {
    "time": ("time_iso8601", "time", "timestamp", "@timestamp", "time_local", "msec", "ts", "date"),
    "address": ("client", "client_ip", "remote_addr", "clientip", "remote_ip", "ip", "address"),
    "host": ("host", "http_host", "server_name", "vhost", "domain"), "scheme": ("scheme", "protocol", "request_scheme"),
    "method": ("method", "request_method", "verb"), "target": ("request_uri", "uri", "url", "path"), "request": ("request",),
    "status": ("status", "response", "code", "response_code"),
    "size": ("body_bytes_sent", "bytes_sent", "bytes", "size", "response_bytes"),
    "agent": ("http_user_agent", "user_agent", "agent", "ua", "useragent")}


def _json(sample: Sequence[bytes]) -> Format:
    objects = [o for line in sample if isinstance(o := _loads(line), dict)]
    if not objects:
        raise UnknownFormat("its lines start with '{' and are no JSON objects, one a line")
    first = objects[0]
    if any("ClientRequestUserAgent" in o for o in objects):
        return _keyed("cloudflare", "ClientRequestUserAgent", _cloudflare, sample)
    if any(isinstance(r := o.get("request"), dict) and "headers" in r for o in objects):
        return _keyed("caddy", "User-Agent", _caddy, sample)
    if "cs(User-Agent)" in first:
        return _keyed("cloudfront-json", "cs(User-Agent)", _cloudfront, sample)
    names = {role: next((n for n in known if n in first), "") for role, known in NAMES.items()}
    if not names["agent"] or not names["time"] or not (names["target"] or names["request"]):
        wanted = {"a time": names["time"], "the agent": names["agent"], "the request": names["target"] or names["request"]}
        lacking = ", ".join(what for what, name in wanted.items() if not name)
        raise UnknownFormat(f"of its fields ({', '.join(map(str, list(first)[:12]))}) none is known as {lacking}")
    assumed = ", ".join(f"{role}={name}" for role, name in names.items() if name)
    return _keyed("nginx-json", names["agent"], lambda o: _nginx(o, names), sample, assumed)


def _keyed(name: str, key: str, made: Callable[[dict[str, Any]], Request | None], sample: Sequence[bytes],
           assumed: str = "") -> Format:
    """A quoted key cannot stand inside a JSON string, where its quotes were escaped: so the first one is it."""
    quoted = json.dumps(key).encode()
    marks = Counter(m[0] for line in sample if (m := re.search(re.escape(quoted) + rb'\s*:\s*\[?\s*"', line)))
    mark = marks.most_common(1)[0][0] if marks else quoted

    def read(line: bytes) -> Request | None:
        value = _loads(line)
        if not isinstance(value, dict):
            return None
        try:
            return made(value)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError):
            return None

    def agent(line: bytes) -> bytes:
        start = line.find(mark) + len(mark)
        if start >= len(mark):
            end = line.find(b'"', start)
            found = line[start:end]
            if b"\\" not in found:
                return found
        told = read(line)
        return told.agent.encode("utf-8", "surrogatepass") if told else b""
    return Format(name, agent, read, assumed)


def _loads(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _caddy(o: dict[str, Any]) -> Request:
    r = o["request"]
    agents = r["headers"].get("User-Agent") or [""]
    scheme = "https" if "tls" in r else ""           # without it, a proxy may have had the TLS
    return Request(_any_time(o["ts"]), str(r.get("client_ip") or r.get("remote_ip") or ""), str(r.get("host", "")), scheme,
                   str(r.get("method", "")), *_origin_form(str(r.get("uri", "")))[:1], int(o.get("status") or 0),
                   _size(o.get("size")), str(agents[0]))


def _cloudflare(o: dict[str, Any]) -> Request:
    target = str(o.get("ClientRequestURI") or o.get("ClientRequestPath") or "")
    return Request(_any_time(o["EdgeStartTimestamp"]), str(o.get("ClientIP") or ""), str(o.get("ClientRequestHost") or ""),
                   str(o.get("ClientRequestScheme") or ""), str(o.get("ClientRequestMethod") or ""),
                   *_origin_form(target)[:1], int(o.get("EdgeResponseStatus") or 0), _size(o.get("EdgeResponseBytes")),
                   str(o.get("ClientRequestUserAgent") or ""))


def _cloudfront(o: dict[str, Any]) -> Request | None:
    low = {str(k).lower(): str(v).encode() for k, v in o.items() if v is not None}
    return _by_role({role: low[n] for role, known in _W3C.items() for n in reversed(known) if n in low}, percent=True)


def _nginx(o: dict[str, Any], names: Mapping[str, str]) -> Request:
    def value(role: str) -> Any:
        return o.get(names[role], "") if names[role] else ""
    method, target, host = str(value("method")), *_origin_form(str(value("target")))
    if not target and value("request"):
        method, target, host = request_line(str(value("request")).encode("utf-8", "surrogatepass"))
    scheme = str(value("scheme")).lower()
    return Request(_any_time(value("time")), str(value("address")), host or str(value("host")),
                   scheme if scheme in ("http", "https") else "", method, target, int(value("status") or 0),
                   _size(value("size") if value("size") != "" else None), str(value("agent")).removesuffix("-") or "")


# ---- values

_MONTHS = {m: n for n, m in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}


@lru_cache(4096)
def _minute(start: bytes, zone: bytes) -> int | None:
    """`01/Nov/2026:08:00` in a zone, as microseconds."""
    try:
        at = datetime(int(start[7:11]), _MONTHS[start[3:6]], int(start[:2]), int(start[12:14]), int(start[15:17]), tzinfo=UTC)
        offset = int(zone[1:3]) * 60 + int(zone[3:5])
    except (ValueError, KeyError):
        return None
    return instant(at) - (-offset if zone.startswith(b"-") else offset) * 60 * SECOND


def clf_time(time: bytes) -> int | None:
    """`01/Nov/2026:08:00:00 +0100`; None if it is no time."""
    minute = _minute(time[:17], time[21:])
    return None if minute is None or not time[18:20].isdigit() else minute + int(time[18:20]) * SECOND


def _any_time(value: Any) -> int:
    """RFC 3339, the common log format, or a number of seconds, milliseconds, microseconds or nanoseconds. Raises ValueError."""
    if isinstance(value, str) and not re.fullmatch(r"\d+(?:\.\d+)?", value):
        if (at := clf_time(value.encode("ascii", "replace"))) is not None:
            return at
        found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise ValueError("a time without an offset from UTC")
        return instant(found)
    number = float(value)
    whole = abs(number)
    scale = SECOND if whole < 1e11 else 1_000 if whole < 1e14 else 1 if whole < 1e17 else 0.001
    return int(value) // 1_000 if scale == 0.001 and isinstance(value, int) else round(number * scale)


def _told(value: bytes) -> str:
    return "" if value == b"-" else text(value)


def _size(value: Any) -> int | None:
    return None if value is None or value == "-" else int(value)


def _number(value: bytes) -> int | None:
    return int(value) if value.isdigit() else None


def text(value: bytes) -> str:
    """Bytes of a client as text: UTF-8, and what is none as escapes of a URI would stand for it."""
    return value.decode("utf-8", "backslashreplace")
