"""What is written for nginx, Apache and Caddy: loaded by the real servers, served, and read again from what they answer."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from crawler.cli import main
from crawler.declare.site import intent as wishes
from crawler.declare.site import words
from crawler.declare.site.intent import STANCES, Intent
from crawler.declare.site.kit import CARRIERS, PIXEL, REFERRED, Kit, make
from crawler.declare.site.meaning import PICTURE, differences, samples
from crawler.declare.site.steps import tag
from crawler.declare.site.targets import targets
from rules import Access, Carrier, Evidence

from .webserver import free_port

pytestmark = pytest.mark.slow

MAYMINE = (sys.executable, "-m", "crawler.cli")
SERVERS = ("nginx", "apache", "htaccess", "caddy")
FOLDERS = ("/press/=train", "/press/kit/=all", "/größere Daten/=ai-use")
CASES = [("reserve", FOLDERS), ("search-only", FOLDERS[:1]), ("closed", ()), ("no-train", FOLDERS), ("open", ()), ("answers", ())]

# Sites as people have them, with the traps: a location for pictures with fields of its own, and rules against dot files.
NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; types {{ text/html html; text/plain txt; application/json json; image/png png; }}
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  include {folder}/conf.d/*.conf;
  server {{
    listen 127.0.0.1:{port}; root {folder}/web;
    {own}
    location ~ /\\. {{ deny all; }}
    location ~* \\.(png|jpg)$ {{ expires 30d; add_header Cache-Control "public"; {pictures} }}
  }}
}}
"""
APACHE = """
ServerRoot {folder}
Listen 127.0.0.1:{port}
ServerName 127.0.0.1
PidFile {folder}/pid
ErrorLog {folder}/error.log
{modules}
TypesConfig /etc/mime.types
DocumentRoot {folder}/web
<Directory {folder}/web>
  Require all granted
  AllowOverride All
</Directory>
<DirectoryMatch "/\\.">
  Require all denied
</DirectoryMatch>
<FilesMatch "\\.png$">
  Header set Cache-Control "public"
</FilesMatch>
{own}
"""
MODULES = ("mpm_event", "authz_core", "authz_host", "mime", "dir", "headers", "rewrite", "setenvif", "alias")
CADDY = """
{{
	admin off
	auto_https off
}}
{own}
http://127.0.0.1:{port} {{
	root * {folder}/web
	{imported}
	@dot path */.*
	respond @dot 403
	@pictures path *.png
	header @pictures Cache-Control public
	file_server
}}
"""


def program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        assert os.environ.get("CI") != "true", f"{name} is missing"
        pytest.skip(f"needs {name}: apt-get install nginx-light apache2 caddy")
    return found


@contextmanager
def served(kind: str, kit: Kit | None, folder: Path, port: int, forgotten: str = "") -> Iterator[str]:
    """The site of an owner who did what the steps say, but for what was forgotten; without a kit, who did nothing yet."""
    web = folder / "web"
    pages = [path for path, _ in samples(kit.intent)] if kit else ["/", "/works/one.html", "/images/one.png"]
    for path in ("/index.html", *pages[1:]):
        (web / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (web / path[1:]).write_bytes(PIXEL if path.endswith(".png") else b"<!doctype html><title>A page</title><p>Words.")
    files = dict(kit.files) if kit else {}
    for path in kit.root if kit else ():
        (web / path[1:]).parent.mkdir(parents=True, exist_ok=True)
        (web / path[1:]).write_text(files.pop(path[1:]), "utf-8")
    command, shown = CONFIGURE[kind](files, folder, port, forgotten)
    with (folder / "stderr").open("wb") as told, subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=told, env={**os.environ, "HOME": str(folder)}) as server:
        url = f"http://127.0.0.1:{port}"
        try:
            for _ in range(400):
                try:
                    urllib.request.urlopen(f"{url}/index.html").close()
                    break
                except urllib.error.HTTPError:
                    break
                except urllib.error.URLError:
                    assert server.poll() is None, (folder / "stderr").read_text() + shown
                    time.sleep(0.05)
            yield url
        finally:
            server.terminate()


def nginx(files: dict[str, str], folder: Path, port: int, forgotten: str) -> tuple[list[str], str]:
    (folder / "conf.d").mkdir()
    (folder / "snippets").mkdir()
    for name, text in files.items():
        (folder / ("conf.d" if name == "maymine-map.conf" else "snippets") / name).write_text(text, "utf-8")
    text = NGINX.format(folder=folder, port=port, own="include snippets/maymine-server.conf;" if files else "",
                        pictures="include snippets/maymine-headers.conf;" if files and forgotten != "pictures" else "")
    (folder / "nginx.conf").write_text(text)
    return [program("nginx"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")], text


def apache(files: dict[str, str], folder: Path, port: int, forgotten: str) -> tuple[list[str], str]:
    binary, where = program("apache2"), Path("/usr/lib/apache2/modules")
    if ".htaccess" in files:
        (folder / "web/.htaccess").write_text(files[".htaccess"], "utf-8")
    modules = "\n".join(f"LoadModule {m}_module {where}/mod_{m}.so" for m in MODULES if (where / f"mod_{m}.so").exists())
    text = APACHE.format(folder=folder, port=port, modules=modules, own=files.get("maymine.conf", ""))
    (folder / "apache.conf").write_text(text, "utf-8")
    return [binary, "-X", "-f", str(folder / "apache.conf")], text


def caddy(files: dict[str, str], folder: Path, port: int, forgotten: str) -> tuple[list[str], str]:
    own = ""
    if files:
        (folder / "maymine.caddy").write_text(files["maymine.caddy"], "utf-8")
        own = "import maymine.caddy"
    text = CADDY.format(folder=folder, port=port, own=own, imported="import maymine" if files else "")
    (folder / "Caddyfile").write_text(text)
    return [program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"], text


CONFIGURE = {"nginx": nginx, "apache": apache, "htaccess": apache, "caddy": caddy}


def got(url: str, carrier: Carrier, uri: str) -> tuple[Evidence, Evidence]:
    """A file as it is served, and the fields that came with it."""
    try:
        with urllib.request.urlopen(url) as answer:
            access, body, status, sent = Access.OBTAINED, answer.read(), answer.status, answer.headers.items()
    except urllib.error.HTTPError as error:
        access = Access.REFUSED if error.code == 403 else Access.UNAVAILABLE
        body, status, sent = b"", error.code, error.headers.items()
        error.close()
    fields = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in sent)
    return (Evidence(carrier, uri, None, access, body),
            Evidence(Carrier.HTTP_FIELDS, uri, None, Access.OBTAINED, fields.encode("latin-1")))


def evidence(site: str, kit: Kit, path: str) -> list[Evidence]:
    """All that a crawler would get, from the server alone."""
    out = [got(site + place, carrier, kit.intent.origin + place)[0] for place, carrier in CARRIERS.items()]
    out += [got(site + place, carrier, kit.intent.origin + place)[0] for place, carrier in REFERRED.items() if place in kit.root]
    return [*out, *got(site + quote(path), Carrier.BODY, kit.intent.origin + quote(path))]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("stance, leaves", CASES)
def test_what_a_real_server_sends_is_what_is_meant(server, stance, leaves, tmp_path):
    intent = Intent("https://art.example", STANCES[stance].said, STANCES[stance].away, wishes.in_order(map(wishes.leave, leaves)),
                    "Ana Künstler", "ana@art.example", "https://art.example/ai?a=50%25&b='c'")
    kit = make(intent, targets()[server])
    with served(server, kit, tmp_path, free_port()) as site:
        for path, kind in samples(intent):
            seen = evidence(site, kit, path)
            by = {e.carrier: e for e in seen}
            if not path.startswith("/.well-known/"):         # that folder is hidden here, but for our file
                assert by[Carrier.BODY].access is Access.OBTAINED, (path, by[Carrier.BODY])
                assert list(differences(intent, path, kind, seen)) == []
            ours = ("tdm-reservation", "tdm-policy", "content-usage", "x-robots-tag", "link")
            sent = sorted((name.lower(), value) for name, value in _fields(by[Carrier.HTTP_FIELDS]) if name.lower() in ours)
            assert sent == sorted((name.lower(), value) for name, value in kit.fields(path, kind)), path
        tdmrep = got(site + words.TDMREP, Carrier.TDMREP_JSON, "")[0]
        assert (tdmrep.access is Access.OBTAINED) is (words.TDMREP in kit.root)
        if words.RSL in kit.root:
            _, fields = got(site + words.RSL, Carrier.RSL, "")
            assert ("Content-Type", "application/rsl+xml") in [*_fields(fields)]


def _fields(one: Evidence) -> Iterator[tuple[str, str]]:
    for line in one.body.decode("latin-1").split("\r\n")[1:]:
        if line:
            name, _, value = line.partition(": ")
            yield name, value


@pytest.mark.parametrize("server", SERVERS)
def test_check_compares_what_is_served_with_what_was_declared(server, tmp_path):
    port = free_port()
    origin, out = f"http://127.0.0.1:{port}", tmp_path / "kit"
    run = CliRunner().invoke(main, ["declare", "--for", server, "--origin", origin, "--stance", "reserve", "-o", str(out)])
    assert run.exit_code == 0, run.output
    command = [*MAYMINE, "declare", "--declared", str(out), "--allow-private", "--check", f"{origin}/", "--check", f"{origin}/images/one.png"]
    intent = Intent(origin, STANCES["reserve"].said)
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    with served(server, None, tmp_path / "before", port):
        before = subprocess.run(command, capture_output=True, text=True, check=False)
    assert before.returncode == 1, before
    assert "robots.txt, for" in before.stdout
    assert "not served" in before.stdout
    assert "http-fields" in before.stdout
    with served(server, make(intent, targets()[server]), tmp_path / "after", port):
        after = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (after.returncode, after.stdout) == (0, "2 addresses served as declared.\n"), after


def test_a_check_that_is_turned_away_says_so_and_decides_nothing(tmp_path):
    port = free_port()
    origin, out = f"http://127.0.0.1:{port}", tmp_path / "kit"
    assert CliRunner().invoke(main, ["declare", "--for", "nginx", "--origin", origin, "--stance", "closed", "-o", str(out)]).exit_code == 0
    intent = Intent(origin, STANCES["closed"].said, STANCES["closed"].away)
    with served("nginx", make(intent, targets()["nginx"]), tmp_path, port):
        done = subprocess.run([*MAYMINE, "declare", "--declared", str(out), "--allow-private", "--check", f"{origin}/"],
                              capture_output=True, text=True, check=False)
    assert done.returncode == 3, done
    assert "robots.txt gives no leave to ask" in done.stdout
    assert "turns everyone away, this check too" in done.stderr


@pytest.mark.parametrize("server", SERVERS)
def test_a_site_whose_owner_did_all_of_it_is_audited_clean(server, tmp_path):
    """The steps of the target, and the tag in the picture, which the notes name."""
    port = free_port()
    intent = Intent(f"http://127.0.0.1:{port}", STANCES["search-only"].said, STANCES["search-only"].away, owner="Ana", contact="ana@art.example")
    kit = make(intent, targets()[server])
    with served(server, kit, tmp_path, port) as site:
        (tmp_path / "web/index.html").write_text("<!doctype html><title>Home</title><a href=/works/one.html>One</a><img src=/images/one.png>")
        tagged = CliRunner().invoke(main, ["tag", str(tmp_path / "web/images"), "--value", tag(intent.said), "--yes", "--undo-list", str(tmp_path / "undo")])
        assert tagged.exit_code == 0, tagged.output
        written = CliRunner().invoke(main, ["declare", "--for", server, "--origin", site, "--stance", "search-only", "--owner", "Ana",
                                            "--contact", "ana@art.example", "-o", str(tmp_path / "kit")])
        assert written.exit_code == 0, written.output
        audit = subprocess.run([*MAYMINE, "audit", f"{site}/", "--allow-private", "--format", "text"], capture_output=True, text=True, check=False)
        check = subprocess.run([*MAYMINE, "declare", "--declared", str(tmp_path / "kit"), "--allow-private", "--check", f"{site}/",
                                "--check", f"{site}/images/one.png"], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check
    assert "besides, it says" in check.stdout
    assert check.stdout.endswith("2 addresses served as declared.\n")
    assert audit.returncode == 0, audit.stdout
    assert "nothing to mend" in audit.stdout.lower()
    assert "STATED" in audit.stdout


def test_a_location_that_forgets_the_fields_is_found(tmp_path):
    """The fault that nginx invites: a location with a field of its own loses all others, and so the exception is lost."""
    intent = Intent("https://art.example", STANCES["reserve"].said)
    kit = make(intent, targets()["nginx"])
    with served("nginx", kit, tmp_path, free_port(), "pictures") as site:
        picture, page = (dict(_fields(got(f"{site}{path}", Carrier.BODY, "")[1])) for path in ("/images/one.png", "/works/one.html"))
    assert page["tdm-reservation"] == dict(kit.fields("/images/one.png", PICTURE))["tdm-reservation"] == "1"
    assert "tdm-reservation" not in picture
