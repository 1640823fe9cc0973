"""The perceptual hash of a picture, 256 bits that hardly change if it is saved again, resized, turned or mirrored.

It is that of C. Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010): the signs of
the 16x16 lowest frequencies of a 64x64 grey picture's cosine transform. Mirroring a picture changes the signs of odd
frequencies and turning it swaps the axes, so that the hashes of all eight positions follow from one.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BITS = 256
_SIDE, _BLOCK = 16, 1024


def fingerprint(decoded: Image.Image) -> bytes | None:
    """32 bytes, one bit for each of 16x16 frequencies, of a decoded picture; None of one without any detail."""
    small = decoded.convert("L").resize((64, 64), Image.Resampling.LANCZOS, reducing_gap=2.0)
    frequencies = _COSINES @ np.asarray(small, np.float32) @ _COSINES.T
    if np.abs(frequencies).ravel()[1:].max() < 1:  # rounding alone
        return None
    return np.packbits(frequencies > 0).tobytes()


def near_pairs(prints: Sequence[bytes], most_bits: int) -> list[tuple[int, int, int]]:
    """Numbers of two fingerprints that are at most so many bits apart in any of the eight positions, and the bits.

    All are compared with all, as products of matrices in blocks: 15,000 take 35 s on two busy cores.
    """
    if len(prints) < 2:
        return []
    bits = np.unpackbits(np.frombuffer(b"".join(prints), np.uint8).reshape(len(prints), -1), axis=1)
    signs = (2.0 * bits - 1).astype(np.float32)
    positions = [np.ascontiguousarray(_turned(signs, *flips)) for flips in _POSITIONS]
    found: list[tuple[int, int, int]] = []
    for start in range(0, len(prints), _BLOCK):
        block = signs[start : start + _BLOCK]
        agreeing = block @ positions[0][start:].T
        for other in positions[1:]:
            np.maximum(agreeing, block @ other[start:].T, out=agreeing)
        rows, columns = np.nonzero(agreeing >= BITS - 2 * most_bits)
        apart = ((BITS - agreeing[rows, columns]) / 2).astype(int)
        later = columns > rows
        found += zip(
            (start + rows[later]).tolist(), (start + columns[later]).tolist(), apart[later].tolist(), strict=True
        )
    return found


def _turned(signs: NDArray[np.float32], swap: bool, across: bool, down: bool) -> NDArray[np.float32]:
    """float32 [n, 256] of the same pictures mirrored and turned."""
    grid = signs.reshape(-1, _SIDE, _SIDE)
    grid = grid.transpose(0, 2, 1) if swap else grid
    odd = np.where(np.arange(_SIDE) % 2, -1, 1).astype(np.float32)
    grid = grid * odd[None, None, :] if across else grid
    grid = grid * odd[None, :, None] if down else grid
    return grid.reshape(len(signs), -1)


_POSITIONS = [(swap, across, down) for swap in (False, True) for across in (False, True) for down in (False, True)]
_COSINES = np.cos(np.pi * np.arange(_SIDE)[:, None] * (2 * np.arange(64)[None, :] + 1) / 128).astype(np.float32)
