/* One walk over a page: what rules/html_work.py tells, where tags could say something, and what the page shows. The same answers
   as `html_work.walk` gives, faster; tests hold both together.

   Time grows with the page alone; memory with its size and the depth of its elements. Nothing is kept between calls. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef Py_ssize_t at;
typedef const unsigned char *bytes;

enum { FORMATTING = 1, UNNESTED = 2, MERGED = 4, UNCERTAIN = 8, SVG = 16, DRAWING = 32, TEXTS = 64, RAW = 128, META = 256,
       SCRIPT = 512, BASE = 1024, LINK = 2048, SELECT = 4096, TEMPLATE = 8192, HTML = 16384, INLINE = 32768, BREAK = 65536,
       SHOWN = 131072 };

static const struct { const char *names; int is; } KINDS[] = {
    {"b big code em font i s small strike strong tt u", FORMATTING},
    {"area base br col embed hr img input link meta param source track wbr p li dt dd option tr td th tbody thead tfoot colgroup "
     "caption a nobr", UNNESTED},
    {"html body", MERGED}, {"math frameset plaintext", UNCERTAIN}, {"svg", SVG},
    {"svg g path circle ellipse line polygon polyline rect use defs symbol text tspan image clippath mask pattern filter marker "
     "lineargradient radialgradient stop animate animatetransform animatemotion", DRAWING},
    {"title desc style", TEXTS}, {"script style textarea title xmp iframe noembed noframes", RAW}, {"title desc textarea", SHOWN},
    {"meta", META}, {"script", SCRIPT}, {"base", BASE}, {"link", LINK}, {"select", SELECT}, {"template", TEMPLATE}, {"html", HTML},
    {"a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rb rp rt ruby s samp script small span "
     "strike strong style sub sup template time tt u var wbr", INLINE},
    {"br button img input svg", BREAK},
};
#define SLOTS 256
static struct { uint64_t key, rest; int n, is; } slots[SLOTS];       /* of names of elements */

static unsigned char LOW[256], SPACE[256], TAG_END[256], NAME_END[256], STOPS[256];
static short FIRST[256];            /* lengths, as bits, of the names of attributes that count, by their first letters */

typedef struct { uint64_t key, rest; at name, n; } Name;             /* in lower case: eight letters, and the next eight */

static unsigned slot_of(uint64_t key, uint64_t rest) {
    return (unsigned)(((key ^ rest * 31) * 0x9E3779B97F4A7C15ull) >> 56);
}

#ifdef __SSE2__
typedef __m128i Some;                /* sixteen bytes */
static inline Some load(bytes t, at p) { return _mm_loadu_si128((const Some *)(t + p)); }
static inline Some are(Some some, char c) { return _mm_cmpeq_epi8(some, _mm_set1_epi8(c)); }
static inline Some either(Some one, Some other) { return _mm_or_si128(one, other); }
static inline int bits(Some some) { return _mm_movemask_epi8(some); }

static inline Some tag_ends(Some some) {
    return either(either(either(are(some, '>'), are(some, '/')), either(are(some, ' '), are(some, '\n'))),
                  either(are(some, '\t'), either(are(some, '\f'), are(some, '\r'))));
}
#endif

static inline at name_of(bytes t, at p, at end, Name *name) {
    at begin = p;
#if defined __SSE2__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (p + 16 <= end) {
        Some some = load(t, p);
        int ends = bits(tag_ends(some));
        if (ends & 0x1FF) {                          /* of eight letters at most, as most are */
            Some large = _mm_and_si128(_mm_cmpgt_epi8(some, _mm_set1_epi8('A' - 1)), _mm_cmplt_epi8(some, _mm_set1_epi8('Z' + 1)));
            uint64_t key = (uint64_t)_mm_cvtsi128_si64(either(some, _mm_and_si128(large, _mm_set1_epi8(32))));
            int n = __builtin_ctz(ends);
            *name = (Name){n < 8 ? key & (((uint64_t)1 << 8 * n) - 1) : key, 0, begin, n};
            return p + n;
        }
    }
#endif
    uint64_t key = 0, rest = 0;
    for (; p < end && !TAG_END[t[p]]; p++) {
        if (p - begin < 8) key |= (uint64_t)LOW[t[p]] << 8 * (p - begin);
        else if (p - begin < 16) rest |= (uint64_t)LOW[t[p]] << 8 * (p - begin - 8);
    }
    *name = (Name){key, rest, begin, p - begin};
    return p;
}

static inline int kind_of(const Name *name) {
    for (unsigned h = slot_of(name->key, name->rest); slots[h].n; h = (h + 1) & (SLOTS - 1))
        if (slots[h].key == name->key && slots[h].rest == name->rest && slots[h].n == name->n) return slots[h].is;
    return 0;
}

static int same(bytes s, const char *word, at n) {                   /* word: in lower case */
    for (at i = 0; i < n; i++) if (LOW[s[i]] != (unsigned char)word[i]) return 0;
    return 1;
}

static int same_name(bytes t, at one, at other, at n) {
    at i = 0;
    while (i < n && LOW[t[one + i]] == LOW[t[other + i]]) i++;
    return i == n;
}

static inline int alike(bytes t, const Name *one, const Name *other) {
    return one->n == other->n && one->key == other->key && one->rest == other->rest
        && (one->n <= 16 || same_name(t, one->name, other->name, one->n));
}

static inline at find(bytes t, at p, at end, unsigned char c) {
#ifdef __SSE2__
    for (int near = 0; near < 4 && p + 16 <= end; near++, p += 16) {         /* most are near, and a call costs more */
        int held = bits(are(load(t, p), (char)c));
        if (held) return p + __builtin_ctz(held);
    }
#endif
    bytes found = p < end ? memchr(t + p, c, end - p) : NULL;
    return found ? found - t : -1;
}

/* Copy a text up to a `<`, each line end as a space; where it ends. There is room for 16 bytes more. */
static inline at put(char **to, bytes t, at p, at end) {
    char *out = *to;
#ifdef __SSE2__
    const Some space = _mm_set1_epi8(' ');
    for (; p + 16 <= end; p += 16, out += 16) {
        Some some = load(t, p), ends = are(some, '\n');
        int held = bits(are(some, '<'));
        _mm_storeu_si128((Some *)out, either(_mm_andnot_si128(ends, some), _mm_and_si128(ends, space)));
        if (held) {
            *to = out + __builtin_ctz(held);
            return p + __builtin_ctz(held);
        }
    }
#endif
    for (; p < end && t[p] != '<'; p++) *out++ = t[p] == '\n' ? ' ' : t[p];
    *to = out;
    return p;
}

static char *put_all(char *out, bytes t, at p, at end) {
    while ((p = put(&out, t, p, end)) < end) { *out++ = '<'; p++; }
    return out;
}

static inline at attribute_name_end(bytes t, at p, at end) {
#ifdef __SSE2__
    if (p + 16 <= end) {
        Some some = load(t, p);
        int ends = bits(either(tag_ends(some), are(some, '=')));
        if (ends) return p + __builtin_ctz(ends);
    }
#endif
    while (p < end && !NAME_END[t[p]]) p++;
    return p;
}

/* html_work.ATTRIBUTE: where one that begins at `p` ends; its parts. */
static inline at attribute(bytes t, at p, at end, at *name_end, at *value, at *value_end) {
    at q = attribute_name_end(t, p + 1, end), r, v;
    *name_end = *value = *value_end = q;
    for (r = q; r < end && SPACE[t[r]]; r++);
    if (r == end || t[r] != '=') return q;
    for (v = r + 1; v < end && SPACE[t[v]]; v++);
    *value = *value_end = v;
    if (v == end || t[v] == '>') return v;
    if (t[v] == '"' || t[v] == '\'') {
        at close = find(t, v + 1, end, t[v]);
        if (close < 0) return v;
        *value = v + 1;
        *value_end = close;
        return close + 1;
    }
    while (v < end && !SPACE[t[v]] && t[v] != '>') v++;
    *value_end = v;
    return v;
}

/* html_work.ATTRIBUTES: behind the `>` of a tag whose name ends at `p`; -1: it has none. `counts`: whether it has an attribute
   of a name as long as those that `said` looks at, and with such a first letter. */
static inline at tag_end(bytes t, at p, at end, int *counts) {
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

static at count_attributes(bytes t, at p, at stop) {
    at n = 0, a, b, c;
    while (p < stop) {
        if (SPACE[t[p]] || t[p] == '/' || t[p] == '>') p++;
        else { p = attribute(t, p, stop, &a, &b, &c); n++; }
    }
    return n;
}

/* html_work._SELF_CLOSED */
static int self_closed(bytes t, at p, at stop) {
    while (p < stop - 2) {
        if (SPACE[t[p]] || t[p] == '/') { p++; continue; }
        if (t[p] == '>' || t[p] == '=') return 0;
        while (p < stop && !NAME_END[t[p]]) p++;
        at r = p;
        while (r < stop && SPACE[t[r]]) r++;
        if (r < stop && t[r] == '=') {
            for (r++; r < stop && SPACE[t[r]]; r++);
            if (r == stop || (t[r] != '"' && t[r] != '\'')) return 0;
            at close = find(t, r + 1, stop, t[r]);
            if (close < 0) return 0;
            p = close + 1;
        }
    }
    return p == stop - 2;
}

static at comment_end(bytes t, at p, at end) {       /* behind it; 0: not before the page ends */
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

static at raw_end(bytes t, at p, at end, at name, at n) {            /* of the text of an element; -1: nowhere */
    for (; (p = find(t, p, end, '<')) >= 0; p++)
        if (p + 2 + n < end && t[p + 1] == '/' && TAG_END[t[p + 2 + n]] && same_name(t, p + 2, name, n)) return p;
    return -1;
}

static int may_escape(bytes t, at p, at end) {
    int comment = 0, script = 0;
    for (; (p = find(t, p, end, '<')) >= 0; p++) {
        comment = comment || (p + 4 <= end && !memcmp(t + p, "<!--", 4));
        script = script || (p + 7 <= end && same(t + p, "<script", 7));
    }
    return comment && script;
}

/* hidden.MARKUP at an ampersand: a reference to a letter or to one of + - . : */
static int hides(bytes t, at p, at end) {
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

enum { LICENSE = 1, RIGHTS = 2, SCHEMA = 4, RSL = 8, JSON = 16, HIDDEN = 32, ESCAPED = 64, ROBOTS = 128, RIGHT = 256 };

static int letter_escape(bytes t, at p, at end) {    /* metadata_words.ESCAPED */
    if (p + 6 > end || LOW[t[p + 1]] != 'u' || t[p + 2] != '0' || t[p + 3] != '0') return 0;
    int c = LOW[t[p + 5]], digit = c >= '0' && c <= '9', hexadecimal = digit || (c >= 'a' && c <= 'f');
    if (t[p + 4] == '4' || t[p + 4] == '6') return hexadecimal && c != '0';
    return (t[p + 4] == '5' || t[p + 4] == '7') && (digit || c == 'a');
}

#define IS(word) (n >= (at)sizeof word - 1 && same(t + p, word, sizeof word - 1))

/* html._SPEAKS at `max-snippet`: any length but -1, which is none. */
static int limits(bytes t, at p, at end) {
    for (p += 11; p < end && SPACE[t[p]]; p++);
    if (p == end || t[p] != ':') return 1;
    for (p++; p < end && SPACE[t[p]]; p++);
    return p + 1 >= end || t[p] != '-' || t[p + 1] != '1';
}

/* Which words stand in a stretch: of licences and scripts, and those of html._SPEAKS. */
static int words_in(bytes t, at p, at end) {
    int found = 0;
    for (; p < end; p++) {
        if (!STOPS[t[p]]) continue;
        at n = end - p;
        switch (LOW[t[p]]) {
        case 'l': if (IS("license")) found |= LICENSE; break;
        case 'r':
            if (IS("right")) found |= IS("rights") ? RIGHT | RIGHTS : RIGHT;
            if (IS("rsl")) found |= RSL;
            break;
        case 'u': if (IS("usageinfo")) found |= SCHEMA; break;
        case 'i': if (IS("isaccessibleforfree")) found |= SCHEMA; break;
        case 'j': if (IS("json")) found |= JSON; break;
        case '&': if (hides(t, p, end)) found |= HIDDEN; break;
        case '\\': if (letter_escape(t, p, end)) found |= ESCAPED; break;
        case 't': if (IS("tdm")) found |= ROBOTS; break;
        case 'm': if (IS("max-snippet") && limits(t, p, end)) found |= ROBOTS; break;
        case 'd': if (IS("disallowai")) found |= ROBOTS; break;
        case 'n':
            if (IS("noai") || IS("noimage") || IS("noindex") || IS("none") || IS("nosnippet") || IS("noarchive") || IS("nocache")
                || IS("noml")) found |= ROBOTS;
            break;
        }
    }
    return found;
}

enum { TELLS = 1, ITEMS = 2, IS_JSON = 4, IS_RSL = 8 };

/* What a start tag could say, by the values of the attributes that count. */
static int said(bytes t, at p, at stop) {
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
    bytes t = text.buf;
    if (end < 0 || end > text.len) end = text.len;
    at room = 256, depth = 0, pos = 0, svgs = 0, templates = 0;
    at meta_end = 0, told_end = 0, rsl_end = 0, base_end = 0, root_end = 0;
    long long merged = 0, formatting = 0, nesting_work = 0, formatting_work = 0, attribute_work = 0, looked_at = 0;
    int certain = 1, selecting = 0, bounded = 1, items = 0, closes = 0, failed = 0;
    Name *stack = PyMem_Malloc(room * sizeof(Name));
    PyObject *rights = PyList_New(0), *shown = PyBytes_FromStringAndSize(NULL, end + 32);
    if (!stack || !rights || !shown) { failed = 1; goto done; }
    char *out = PyBytes_AS_STRING(shown);
    for (;;) {
        if (certain && !templates) pos = put(&out, t, pos, end);     /* what is certain was shown up to `pos` */
        else if ((pos = find(t, pos, end, '<')) < 0) pos = end;
        if (pos == end) goto done;
        at start = pos, mark = ++pos;
        int closing = pos < end && t[pos] == '/';
        mark += closing;
        if (!(mark < end && LOW[t[mark]] >= 'a' && LOW[t[mark]] <= 'z')) {
            if (pos == end || (t[pos] != '!' && t[pos] != '?' && t[pos] != '/')) {
                if (certain && !templates) *out++ = '<';
                continue;
            }
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
        Name name;
        mark = pos = name_of(t, mark, end, &name);
        int counts = 0, is = kind_of(&name);
        at behind = tag_end(t, pos, end, &counts), stop = behind >= 0 ? behind : end;
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
            if (!templates && !(is & INLINE)) *out++ = is & BREAK || (svgs && is & DRAWING) ? ' ' : '\n';
            pos = stop;
            if (!closing) {
                if (is & RAW && !svgs && t[stop - 2] == '/') closes = 1;
                if (is & META) {
                    int words = words_in(t, mark, stop);
                    if (words & (ROBOTS | HIDDEN)) meta_end = stop;
                    if (words & (RIGHT | HIDDEN)) {
                        PyObject *span = Py_BuildValue("(nn)", start, stop);
                        if (!span || PyList_Append(rights, span)) { Py_XDECREF(span); failed = 1; goto done; }
                        Py_DECREF(span);
                    }
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
                            text_end = raw_end(t, stop, end, name.name, name.n);
                            text_end = text_end < 0 ? end : tag_end(t, text_end + 2 + name.n, end, &counts);
                            if (text_end < 0) text_end = end;
                        }
                        if (could & IS_RSL) rsl_end = text_end;
                        if (is & SCRIPT && could & IS_JSON && words_in(t, stop, text_end) & (LICENSE | SCHEMA | ESCAPED))
                            told_end = text_end;
                    }
                }
            }
            if (is & TEMPLATE) templates += !closing ? 1 : templates ? -1 : 0;
            certain = !(is & UNCERTAIN) && !(selecting && is & (RAW | TEMPLATE | SVG) && !(is & SCRIPT));
            if (is & SELECT) selecting = !closing;
        }
        if (certain && svgs) {
            if (is & TEXTS && !closing) {
                at q = find(t, pos, end, '<'), inner = q;
                if (q >= 0 && q + 2 + name.n < end && t[q + 1] == '/' && same_name(t, q + 2, name.name, name.n)) {
                    for (q += 2 + name.n; q < end && SPACE[t[q]]; q++);
                    if (q < end && t[q] == '>') {
                        if (is & SHOWN && !templates) { out = put_all(out, t, pos, inner); *out++ = '\n'; }
                        pos = q + 1;
                        continue;
                    }
                }
            }
            certain = is & DRAWING && (!closing || (depth && alike(t, &stack[depth - 1], &name)));
            if (certain && !closing && pos >= 2 && t[pos - 2] == '/' && t[pos - 1] == '>' && pos - 2 >= mark && self_closed(t, mark, pos)) continue;
        }
        if (is & SVG) svgs += !closing ? 1 : svgs ? -1 : 0;
        if (closing) {
            if (certain && depth && alike(t, &stack[depth - 1], &name)) {
                depth--;
                if (is & FORMATTING) formatting--;
            }
        } else if (!certain || !(is & UNNESTED)) {
            if (depth == room) {
                Name *more = PyMem_Realloc(stack, 2 * room * sizeof(Name));
                if (!more) { failed = 1; goto done; }
                stack = more;
                room *= 2;
            }
            stack[depth++] = name;
            if (is & FORMATTING) formatting++;
            if (certain && is & RAW) {
                at close = raw_end(t, pos, end, name.name, name.n);
                at text_end = close >= 0 ? close : end;
                if (is & SHOWN && !templates) out = put_all(out, t, pos, text_end);
                if (close < 0) goto done;
                if (is & SCRIPT && may_escape(t, pos, close)) certain = 0;
                else pos = close;
            }
        }
    }
done:
    PyMem_Free(stack);
    if (end <= safe_bytes && !bounded) {             /* html_work.walk: so little costs nothing */
        at tags = 0;
        for (at p = 0; (p = find(t, p, end, '<')) >= 0; p++) tags++;
        if (tags <= safe_tags) bounded = 1;
    }
    if (!failed) {
        at held = certain ? out - PyBytes_AS_STRING(shown) : 0;
        PyBuffer_Release(&text);
        if (_PyBytes_Resize(&shown, held)) { Py_DECREF(rights); return NULL; }
        return Py_BuildValue("(NNNNnnNnnnN)", PyBool_FromLong(bounded), PyBool_FromLong(certain), PyBool_FromLong(closes), rights,
                             meta_end, told_end, PyBool_FromLong(items), rsl_end, base_end, root_end, shown);
    }
    PyBuffer_Release(&text);
    Py_XDECREF(rights);
    Py_XDECREF(shown);
    return PyErr_Occurred() ? NULL : PyErr_NoMemory();
}

static PyMethodDef METHODS[] = {{"survey", survey, METH_VARARGS, "What rules/html_work.py tells."}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_survey", NULL, -1, METHODS, NULL, NULL, NULL, NULL};

static void learn(const char *names, int is) {
    for (at end = (at)strlen(names), p = 0; p < end; p++) {
        Name name;
        p = name_of((bytes)names, p, end, &name);
        unsigned h = slot_of(name.key, name.rest);
        while (slots[h].n && (slots[h].key != name.key || slots[h].rest != name.rest)) h = (h + 1) & (SLOTS - 1);
        slots[h].key = name.key, slots[h].rest = name.rest, slots[h].n = (int)name.n, slots[h].is |= is;
    }
}

PyMODINIT_FUNC PyInit__survey(void) {
    for (int c = 0; c < 256; c++) {
        LOW[c] = c >= 'A' && c <= 'Z' ? c + 32 : c;
        SPACE[c] = c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' ';
        TAG_END[c] = SPACE[c] || c == '/' || c == '>';
        NAME_END[c] = TAG_END[c] || c == '=';
        STOPS[c] = c && strchr("lrui&j\\tmdnLRUIJTMDN", c) != NULL;
    }
    FIRST['r'] = FIRST['R'] = 1 << 3;
    FIRST['n'] = FIRST['N'] = FIRST['t'] = FIRST['T'] = 1 << 4;
    FIRST['i'] = FIRST['I'] = FIRST['p'] = FIRST['P'] = 1 << 8;
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) learn(KINDS[i].names, KINDS[i].is);
    return PyModule_Create(&MODULE);
}
