"""A drawn figure as a PNG of 256 colours: half the size, and as exact as the eye."""

import io

import numpy as np
from PIL import Image

BITS = 6  # of each colour channel: colours that differ by less than 4 of 256 are one, and look like their mean


def png_of(pixels):
    """The bytes of a PNG. The frequent colours are kept, a rare one becomes its nearest neighbour; white stays white.

    pixels (height, width, 4) of uint8: red, green, blue and an opacity that is ignored → bytes
    """
    packed = np.ascontiguousarray(pixels).view("<u4")[..., 0]
    colours = packed >> 2 & 63 | packed >> 4 & 63 << BITS | packed >> 6 & 63 << 2 * BITS
    counts = np.bincount(colours.ravel(), minlength=1 << 3 * BITS)
    used = np.flatnonzero(counts)
    kept = used[np.argsort(-counts[used], kind="stable")][:256]
    distance = ((_channels(used)[:, None] - _channels(kept)) ** 2).sum(axis=-1)
    nearest = np.zeros(1 << 3 * BITS, dtype=np.uint8)
    nearest[used] = distance.argmin(axis=-1)
    image = Image.fromarray(nearest[colours])
    image.putpalette(_means(pixels, colours, counts)[kept].tobytes())
    file = io.BytesIO()
    image.save(file, "png")
    return file.getvalue()


def _means(pixels, colours, counts):
    """(colours, 3) the mean of the pixels that are packed into one colour: a step of 4 would tint the palest."""
    sums = [np.bincount(colours.ravel(), pixels[..., channel].ravel(), len(counts)) for channel in range(3)]
    means = np.round(np.stack(sums, axis=-1) / np.maximum(counts, 1)[:, None]).astype(np.uint8)
    means[-1] = 255
    return means


def _channels(colours):
    """(n,) packed colours → (n, 3) red, green, blue, each from 0 to 63"""
    return np.stack([colours & 63, colours >> BITS & 63, colours >> 2 * BITS], axis=-1)
