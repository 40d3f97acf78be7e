"""Whether two pictures show the same, after resizing, cropping and another compression: perceptual hashes, with Pillow.

**Facts**
- A hash of 64 bits: the picture in grey at 32 x 32, its discrete cosine transform (type II), of that the 8 x 8 lowest
  frequencies, each against their median. PRACTICE: so does the library imagehash (`phash`), and COYO-700M is published with it;
  ours is the same to the bit.
- A hash survives resizing and compression, not cropping or padding. OURS: so the master is also hashed padded to a square in
  white and in black, cut to its middle square, mirrored, and cut by 5 and by 10 per cent on each side.
- OURS: up to MATCH bits apart it is the same picture, up to LOOK somebody should look. Neither is proof.
"""
from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from io import BytesIO
from statistics import median
from typing import TYPE_CHECKING

from .pixels import UNDECODABLE

if TYPE_CHECKING:
    from PIL.Image import Image

MATCH, LOOK = 8, 10                  # of 64 bits
SIDE, LOWEST = 32, 8
PIXELS = 100_000_000                 # OURS: larger pictures are not decoded
ENOUGH = 512                         # pixels of the longer side, for what is cut and padded

_COSINES = [[math.cos(math.pi * (2 * x + 1) * u / (2 * SIDE)) for x in range(SIDE)] for u in range(LOWEST)]


class NoPicture(ValueError):
    """Nothing that can be decoded. Says why."""


def picture(body: bytes) -> Image:
    """The first frame, upright, on white. Raises NoPicture; ImportError without Pillow."""
    from PIL import Image, ImageOps
    try:
        with warnings.catch_warnings(), Image.open(BytesIO(body)) as image:
            warnings.simplefilter("ignore")
            if image.width * image.height > PIXELS:
                raise NoPicture(f"it has more than {PIXELS} pixels")
            image.load()
            upright = ImageOps.exif_transpose(image)
            if "A" not in upright.getbands() and "transparency" not in upright.info:
                return upright if upright.mode in ("L", "RGB", "CMYK") else upright.convert("RGB")
            clear = upright.convert("RGBA")
            white = Image.new("RGBA", clear.size, "white")
            return Image.alpha_composite(white, clear).convert("RGB")
    except NoPicture:
        raise
    except (*UNDECODABLE, Image.DecompressionBombError) as error:
        raise NoPicture("it cannot be decoded") from error


def phash(image: Image) -> int:
    """The 64 bits, lowest frequency first."""
    from PIL.Image import Resampling
    grey = image.convert("L").resize((SIDE, SIDE), Resampling.LANCZOS).tobytes()
    lines = [grey[y * SIDE:(y + 1) * SIDE] for y in range(SIDE)]
    across = [[sum(map(float.__mul__, cosines, map(float, line))) for cosines in _COSINES] for line in lines]
    columns = list(zip(*across, strict=True))
    low = [sum(map(float.__mul__, cosines, columns[u])) for cosines in _COSINES for u in range(LOWEST)]
    middle = median(low)
    return int("".join("1" if value > middle else "0" for value in low), 2)


def hashes(image: Image) -> tuple[int, ...]:
    """Of a picture and of what is commonly made of it: seven."""
    from PIL import ImageOps
    small = image.convert("RGB")
    small.thumbnail((ENOUGH, ENOUGH))
    side, (w, h) = max(small.size), small.size
    padded = (ImageOps.pad(small, (side, side), color=colour) for colour in ("white", "black"))
    cut = (small.crop((w * p // 100, h * p // 100, w - w * p // 100, h - h * p // 100)) for p in (5, 10))
    made = (*padded, ImageOps.fit(small, (min(w, h), min(w, h))), ImageOps.mirror(small), *cut)
    return (phash(image), *map(phash, made))


def distance(one: int, others: Sequence[int]) -> int:
    """Bits between a hash and the nearest of the others, 0 to 64."""
    return min((one ^ other).bit_count() for other in others)
