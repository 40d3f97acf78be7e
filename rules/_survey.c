/* One walk over a page: what rules/html_work.py tells, and which tags could say something. The same answers, faster.

   A line-by-line counterpart of html_work.is_bounded; tests hold both together. What it tells beyond that stands in survey.py.
   Time grows with the page alone; memory with the depth of its elements. Nothing is kept between calls. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

typedef Py_ssize_t at;

enum { FORMATTING = 1, UNNESTED = 2, MERGED = 4, UNCERTAIN = 8, SVG = 16, DRAWING = 32, TEXTS = 64, RAW = 128,
       META = 256, SCRIPT = 512, BASE = 1024, LINK = 2048,
       SELECT = 4096, TEMPLATE = 8192, HTML = 16384 };

static const struct { const char *name; int is; } NAMES[] = {
    {"b", FORMATTING}, {"big", FORMATTING}, {"code", FORMATTING}, {"em", FORMATTING}, {"font", FORMATTING}, {"i", FORMATTING},
    {"s", FORMATTING}, {"small", FORMATTING}, {"strike", FORMATTING}, {"strong", FORMATTING}, {"tt", FORMATTING}, {"u", FORMATTING},
    {"area", UNNESTED}, {"base", UNNESTED | BASE}, {"br", UNNESTED}, {"col", UNNESTED}, {"embed", UNNESTED}, {"hr", UNNESTED},
    {"img", UNNESTED}, {"input", UNNESTED}, {"link", UNNESTED | LINK}, {"meta", UNNESTED | META}, {"param", UNNESTED},
    {"source", UNNESTED}, {"track", UNNESTED}, {"wbr", UNNESTED}, {"p", UNNESTED}, {"li", UNNESTED}, {"dt", UNNESTED},
    {"dd", UNNESTED}, {"option", UNNESTED}, {"tr", UNNESTED}, {"td", UNNESTED}, {"th", UNNESTED}, {"tbody", UNNESTED},
    {"thead", UNNESTED}, {"tfoot", UNNESTED}, {"colgroup", UNNESTED}, {"caption", UNNESTED}, {"a", UNNESTED}, {"nobr", UNNESTED},
    {"html", MERGED | HTML}, {"body", MERGED},
    {"math", UNCERTAIN}, {"frameset", UNCERTAIN}, {"plaintext", UNCERTAIN},
    {"svg", SVG | DRAWING}, {"g", DRAWING}, {"path", DRAWING}, {"circle", DRAWING}, {"ellipse", DRAWING}, {"line", DRAWING},
    {"polygon", DRAWING}, {"polyline", DRAWING}, {"rect", DRAWING}, {"use", DRAWING}, {"defs", DRAWING}, {"symbol", DRAWING},
    {"text", DRAWING}, {"tspan", DRAWING}, {"image", DRAWING}, {"clippath", DRAWING}, {"mask", DRAWING}, {"pattern", DRAWING},
    {"filter", DRAWING}, {"marker", DRAWING}, {"lineargradient", DRAWING}, {"radialgradient", DRAWING}, {"stop", DRAWING},
    {"animate", DRAWING}, {"animatetransform", DRAWING}, {"animatemotion", DRAWING},
    {"title", TEXTS | RAW}, {"desc", TEXTS}, {"style", TEXTS | RAW}, {"script", RAW | SCRIPT}, {"textarea", RAW}, {"xmp", RAW},
    {"iframe", RAW}, {"noembed", RAW}, {"noframes", RAW},
    {"select", SELECT}, {"template", TEMPLATE},
};
#define MOST_NAME 16
#define SLOTS 1024
static short slots[SLOTS];           /* of NAMES, from 1 */
static short lengths[sizeof NAMES / sizeof *NAMES];

static unsigned char LOW[256], SPACE[256], NAME_END[256], STOPS[256];
static short FIRST[256];            /* lengths, as bits, of the names of attributes that count, by their first letters */

static unsigned hash_of(const unsigned char *s, at n) {
    return ((unsigned)n * 61 + LOW[s[0]] * 7 + LOW[s[n - 1]] * 131 + LOW[s[n / 2]] * 17) & (SLOTS - 1);
}

static int same(const unsigned char *s, const char *word, at n) {     /* word: in lower case */
    for (at i = 0; i < n; i++) if (LOW[s[i]] != (unsigned char)word[i]) return 0;
    return 1;
}

static int kind_of(const unsigned char *s, at n) {
    if (n > MOST_NAME) return 0;
    for (unsigned h = hash_of(s, n); slots[h]; h = (h + 1) & (SLOTS - 1)) {
        if (lengths[slots[h] - 1] == n && same(s, NAMES[slots[h] - 1].name, n)) return NAMES[slots[h] - 1].is;
    }
    return 0;
}

/* html_work.ATTRIBUTE: where one that begins at `p` ends; its parts, where wanted. */
static at attribute(const unsigned char *t, at p, at end, at *name_end, at *value, at *value_end) {
    at q = p + 1, r, v;
    while (q < end && !NAME_END[t[q]]) q++;
    *name_end = *value = *value_end = q;
    for (r = q; r < end && SPACE[t[r]]; r++);
    if (r == end || t[r] != '=') return q;
    for (v = r + 1; v < end && SPACE[t[v]]; v++);
    *value = *value_end = v;
    if (v == end || t[v] == '>') return v;
    if (t[v] == '"' || t[v] == '\'') {
        const unsigned char *close = memchr(t + v + 1, t[v], end - v - 1);
        if (!close) return v;
        *value = v + 1;
        *value_end = close - t;
        return close - t + 1;
    }
    while (v < end && !SPACE[t[v]] && t[v] != '>') v++;
    *value_end = v;
    return v;
}

/* html_work.ATTRIBUTES: behind the `>` of a tag whose name ends at `p`; -1: it has none. `counts`: whether it has an attribute
   of a name as long as those that `said` looks at, and with such a first letter. */
static at tag_end(const unsigned char *t, at p, at end, int *counts) {
    at name_end, b, c;
    while (p < end) {
        unsigned char first = t[p];
        if (first == '>') return p + 1;
        if (SPACE[first] || first == '/') p++;
        else {
            at name = p;
            p = attribute(t, p, end, &name_end, &b, &c);
            if (FIRST[first] & 1 << (name_end - name < 9 ? name_end - name : 0)) *counts = 1;
        }
    }
    return -1;
}

static at count_attributes(const unsigned char *t, at p, at stop) {
    at n = 0, a, b, c;
    while (p < stop) {
        if (SPACE[t[p]] || t[p] == '/' || t[p] == '>') p++;
        else { p = attribute(t, p, stop, &a, &b, &c); n++; }
    }
    return n;
}

/* html_work._SELF_CLOSED */
static int self_closed(const unsigned char *t, at p, at stop) {
    while (p < stop - 2) {
        if (SPACE[t[p]] || t[p] == '/') { p++; continue; }
        if (t[p] == '>' || t[p] == '=') return 0;
        while (p < stop && !NAME_END[t[p]]) p++;
        at r = p;
        while (r < stop && SPACE[t[r]]) r++;
        if (r < stop && t[r] == '=') {
            for (r++; r < stop && SPACE[t[r]]; r++);
            if (r == stop || (t[r] != '"' && t[r] != '\'')) return 0;
            const unsigned char *close = memchr(t + r + 1, t[r], stop - r - 1);
            if (!close) return 0;
            p = close - t + 1;
        }
    }
    return p == stop - 2;
}

static at find(const unsigned char *t, at p, at end, unsigned char c) {
    const unsigned char *f = p < end ? memchr(t + p, c, end - p) : NULL;
    return f ? f - t : -1;
}

static at comment_end(const unsigned char *t, at p, at end) {       /* behind it; 0: not before the page ends */
    if (p < end && t[p] == '>') return p + 1;
    if (p + 1 < end && t[p] == '-' && t[p + 1] == '>') return p + 2;
    for (; (p = find(t, p, end, '-')) >= 0; p++) {
        if (p + 2 < end && t[p + 1] == '-') {
            if (t[p + 2] == '>') return p + 3;
            if (p + 3 < end && t[p + 2] == '!' && t[p + 3] == '>') return p + 4;
        }
    }
    return 0;
}

static int same_name(const unsigned char *t, at one, at other, at n) {
    at i = 0;
    while (i < n && LOW[t[one + i]] == LOW[t[other + i]]) i++;
    return i == n;
}

typedef struct { at name, n; } Open;

static int is_open(const unsigned char *t, const Open *stack, at depth, at name, at n) {     /* as the innermost */
    return depth && stack[depth - 1].n == n && same_name(t, stack[depth - 1].name, name, n);
}

static at raw_end(const unsigned char *t, at p, at end, at name, at n) {     /* of the text of an element; -1: nowhere */
    for (; (p = find(t, p, end, '<')) >= 0; p++)
        if (p + 2 + n < end && t[p + 1] == '/' && (SPACE[t[p + 2 + n]] || t[p + 2 + n] == '/' || t[p + 2 + n] == '>')
            && same_name(t, p + 2, name, n)) return p;
    return -1;
}

static int may_escape(const unsigned char *t, at p, at end) {
    int comment = 0, script = 0;
    for (; (p = find(t, p, end, '<')) >= 0; p++) {
        comment = comment || (p + 4 <= end && !memcmp(t + p, "<!--", 4));
        script = script || (p + 7 <= end && same(t + p, "<script", 7));
    }
    return comment && script;
}

/* hidden.MARKUP at an ampersand: a reference to a letter or to one of + - . : */
static int hides(const unsigned char *t, at p, at end) {
    at n = end - p;
    if (n > 2 && t[p + 1] == '#') {
        at q = p + 2;
        unsigned long code = 0;
        int hexadecimal = LOW[t[q]] == 'x', any = 0;
        for (q += hexadecimal; q < end; q++, any = 1) {
            int c = LOW[t[q]], digit = c >= '0' && c <= '9' ? c - '0' : hexadecimal && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
            if (digit < 0) break;
            if (code < 0x110000) code = code * (hexadecimal ? 16 : 10) + digit;
        }
        return any && ((code >= 'A' && code <= 'Z') || (code >= 'a' && code <= 'z')
                       || code == '+' || code == '-' || code == '.' || code == ':');
    }
    return (n > 4 && same(t + p, "&plus", 5)) || (n > 5 && same(t + p, "&colon", 6)) || (n > 5 && same(t + p, "&fjlig", 6))
        || (n > 6 && same(t + p, "&period", 7));
}

enum { LICENSE = 1, RIGHTS = 2, SCHEMA = 4, RSL = 8, JSON = 16, HIDDEN = 32, ESCAPED = 64 };

static int letter_escape(const unsigned char *t, at p, at end) {     /* metadata_words._ESCAPED */
    if (p + 6 > end || LOW[t[p + 1]] != 'u' || t[p + 2] != '0' || t[p + 3] != '0') return 0;
    int c = LOW[t[p + 5]], digit = c >= '0' && c <= '9', hexadecimal = digit || (c >= 'a' && c <= 'f');
    if (t[p + 4] == '4' || t[p + 4] == '6') return hexadecimal && c != '0';
    return (t[p + 4] == '5' || t[p + 4] == '7') && (digit || c == 'a');
}

/* Which words stand in a stretch. */
static int words_in(const unsigned char *t, at p, at end) {
    int found = 0;
    for (; p < end; p++) {
        if (!STOPS[t[p]]) continue;
        at n = end - p;
        switch (LOW[t[p]]) {
        case 'l': if (n > 6 && same(t + p, "license", 7)) found |= LICENSE; break;
        case 'r':
            if (n > 5 && same(t + p, "rights", 6)) found |= RIGHTS;
            if (n > 2 && same(t + p, "rsl", 3)) found |= RSL;
            break;
        case 'u': if (n > 8 && same(t + p, "usageinfo", 9)) found |= SCHEMA; break;
        case 'i': if (n > 18 && same(t + p, "isaccessibleforfree", 19)) found |= SCHEMA; break;
        case 'j': if (n > 3 && same(t + p, "json", 4)) found |= JSON; break;
        case '&': if (hides(t, p, end)) found |= HIDDEN; break;
        case '\\': if (letter_escape(t, p, end)) found |= ESCAPED; break;
        }
    }
    return found;
}

enum { TELLS = 1, ITEMS = 2, IS_JSON = 4, IS_RSL = 8 };

/* What a start tag could say, by the values of the attributes that count (survey.py). */
static int said(const unsigned char *t, at p, at stop) {
    int out = 0;
    at name_end, value, value_end;
    while (p < stop) {
        if (SPACE[t[p]] || t[p] == '/' || t[p] == '>') { p++; continue; }
        at name = p;
        p = attribute(t, p, stop, &name_end, &value, &value_end);
        at n = name_end - name, held = value_end - value;
        if (held < 3) continue;
        int item = n == 8 && same(t + name, "itemprop", 8);
        if (item || (n == 3 && same(t + name, "rel", 3)) || (n == 8 && same(t + name, "property", 8))
            || (n == 4 && same(t + name, "name", 4))) {
            int words = words_in(t, value, value_end) & (LICENSE | RIGHTS | SCHEMA | HIDDEN);
            if (words) out |= item ? ITEMS | TELLS : TELLS;
        } else if (n == 4 && same(t + name, "type", 4)) {
            int words = words_in(t, value, value_end);
            if (words & (JSON | HIDDEN)) out |= IS_JSON;
            if (words & (RSL | HIDDEN)) out |= IS_RSL;
        }
    }
    return out;
}

static PyObject *survey(PyObject *Py_UNUSED(self), PyObject *args) {
    Py_buffer text;
    at end, safe_tags, safe_bytes, long_tag;
    long long most_nesting, most_formatting, most_attributes;
    if (!PyArg_ParseTuple(args, "y*n(nnLLLn)", &text, &end, &safe_tags, &safe_bytes, &most_nesting, &most_formatting,
                          &most_attributes, &long_tag)) return NULL;
    const unsigned char *t = text.buf;
    if (end < 0 || end > text.len) end = text.len;
    at room = 256, depth = 0, pos = 0, svgs = 0, told_end = 0, rsl_end = 0, base_end = 0, root_end = 0;
    long long merged = 0, formatting = 0, nesting_work = 0, formatting_work = 0, attribute_work = 0, looked_at = 0;
    int certain = 1, selecting = 0, bounded = 1, items = 0, failed = 0;
    Open *stack = PyMem_Malloc(room * sizeof(Open));
    PyObject *metas = PyList_New(0);
    if (!stack || !metas) { failed = 1; goto done; }
    while ((pos = find(t, pos, end, '<')) >= 0) {
        at start = pos, name = pos + 1;
        if (++pos == end) break;
        int closing = t[pos] == '/';
        name += closing;
        if (!(name < end && LOW[t[name]] >= 'a' && LOW[t[name]] <= 'z')) {
            if (t[pos] != '!' && t[pos] != '?' && t[pos] != '/') continue;
            int comment = pos + 3 <= end && !memcmp(t + pos, "!--", 3);
            pos += comment ? 3 : 1;
            certain = certain && !(svgs && !comment);
            if (certain) {
                if (comment) pos = comment_end(t, pos, end);
                else pos = find(t, pos, end, '>') + 1;
                if (!pos) goto done;
            }
            continue;
        }
        for (pos = name + 1; pos < end && !SPACE[t[pos]] && t[pos] != '/' && t[pos] != '>'; pos++);
        int counts = 0;
        at n = pos - name, mark = pos, behind = tag_end(t, pos, end, &counts), stop = behind >= 0 ? behind : end;
        int is = kind_of(t + name, n);
        looked_at += stop - pos;
        if (is & MERGED || stop - pos > long_tag) {
            long long count = count_attributes(t, pos, stop);
            if (is & MERGED) merged += count;
            attribute_work += count * (count > merged ? count : merged);
        }
        nesting_work += depth;
        formatting_work += formatting;
        if (nesting_work > most_nesting || formatting_work > most_formatting || attribute_work > most_attributes
            || looked_at > 4 * (long long)end) {
            bounded = certain = 0;
            goto done;
        }
        if (certain) {
            if (behind < 0) goto done;
            pos = stop;
            if (!closing) {
                if (is & META) {
                    PyObject *span = Py_BuildValue("(nn)", start, stop);
                    if (!span || PyList_Append(metas, span)) { Py_XDECREF(span); failed = 1; goto done; }
                    Py_DECREF(span);
                }
                if (is & HTML) root_end = stop;
                if (is & BASE) base_end = stop;
                if (counts) {
                    int could = said(t, mark, stop);
                    if (could & TELLS) told_end = stop;
                    if (could & ITEMS) items = 1;
                    if (could & (IS_JSON | IS_RSL) && is & (SCRIPT | LINK)) {
                        at text_end = stop;
                        if (is & SCRIPT) {
                            text_end = raw_end(t, stop, end, name, n);
                            text_end = text_end < 0 ? end : tag_end(t, text_end + 2 + n, end, &counts);
                            if (text_end < 0) text_end = end;
                        }
                        if (could & IS_RSL) rsl_end = text_end;
                        if (is & SCRIPT && could & IS_JSON && words_in(t, stop, text_end) & (LICENSE | SCHEMA | ESCAPED))
                            told_end = text_end;
                    }
                }
            }
            certain = !(is & UNCERTAIN) && !(selecting && is & (RAW | TEMPLATE | SVG) && !(is & SCRIPT));
            if (is & SELECT) selecting = !closing;
        }
        if (certain && svgs) {
            if (is & TEXTS && !closing) {
                at q = find(t, pos, end, '<');
                if (q >= 0 && q + 2 + n < end && t[q + 1] == '/' && same_name(t, q + 2, name, n)) {
                    for (q += 2 + n; q < end && SPACE[t[q]]; q++);
                    if (q < end && t[q] == '>') { pos = q + 1; continue; }
                }
            }
            certain = is & DRAWING && (!closing || is_open(t, stack, depth, name, n));
            if (certain && !closing && pos >= 2 && t[pos - 2] == '/' && t[pos - 1] == '>' && pos - 2 >= mark && self_closed(t, mark, pos)) continue;
        }
        if (is & SVG) svgs += !closing ? 1 : svgs ? -1 : 0;
        if (closing) {
            if (certain && is_open(t, stack, depth, name, n)) {
                depth--;
                if (is & FORMATTING) formatting--;
            }
        } else if (!certain || !(is & UNNESTED)) {
            if (depth == room) {
                Open *more = PyMem_Realloc(stack, 2 * room * sizeof(Open));
                if (!more) { failed = 1; goto done; }
                stack = more;
                room *= 2;
            }
            stack[depth].name = name;
            stack[depth++].n = n;
            if (is & FORMATTING) formatting++;
            if (certain && is & RAW) {
                at close = raw_end(t, pos, end, name, n);
                if (close < 0) goto done;
                if (is & SCRIPT && may_escape(t, pos, close)) certain = 0;
                else pos = close;
            }
        }
    }
done:
    PyMem_Free(stack);
    if (end <= safe_bytes) {         /* html_work.is_bounded asks this first */
        at tags = 0;
        for (at p = 0; (p = find(t, p, end, '<')) >= 0; p++) tags++;
        if (tags <= safe_tags) bounded = 1;
    }
    PyBuffer_Release(&text);
    if (failed) { Py_XDECREF(metas); return PyErr_Occurred() ? NULL : PyErr_NoMemory(); }
    return Py_BuildValue("(NNNnNnnn)", PyBool_FromLong(bounded), PyBool_FromLong(certain), metas, told_end,
                         PyBool_FromLong(items), rsl_end, base_end, root_end);
}

static int ends_name(const unsigned char *t, at p, at end) {
    return p < end && (SPACE[t[p]] || t[p] == '\v' || t[p] == '/' || t[p] == '>');
}

static at raw_name(const unsigned char *t, at p, at end) {           /* length of a name of signals/prose.py, _RAW; 0: none */
    static const char *const names[] = {"script", "style", "template", "iframe", "noembed", "noframes", "xmp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        at n = (at)strlen(names[i]);
        if (p + n < end && LOW[t[p]] == (unsigned char)names[i][0] && same(t + p, names[i], n)) return ends_name(t, p + n, end) ? n : 0;
    }
    return 0;
}

/* signals/prose.py, _shown: a page without its scripts and comments, in one line. */
static PyObject *shown(PyObject *Py_UNUSED(self), PyObject *args) {
    Py_buffer text;
    if (!PyArg_ParseTuple(args, "y*", &text)) return NULL;
    const unsigned char *t = text.buf;
    at end = text.len, pos = 0, from = 0, n, held = 0;
    PyObject *out = PyBytes_FromStringAndSize(NULL, end + 1);
    if (!out) { PyBuffer_Release(&text); return NULL; }
    char *o = PyBytes_AS_STRING(out);
    while ((pos = find(t, pos, end, '<')) >= 0) {
        int comment = pos + 4 <= end && !memcmp(t + pos, "<!--", 4);
        if (!comment && !(n = raw_name(t, pos + 1, end))) { pos++; continue; }
        memcpy(o + held, t + from, pos - from);
        held += pos - from;
        o[held++] = ' ';
        at begin = pos;
        if (comment) {
            for (pos += 2; (pos = find(t, pos, end, '-')) >= 0 && !(pos + 3 <= end && t[pos + 1] == '-' && t[pos + 2] == '>'); pos++);
            pos = pos < 0 ? end : pos + 3;
        } else {
            for (pos += 1 + n; (pos = find(t, pos, end, '<')) >= 0; pos++)
                if (pos + 2 + n < end && t[pos + 1] == '/' && ends_name(t, pos + 2 + n, end) && same_name(t, pos + 2, begin + 1, n)) break;
            if (pos < 0) pos = end;
        }
        from = pos;
    }
    memcpy(o + held, t + from, end - from);
    held += end - from;
    for (char *p = o; (p = memchr(p, '\n', held - (p - o))); p++) *p = ' ';
    PyBuffer_Release(&text);
    _PyBytes_Resize(&out, held);
    return out;
}

/* html.py, _SELF_CLOSED: whether an element whose text is raw is closed by its own start tag. */
static PyObject *self_closes(PyObject *Py_UNUSED(self), PyObject *args) {
    static const char *const names[] = {"script", "style", "title", "textarea", "iframe", "noframes", "noembed", "xmp"};
    Py_buffer text;
    if (!PyArg_ParseTuple(args, "y*", &text)) return NULL;
    const unsigned char *t = text.buf;
    at end = text.len, pos = 0;
    int found = 0;
    for (; !found && (pos = find(t, pos, end, '<')) >= 0; pos++) {
        if (pos + 1 < end && !strchr("stinxSTINX", t[pos + 1])) continue;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            at p = pos + 1, n = (at)strlen(names[i]);
            if (p + n >= end || LOW[t[p]] != (unsigned char)names[i][0] || !same(t + p, names[i], n)) continue;
            for (p += n; p < end && t[p] != '<' && t[p] != '>'; p++);
            if (p < end && t[p] == '>' && t[p - 1] == '/') found = 1;
        }
    }
    PyBuffer_Release(&text);
    return PyBool_FromLong(found);
}

static PyMethodDef METHODS[] = {{"self_closes", self_closes, METH_VARARGS, "What html.py looks for in XHTML."},
                                {"survey", survey, METH_VARARGS, "What rules/html_work.py tells."},
                                {"shown", shown, METH_VARARGS, "What signals/prose.py shows."}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_survey", NULL, -1, METHODS, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__survey(void) {
    for (int c = 0; c < 256; c++) {
        LOW[c] = c >= 'A' && c <= 'Z' ? c + 32 : c;
        SPACE[c] = c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' ';
        NAME_END[c] = SPACE[c] || c == '/' || c == '>' || c == '=';
        STOPS[c] = c && strchr("lrui&j\\LRUIJ", c) != NULL;
    }
    FIRST['r'] = FIRST['R'] = 1 << 3;
    FIRST['n'] = FIRST['N'] = FIRST['t'] = FIRST['T'] = 1 << 4;
    FIRST['i'] = FIRST['I'] = FIRST['p'] = FIRST['P'] = 1 << 8;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        unsigned h = hash_of((const unsigned char *)NAMES[i].name, strlen(NAMES[i].name));
        while (slots[h]) h = (h + 1) & (SLOTS - 1);
        slots[h] = (short)(i + 1);
        lengths[i] = (short)strlen(NAMES[i].name);
    }
    return PyModule_Create(&MODULE);
}
