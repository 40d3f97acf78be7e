"""Whether two files show the same: pixels, colours, time. With Pillow, if it is installed.

**Facts**
- Pillow decodes what it knows (https://pillow.readthedocs.io/en/stable/handbook/image-file-formats.html); a file that it does
  not decode is not compared, and that is said.
"""
from __future__ import annotations

import hashlib
import struct
import warnings
import zlib
from collections.abc import Iterator
from io import BytesIO
from itertools import zip_longest
from typing import Any

FRAMES = 2_000                       # OURS: of one file
KEPT = ("icc_profile", "exif", "duration", "loop", "transparency", "background", "dpi", "gamma", "disposal", "blend")
UNDECODABLE = (OSError, ValueError, SyntaxError, EOFError, TypeError, LookupError, AttributeError, ArithmeticError, MemoryError,
               RuntimeError, struct.error, zlib.error)
END = object()


def same(before: bytes, after: bytes) -> bool | None:
    """None: not compared, as Pillow is not there, or does not decode it."""
    try:
        import PIL  # noqa: F401, only whether it is there
    except ImportError:
        return None
    decoded = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one, other in zip_longest(_pictures(before), _pictures(after), fillvalue=END):
            if one != other:
                return False
            decoded |= one is not None
    return True if decoded else None


def _pictures(body: bytes) -> Iterator[Any]:
    """One value a frame; None in the end where it cannot be decoded any further."""
    from PIL import Image
    try:
        with Image.open(BytesIO(body)) as image:
            for n in range(min(getattr(image, "n_frames", 1), FRAMES)):
                image.seek(n)
                image.load()
                told = tuple((key, repr(image.info[key])) for key in KEPT if key in image.info)
                yield image.mode, image.size, told, hashlib.sha256(image.tobytes()).digest()
    except (*UNDECODABLE, Image.DecompressionBombError):
        yield None
