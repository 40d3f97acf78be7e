"""Logs as real servers write them: nginx in two formats, Apache in two, Caddy; the same requests, the same findings."""
from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from crawler.logs import lists
from crawler.logs.grading import Grader
from crawler.logs.history import DAY, History, Version, words
from crawler.logs.naming import Names
from crawler.logs.reading import read
from crawler.logs.store import Store
from rules import Carrier

from .fixtures import logs as story
from .webserver import Web, free_port

pytestmark = pytest.mark.slow

ASKED = (("/robots.txt", story.GPTBOT), ("/one.html", story.GPTBOT), ("/one.html?a=b%20c", story.PERSON),
         ("/gone.html", story.GPTBOT), ("/%7Eana/x.html", story.CCBOT), ("/one.html", 'quo"ted \\ \t GPTBot/1.2 é'))

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  log_format evidence escape=json '{{"time":"$time_iso8601","host":"$host","scheme":"$scheme","method":"$request_method",'
    '"uri":"$request_uri","status":$status,"bytes":$body_bytes_sent,"agent":"$http_user_agent","client":"$remote_addr"}}';
  log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" '
    '"$http_user_agent" "$http_x_forwarded_for"';
  access_log {folder}/json.log evidence; access_log {folder}/combined.log combined; access_log {folder}/main.log main;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{ listen 127.0.0.1:{port}; root {folder}/web; }}
}}
"""
APACHE = """
ServerRoot {folder}
ServerName art.example
PidFile {folder}/pid
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
DocumentRoot {folder}/web
ErrorLog {folder}/error.log
LogFormat "%v:%p %h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" vhost_combined
LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
CustomLog {folder}/vhost.log vhost_combined
CustomLog {folder}/combined.log combined
"""
CADDY = """
{{
	admin off
	auto_https off
	storage file_system {folder}/storage
}}
http://127.0.0.1:{port} {{
	root * {folder}/web
	file_server
	log {{
		output file {folder}/caddy.log
	}}
}}
"""


def found(name: str, package: str) -> str:
    program = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        assert os.environ.get("CI") != "true", f"{name} is missing"
        pytest.skip(f"needs {name}: apt-get install {package}")
    return program


def serve(command: list[str], port: int) -> None:
    """Run a server, ask it, and stop it, so that its logs are written."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(200):
                with closing(socket.socket()) as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            for target, agent in ASKED:
                request = urllib.request.Request(f"http://127.0.0.1:{port}{target}")
                request.add_unredirected_header("User-Agent", agent.encode().decode("latin-1"))
                try:
                    urllib.request.urlopen(request, timeout=10).close()
                except urllib.error.HTTPError as error:
                    error.close()
        finally:
            server.terminate()
            server.wait(20)


@pytest.mark.parametrize("name, package, configuration, command, logs", [
    ("nginx", "nginx-light", NGINX, ["-c", "{conf}", "-e", "{folder}/error.log"], {
        "json.log": "nginx-json", "combined.log": "combined", "main.log": "combined"}),
    ("apache2", "apache2", APACHE, ["-X", "-f", "{conf}"], {"vhost.log": "vhost_combined", "combined.log": "combined"}),
    ("caddy", "caddy", CADDY, ["run", "--config", "{conf}", "--adapter", "caddyfile"], {"caddy.log": "caddy"})])
def test_real_logs_are_read(name: str, package: str, configuration: str, command: list[str], logs: dict[str, str],
                            tmp_path: Path) -> None:
    program, port = found(name, package), free_port()
    (tmp_path / "web" / "~ana").mkdir(parents=True)
    (tmp_path / "web" / "robots.txt").write_bytes(story.ROBOTS)
    (tmp_path / "web" / "one.html").write_text("<!doctype html><title>One</title>")
    (tmp_path / "web" / "~ana" / "x.html").write_text("<!doctype html><title>X</title>")
    conf = tmp_path / "server.conf"
    conf.write_text(configuration.format(folder=tmp_path, port=port, modules="/usr/lib/apache2/modules"))
    values = {"conf": str(conf), "folder": str(tmp_path)}
    serve([program, *(word.format(**values) for word in command)], port)
    for log, form in logs.items():
        store = Store()
        done = read(tmp_path / log, 0, store, Names())
        assert (done.format, done.not_understood, done.broken) == (form, 0, ""), (log, done)
        hits = list(store.in_order())
        assert [(h.token, h.target, h.status, h.address) for h in hits] == [
            ("GPTBot", "/robots.txt", 200, "127.0.0.1"), ("GPTBot", "/one.html", 200, "127.0.0.1"),
            ("GPTBot", "/gone.html", 404, "127.0.0.1"), ("CCBot", "/%7Eana/x.html", 200, "127.0.0.1"),
            ("GPTBot", "/one.html", 200, "127.0.0.1")], log
        assert abs(hits[0].at / 1e6 - time.time()) < 120, "times are those of the clock"
        assert graded(hits) == ["robots-fetch", "all-five", "attempt", "allowed", "all-five"], log


def graded(hits: list[Any]) -> list[str]:
    """With 127.0.0.0/8 in the list of today."""
    history = History()
    history.add("", [Version(words(Carrier.ROBOTS_TXT, "/robots.txt", 200, b"User-agent: GPTBot\nDisallow: /one\nDisallow: /gone\n"),
                             hits[0].at - 9 * DAY, hits[0].at, True, "test")])
    from crawler.logs.request import moment
    from rules.agents import agents
    copies = [lists.Copy(agents()[token].ip_ranges[0], moment(hits[0].at), ("127.0.0.0/8",)) for token in ("gptbot", "ccbot")]
    grader = Grader(history, lists.Lists(copies), "127.0.0.1")
    return [grader.grade(h).basis for h in hits]


def test_the_words_of_today_are_asked_from_the_site(tmp_path: Path) -> None:
    """They stand before today only if somebody says since when."""
    (tmp_path / "a.log").write_bytes(story.log("combined"))
    with Web() as web:
        web.put("/", "<!doctype html><title>Art</title>")
        web.put("/robots.txt", story.ROBOTS, type="text/plain")

        def asked(*words: str) -> tuple[int, dict[str, Any]]:
            command = [sys.executable, "-m", "crawler.cli", "logs", str(tmp_path / "a.log"), "--site", web.url, "--allow-private",
                       "--format", "json", *words]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[1])
            return done.returncode, json.loads(done.stdout)[0]
        code, since = asked("--since", "2026-08-01")
        assert (code, since["summary"][0]["grade"]) == (1, "A")
        code, today = asked()
        assert (code, today["not_counted"]["unknown-words"]) == (3, 8)
