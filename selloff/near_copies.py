"""Near copies: which texts are nearly the same words in the same order."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

N_WORDS = 3
"""Words of a shingle."""
N_BANDS, BAND = 16, 4
"""64 permutations in 16 bands of 4: two texts that share 80% of their shingles meet in some band
with probability 1 - (1 - 0.8^4)^16 = 0.9998, two that share 40% with 0.34."""
LEAST_SIMILAR = 0.8
_FULL = 64
"""Texts that one bucket holds. Copies never enter it, so only texts from one template that differ
in more than a fifth could fill it; without a limit n of those would need n^2 comparisons."""
_PIECE = 4096
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class NearCopy:
    """Of which text a text is a near copy.

    Parameters
    ----------
    first : int
        Index of that text: its own where it is no copy.
    similarity : float
        Share of shingles that both have in common, a fraction; 1 with itself.
    """

    first: int
    similarity: float


def near_copies(texts: Sequence[str]) -> list[NearCopy]:
    """Return for each text the first of the texts before it that it is a near copy of.

    A text is a near copy of another where at least 0.8 of the three-word sequences of the two are
    common to both (Jaccard 1912; Broder 1997). Each is held against texts that are no copies
    themselves, never against copies: chains of small changes join nothing, and a later text never
    changes what an earlier one is a copy of. Candidates are found by MinHash, then compared
    exactly: a pair may be missed, none is wrong.

    Parameters
    ----------
    texts : sequence of str
        In the order in which they were published.

    Returns
    -------
    list of NearCopy
        One for each text, in the same order.

    Examples
    --------
    >>> wire = "Chip makers fell on Monday as a new model needs fewer chips than any before it did"
    >>> [copy.first for copy in near_copies([wire, "Oil rose.", f"{wire}."])]
    [0, 1, 0]
    """
    buckets: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)
    found: list[NearCopy] = []

    @lru_cache(maxsize=512)
    def of_text(index: int) -> np.ndarray:
        return shingles(texts[index])

    for index, text in enumerate(texts):
        own = shingles(text)
        keys = list(_keys(signature(own)))
        met = sorted({leader for key in keys for leader in buckets.get(key, ())})
        pairs = ((leader, jaccard(own, of_text(leader))) for leader in met)
        first = next((NearCopy(*pair) for pair in pairs if pair[1] >= LEAST_SIMILAR), None)
        if first is None:
            for bucket in (buckets[key] for key in keys):
                if len(bucket) < _FULL:
                    bucket.append(index)
        found.append(first or NearCopy(index, 1.0))
    return found


def shingles(text: str) -> np.ndarray:
    """Return the distinct three-word sequences of a text, each as a 64-bit number, sorted.

    Words are runs of letters, digits and underscores, whatever their case. A text of fewer than
    three words is one sequence; one without words is empty. The numbers come from BLAKE2b and are
    the same on every machine and version, as DuckDB's `hash` need not be.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    numpy array of uint64
        Sorted, without repetition.

    Examples
    --------
    >>> len(shingles("The stock fell, the stock fell, the STOCK fell."))
    3
    """
    words = _WORD.findall(text.casefold())
    numbers = np.fromiter(map(_number, words), dtype=np.uint64, count=len(words))
    if not words:
        return numbers
    padded = np.concatenate([numbers, np.zeros(max(0, N_WORDS - len(words)), dtype=np.uint64)])
    last = len(padded) - N_WORDS + 1
    mixed = np.zeros(last, dtype=np.uint64)
    for place in range(N_WORDS):
        mixed = _mixed(mixed ^ padded[place : place + last])
    return np.unique(mixed)


def jaccard(first: np.ndarray, second: np.ndarray) -> float:
    """Return the share of the elements of two sorted sets that are in both; 1 for two empty ones.

    Parameters
    ----------
    first, second : numpy array
        Sorted, without repetition.

    Returns
    -------
    float
        A fraction.

    Examples
    --------
    >>> jaccard(np.array([1, 2, 3]), np.array([2, 3, 4]))
    0.5
    """
    common = len(np.intersect1d(first, second, assume_unique=True))
    union = len(first) + len(second) - common
    return common / union if union else 1.0


def signature(elements: np.ndarray) -> np.ndarray:
    """Return the 64 least elements of a set under 64 permutations of the 64-bit numbers.

    Two sets have the same least element with the probability of their Jaccard similarity.

    Parameters
    ----------
    elements : numpy array of uint64
        The set.

    Returns
    -------
    numpy array of uint64
        64 numbers; of an empty set the largest number, 64 times.

    Examples
    --------
    >>> some, more = shingles("it fell again by a tenth"), shingles("It fell again by a tenth")
    >>> bool((signature(some) == signature(more)).all())
    True
    """
    least = np.full(N_BANDS * BAND, np.iinfo(np.uint64).max, dtype=np.uint64)
    for start in range(0, len(elements), _PIECE):
        piece = (elements[start : start + _PIECE, None] ^ _MASKS) * _FACTORS
        least = np.minimum(least, piece.min(axis=0))
    return least


def _keys(least: np.ndarray) -> Iterator[tuple[int, bytes]]:
    for number, band in enumerate(least.reshape(N_BANDS, BAND)):
        yield number, band.tobytes()


@lru_cache(maxsize=1 << 17)
def _number(word: str) -> int:
    digest = hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """Scatter 64-bit numbers: a step of SplitMix64 (Steele, Lea and Flood 2014)."""
    mixed: np.ndarray = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


_DRAWN = _mixed(np.arange(2 * N_BANDS * BAND, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
_MASKS = _DRAWN[: N_BANDS * BAND]
_FACTORS = _DRAWN[N_BANDS * BAND :] | np.uint64(1)
