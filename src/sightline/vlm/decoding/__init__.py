"""Decoding: greedy, beam search, top-k and nucleus (top-p) sampling, and where the model looked for each word."""

from sightline.vlm.decoding.generate import decode, generate
from sightline.vlm.decoding.looked import METHODS, LookedError, Method, Replay, check_method, look
from sightline.vlm.decoding.matched import look_at_match
from sightline.vlm.decoding.options import Decoding, DecodingError
from sightline.vlm.decoding.words import Unfolding, Word, split_words
from sightline.vlm.decoding.written import OnToken, Written

__all__ = [
    "METHODS",
    "Decoding",
    "DecodingError",
    "LookedError",
    "Method",
    "OnToken",
    "Replay",
    "Unfolding",
    "Word",
    "Written",
    "check_method",
    "decode",
    "generate",
    "look",
    "look_at_match",
    "split_words",
]
