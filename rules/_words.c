/* Which of a few words stand in bytes, wherever and in whatever case: what rules/scan.py tells, faster.

   A look at four bytes of each place, by AVX2 for 32 places at once where there is that, leaves few places, which are compared.
   The idea: Teddy (https://www.usenix.org/conference/nsdi19/presentation/wang-xiang). Time grows with the bytes; nothing is kept. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>
#if defined __x86_64__ && defined __GNUC__
#include <immintrin.h>
#define WIDE __attribute__((target("avx2")))
#endif

typedef Py_ssize_t at;
typedef const unsigned char *bytes;

#define BUCKETS 8
#define LOOK 4                       /* bytes at each place; no word is shorter */
#define MOST 256                     /* words */

typedef struct { unsigned char *text; at length; int bucket; } Word;
typedef struct {
    PyObject_HEAD
    Word words[MOST];
    int count;
    unsigned char low[LOOK][16], high[LOOK][16];     /* by position and half of a byte: in which buckets it can stand */
} Words;

static unsigned char LOW[256];

static void compare(const Words *words, unsigned buckets, bytes t, at p, at end, unsigned char *held) {
    for (int n = 0; n < words->count; n++) {
        const Word *word = &words->words[n];
        if (!(buckets & 1u << word->bucket) || held[n] || end - p < word->length) continue;
        at i = 0;
        while (i < word->length && LOW[t[p + i]] == word->text[i]) i++;
        held[n] = i == word->length;
    }
}

static unsigned could(const Words *words, bytes t, at p) {           /* in which buckets a word may be that stands here */
    unsigned buckets = (1 << BUCKETS) - 1;
    for (int n = 0; n < LOOK; n++) buckets &= words->low[n][t[p + n] & 15] & words->high[n][t[p + n] >> 4];
    return buckets;
}

#ifdef WIDE
WIDE static at scan_wide(const Words *words, bytes t, at end, unsigned char *held) {
    const __m256i half = _mm256_set1_epi8(15);
    at p = 0;
    for (; p + 31 + LOOK <= end; p += 32) {
        __m256i buckets = _mm256_set1_epi8(-1);
        for (int n = 0; n < LOOK; n++) {
            __m256i some = _mm256_loadu_si256((const __m256i *)(t + p + n));
            __m256i low = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)words->low[n]));
            __m256i high = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)words->high[n]));
            low = _mm256_shuffle_epi8(low, _mm256_and_si256(some, half));
            high = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(some, 4), half));
            buckets = _mm256_and_si256(buckets, _mm256_and_si256(low, high));
        }
        unsigned places = ~(unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(buckets, _mm256_setzero_si256()));
        for (; places; places &= places - 1) {
            at place = p + __builtin_ctz(places);
            compare(words, could(words, t, place), t, place, end, held);
        }
    }
    return p;
}
#endif

static PyObject *held(Words *self, PyObject *data) {
    Py_buffer text;
    unsigned char found[MOST] = {0};
    if (PyObject_GetBuffer(data, &text, PyBUF_SIMPLE)) return NULL;
    bytes t = text.buf;
    at p = 0, end = text.len;
#ifdef WIDE
    if (__builtin_cpu_supports("avx2")) p = scan_wide(self, t, end, found);
#endif
    for (; p + LOOK <= end; p++) {
        unsigned buckets = could(self, t, p);
        if (buckets) compare(self, buckets, t, p, end, found);
    }
    PyBuffer_Release(&text);
    PyObject *out = PyList_New(0);
    for (int n = 0; out && n < self->count; n++) {
        if (!found[n]) continue;
        PyObject *number = PyLong_FromLong(n);
        if (!number || PyList_Append(out, number)) Py_CLEAR(out);
        Py_XDECREF(number);
    }
    return out;
}

static void Words_dealloc(Words *self) {
    for (int n = 0; n < self->count; n++) PyMem_Free(self->words[n].text);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *Words_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(named)) {
    PyObject *given;
    if (!PyArg_ParseTuple(args, "O!", &PyTuple_Type, &given)) return NULL;
    Words *self = (Words *)type->tp_alloc(type, 0);
    if (!self) return NULL;
    at count = PyTuple_GET_SIZE(given), length;
    for (at n = 0; n < count; n++) {
        char *text;
        if (PyBytes_AsStringAndSize(PyTuple_GET_ITEM(given, n), &text, &length)) goto failed;
        Word *word = &self->words[n];
        if (count > MOST || length < LOOK) {
            PyErr_Format(PyExc_ValueError, "at most %d words, of %d bytes at least", MOST, LOOK);
            goto failed;
        }
        *word = (Word){PyMem_Malloc(length), length, (int)(n * BUCKETS / count)};
        if (!word->text) { PyErr_NoMemory(); goto failed; }
        memcpy(word->text, text, length);
        self->count++;
        for (int i = 0; i < LOOK; i++)
            for (int c = 0; c < 256; c++)
                if (LOW[c] == word->text[i]) {
                    self->low[i][c & 15] |= 1 << word->bucket;
                    self->high[i][c >> 4] |= 1 << word->bucket;
                }
    }
    return (PyObject *)self;
failed:
    Py_DECREF(self);
    return NULL;
}

static PyMethodDef METHODS[] = {{"held", (PyCFunction)held, METH_O, "The numbers of the words that the bytes hold."}, {NULL, NULL, 0, NULL}};
static PyTypeObject WORDS = {
    PyVarObject_HEAD_INIT(NULL, 0) .tp_name = "rules._words.Words", .tp_basicsize = sizeof(Words), .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = Words_new, .tp_dealloc = (destructor)Words_dealloc, .tp_methods = METHODS, .tp_doc = "Words in lower case."};
static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_words", NULL, -1, NULL, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__words(void) {
    for (int c = 0; c < 256; c++) LOW[c] = c >= 'A' && c <= 'Z' ? c + 32 : c;
    PyObject *module = PyModule_Create(&MODULE);
    if (module && PyModule_AddType(module, &WORDS)) Py_CLEAR(module);
    return module;
}
