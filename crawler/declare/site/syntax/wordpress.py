"""WordPress: one must-use plugin, which needs no theme and no settings.

**Facts** (https://developer.wordpress.org/)
- Filter `robots_txt`: what WordPress answers for /robots.txt, unless a file of that name lies in the folder, which the server
  sends itself. `send_headers`: fields of pages; the server sends pictures itself, without them. `wp_head`: metas.
- PHP, Nowdoc (https://www.php.net/manual/en/language.types.string.php): nothing in it is replaced, and it ends where its word
  begins a line. OURS: what it holds is JSON of ASCII on one line, which begins with `{`.
- Page caches may drop fields; metas stay in what they keep.
"""
from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from . import Files, Rows

PLUGIN = "maymine.php"
DEFAULT = "User-agent: *\nDisallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\n\nSitemap: https://site.example/wp-sitemap.xml\n"

_DATA = re.compile(r"<<<'MAYMINE'\n(.*)\nMAYMINE;")

_CODE = r"""<?php
/**
 * Plugin Name: maymine
 * Description: Says to machines what they may do with this site. Goes into wp-content/mu-plugins/ as it is.
 */
if (!defined('ABSPATH')) {
    exit;
}

function maymine_said() {
    static $said = null;
    if ($said === null) {
        $json = <<<'MAYMINE'
@DATA@
MAYMINE;
        $said = json_decode($json, true);
    }
    return $said;
}

function maymine_path() {
    $uri = isset($_SERVER['REQUEST_URI']) ? (string) $_SERVER['REQUEST_URI'] : '/';
    return rawurldecode(strtok($uri, '?#'));
}

function maymine_row() {
    $path = maymine_path();
    foreach (maymine_said()['rows'] as $row) {
        if (strncmp($path, $row['path'], strlen($row['path'])) === 0) {
            return $row;
        }
    }
    return array('fields' => array(), 'metas' => '');
}

function maymine_file() {
    $files = maymine_said()['files'];
    $path = maymine_path();
    if (!isset($files[$path])) {
        return;
    }
    status_header(200);
    header('Content-Type: ' . $files[$path]['type']);
    echo $files[$path]['text'];
    exit;
}

function maymine_fields() {
    foreach (maymine_row()['fields'] as $field) {
        header($field[0] . ': ' . $field[1], !in_array($field[0], array('X-Robots-Tag', 'Link'), true));
    }
}

function maymine_metas() {
    echo maymine_row()['metas'];
}

/* Groups repeat what is said to all, as a crawler that a group names does not hear the others. */
function maymine_robots($text) {
    $said = maymine_said();
    $out = $said['before'];
    $open = false;
    $all = false;
    foreach (preg_split('/\r\n|\r|\n/', (string) $text) as $line) {
        if (preg_match('/^[ \t]*user-?agent[ \t]*:[ \t]*([^#]*)/i', $line, $found)) {
            $open = true;
            $all = $all || trim($found[1]) === '*';
        } elseif ($open && preg_match('/^[ \t]*[^#\s]/', $line)) {
            $out = array_merge($out, $said['everyone']);
            $open = false;
        }
        $out[] = $line;
    }
    if ($open) {
        $out = array_merge($out, $said['everyone'], array('Disallow:'));
    }
    $after = $all ? array() : array_merge(array('', 'User-agent: *', 'Allow: /'), $said['everyone']);
    return implode("\n", array_merge($out, $after, $said['after'])) . "\n";
}

add_action('init', 'maymine_file', 0);
add_action('send_headers', 'maymine_fields');
add_action('wp_head', 'maymine_metas', 1);
add_filter('robots_txt', 'maymine_robots', 99);
"""


def write(rows: Rows, metas: Mapping[str, str], files: Mapping[str, tuple[str, str]], before: Sequence[str],
          everyone: Sequence[str], after: Sequence[str]) -> dict[str, str]:
    """`metas`: a text a row. `files`: path -> media type and text. The rest are lines of robots.txt: before its groups, in each
    of them, and after them."""
    said = {"rows": [{"path": path, "fields": fields, "metas": metas[path]} for path, fields in rows],
            "files": {path: {"type": kind, "text": text} for path, (kind, text) in files.items()},
            "before": [*before], "everyone": [*everyone], "after": [*after]}
    return {PLUGIN: _CODE.replace("@DATA@", json.dumps(said))}


def data(files: Files) -> Any:
    """What the plugin holds."""
    found = _DATA.search(files[PLUGIN])
    return json.loads(found[1]) if found else {}


def read(files: Files, path: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in _row(files, path)["fields"]]


def read_files(files: Files) -> dict[str, str]:
    return {path: str(one["text"]) for path, one in data(files)["files"].items()}


def read_metas(files: Files, path: str) -> str:
    return str(_row(files, path)["metas"])


def read_robots(files: Files, text: str = DEFAULT) -> str:
    """What the filter makes of a file that has a rule in each group, and one group for all."""
    said = data(files)
    everyone = "".join(f"{line}\n" for line in said["everyone"])
    groups = re.sub(r"(?im)^(user-agent:.*\n)(?!user-agent:)", lambda m: m[1] + everyone, text)
    return "\n".join([*said["before"], groups, *said["after"]]) + "\n"


def _row(files: Files, path: str) -> Any:
    return next((row for row in data(files)["rows"] if path.startswith(row["path"])), {"fields": [], "metas": ""})
