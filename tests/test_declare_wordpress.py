"""The plugin for WordPress, run by PHP itself behind the hooks that WordPress calls, and what is served read again."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crawler.declare.site import intent as wishes
from crawler.declare.site import words
from crawler.declare.site.intent import STANCES, Intent
from crawler.declare.site.kit import PIXEL, Kit, make
from crawler.declare.site.meaning import PAGE, differences, samples
from crawler.declare.site.syntax import wordpress
from crawler.declare.site.targets import targets
from rules import Carrier

from .test_declare_served import evidence, got
from .webserver import free_port

pytestmark = pytest.mark.slow

# What of WordPress the plugin meets: its hooks, in the order in which they are called, and the server that sends pictures itself.
ROUTER = r"""<?php
define('ABSPATH', __DIR__ . '/');
$hooks = array();
function add_action($name, $function, $priority = 10) { global $hooks; $hooks[$name][] = $function; }
function add_filter($name, $function, $priority = 10) { global $hooks; $hooks[$name][] = $function; }
function call($name, $value = null) {
    global $hooks;
    foreach (isset($hooks[$name]) ? $hooks[$name] : array() as $function) { $value = $function($value); }
    return $value;
}
function status_header($code) { http_response_code($code); }
require __DIR__ . '/maymine.php';
$path = rawurldecode(strtok($_SERVER['REQUEST_URI'], '?#'));
if (substr($path, -4) === '.png') { return false; }
call('init');
if ($path === '/robots.txt') {
    header('Content-Type: text/plain; charset=utf-8');
    echo call('robots_txt', file_get_contents(__DIR__ . '/default.txt'));
    exit;
}
if (preg_match('/\.(txt|json|xml)$/', $path)) { http_response_code(404); exit; }
call('send_headers');
echo '<!doctype html><html><head><title>A page</title>';
call('wp_head');
echo '</head><body><p>Words.</p></body></html>';
"""
YOAST = "User-agent: *\nDisallow:\n\nSitemap: https://art.example/sitemap_index.xml\n"
SEVERAL = "# ours\r\nUser-agent: Googlebot\r\nUser-agent: bingbot # both\r\nDisallow: /n/\r\n\r\nUser-agent: *\r\nDisallow: /wp-admin/\r\n"
OPEN = "User-agent: Googlebot"


def php() -> str:
    found = shutil.which("php")
    if found is None:
        assert os.environ.get("CI") != "true", "php is missing"
        pytest.skip("needs php: apt-get install php-cli")
    return found


@contextmanager
def served(kit: Kit, folder: Path, default: str) -> Iterator[str]:
    for name, text in {**kit.files, "router.php": ROUTER, "default.txt": default}.items():
        (folder / name).write_bytes(text.encode())
    for path, _ in samples(kit.intent):
        if path.endswith(".png"):
            (folder / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            (folder / path[1:]).write_bytes(PIXEL)
    port = free_port()
    with (folder / "stderr").open("wb") as told, subprocess.Popen(
            [php(), "-d", "display_errors=stderr", "-S", f"127.0.0.1:{port}", "-t", str(folder), str(folder / "router.php")],
            stdout=subprocess.DEVNULL, stderr=told) as server:
        try:
            for _ in range(400):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/").close()
                    break
                except urllib.error.URLError:
                    assert server.poll() is None, (folder / "stderr").read_text()
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def intent(stance: str, *leaves: str, owner: str = "Ana Künstler") -> Intent:
    return Intent("https://art.example", STANCES[stance].said, STANCES[stance].away, wishes.in_order(map(wishes.leave, leaves)),
                  owner, "ana@art.example", "https://art.example/ai?a=1&b='c'")


@pytest.mark.parametrize("stance, leaves, default", [
    ("reserve", ("/press/=train", "/press/kit/=all", "/größere Daten/=ai-use"), wordpress.DEFAULT), ("search-only", ("/press/=train",), YOAST),
    ("closed", (), wordpress.DEFAULT), ("no-train", (), SEVERAL), ("answers", (), OPEN), ("open", ("/a/=all",), "")])
def test_what_php_serves_is_what_is_meant(stance, leaves, default, tmp_path):
    kit = make(intent(stance, *leaves), targets()["wordpress"])
    with served(kit, tmp_path, default) as site:
        for path, kind in samples(kit.intent):
            if not path.startswith("/.well-known/"):
                assert list(differences(kit.intent, path, kind, evidence(site, kit, path))) == []
            if kind == PAGE:
                by = {e.carrier: e for e in evidence(site, kit, path)}
                assert kit.head(path) in by[Carrier.BODY].body.decode()
        for place, text in kit.root.items():
            if place != words.ROBOTS:
                assert got(site + place, Carrier.BODY, "")[0].body.decode() == text
        robots = got(site + words.ROBOTS, Carrier.ROBOTS_TXT, "")[0].body.decode()
        assert [line for line in default.splitlines() if line not in robots.splitlines()] == []
    assert "Warning" not in (tmp_path / "stderr").read_text()


@pytest.mark.parametrize("owner", ["MAYMINE;", "<?php echo 1; ?>", "'); system('id'); //", "\\", "${x} {$y}", "*/", "?>"])
def test_no_owner_gets_out_of_the_data(owner, tmp_path):
    kit = make(intent("reserve", owner=owner), targets()["wordpress"])
    (tmp_path / "maymine.php").write_text(kit.files["maymine.php"], "utf-8")
    done = subprocess.run([php(), "-l", str(tmp_path / "maymine.php")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    (tmp_path / "ask.php").write_text("<?php define('ABSPATH', '/'); function add_action() {} function add_filter() {} "
                                      "require $argv[1]; echo json_encode(maymine_said());", "utf-8")
    told = subprocess.run([php(), str(tmp_path / "ask.php"), str(tmp_path / "maymine.php")], capture_output=True, text=True, check=True)
    assert json.loads(told.stdout) == wordpress.data(kit.files)
