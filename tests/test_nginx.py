"""A site as its owner would run it: real nginx, its own compression and fields, crawled, decided and recorded."""
from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .crawling import crawl
from .webserver import free_port

pytestmark = pytest.mark.slow

CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log {folder}/access.log; types {{ text/html html; text/plain txt; application/json json; image/png png; }}
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  gzip on; gzip_min_length 1; gzip_types text/plain application/json;
  server {{
    listen 127.0.0.1:{port}; root {folder}/web;
    location = /reserved.html {{ add_header tdm-reservation 1; add_header tdm-policy https://rights.example/; }}
    location = /twice.html {{ add_header X-Robots-Tag noindex; add_header X-Robots-Tag noai; }}
    location = /priced.html {{ add_header crawler-price "USD 0.01" always; return 402; }}
    location = /blocked.html {{ return 451; }}
    location = /members.html {{ return 302 /login?next=/members.html; }}
    location = /login {{ default_type text/html; return 200 "<!doctype html><form><input type=password name=p></form>"; }}
    location = /cleared.html {{ add_header tdm-reservation 0; }}
  }}
}}
"""
PAGES = ("plain.html", "reserved.html", "twice.html", "priced.html", "blocked.html", "members.html", "cleared.html", "hidden/a.html")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None:
        assert os.environ.get("CI") != "true", "nginx is missing"
        pytest.skip("needs nginx: apt-get install nginx-light")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    web = folder / "web"
    (web / ".well-known").mkdir(parents=True)
    (web / "hidden").mkdir()
    (web / "robots.txt").write_text("User-agent: *\nDisallow: /hidden/\n")
    (web / ".well-known/tdmrep.json").write_text('[{"location": "/cleared.html", "tdm-reservation": 1}]')
    for name in PAGES:
        (web / name).write_text("<!doctype html><title>A page</title><p>" + "word " * 500)
    (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, port=port))
    with subprocess.Popen([nginx, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]) as server:
        url = f"http://127.0.0.1:{port}"
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{url}/robots.txt").close()
                break
            except urllib.error.URLError:
                time.sleep(0.05)
        yield url
        server.terminate()


@pytest.fixture(scope="module")
def items(site: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder: Path = tmp_path_factory.mktemp("crawl")
    found, _ = crawl(folder, "pages", {"MAYMINE_POLICIES": ["eu-dsm-art4", "eu-dsm-art3"]}, given="\n".join(f"{site}/{p}" for p in PAGES),
                     urls="-")
    return {item["requested"].removeprefix(site): item for item in found}


@pytest.mark.parametrize("page, verdict, research", [
    ("/plain.html", "permitted", "permitted"),
    ("/reserved.html", "prohibited", "permitted"),
    ("/cleared.html", "permitted", "permitted"),         # the field supersedes the file, inside one protocol
    ("/priced.html", "undetermined", "undetermined"),
    ("/blocked.html", "undetermined", "undetermined"),
    ("/members.html", "undetermined", "undetermined"),
    ("/hidden/a.html", "prohibited", "undetermined"),
])
def test_what_a_served_page_comes_to(items, page, verdict, research):
    assert items[page]["verdicts"]["eu-dsm-art4"]["tdm"] == verdict
    assert items[page]["verdicts"]["eu-dsm-art3"]["tdm"] == research


def test_the_second_of_two_fields_of_one_name_counts(items):
    verdicts = items["/twice.html"]["verdicts"]["eu-dsm-art4"]
    assert verdicts["train-genai"] == "prohibited"
    assert verdicts["ai-use"] == "permitted"


def test_fields_are_on_record_as_they_came_and_the_body_as_it_reads(items):
    evidence = items["/plain.html"]["evidence"]
    assert "Content-Encoding: gzip" in evidence["http-fields"]["head"]
    assert evidence["body"]["head"].startswith("<!doctype html>")


def test_a_page_behind_payment_was_refused_and_its_price_is_on_record(items):
    evidence = items["/priced.html"]["evidence"]
    assert evidence["body"]["access"] == "refused"
    assert "USD 0.01" in evidence["http-fields"]["head"]
