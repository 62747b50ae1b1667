"""Claims of a caller's token: texts that have them filled in, and the values that they hold."""

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property, lru_cache

import msgspec

from presign.model.object_names import has_control_character

_name = re.compile(r"[a-z0-9_-]+")
_claim = re.compile(rf"\{{({_name.pattern})\}}")
_list = msgspec.json.Decoder(list[str])


class Template:
    """A text, free of the errors of `template_error`, in which `{name}` stands for the claim of that name."""

    def __init__(self, text: str) -> None:
        # The text around the claims, and between each two pieces of it the name of one.
        self._first, *rest = _claim.split(text)
        self._rest = list(zip(rest[::2], rest[1::2], strict=True))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches each text that the claims of some caller could make."""
        texts = [self._first, *(text for _, text in self._rest)]
        return re.compile("[^/]+".join(map(re.escape, texts)))

    def fill_in(self, claims: Mapping[str, str]) -> str | None:
        """The text with the values of `claims`; None if one is missing or can't be part of an object key.

        A value with a slash, a dot segment or a control character would lead out of the place that the template gives
        to the caller.
        """
        filled = self._first
        for name, text in self._rest:
            value = claims.get(name)
            if value is None or value in ("", ".", "..") or "/" in value or has_control_character(value):
                return None
            filled += value + text
        return filled


def claim_name_error(name: str) -> str:
    """Why `name`, which becomes part of a header's name, is not the name of a claim, or an empty string."""
    return "" if _name.fullmatch(name) else "must be the name of a claim in lower-case letters, digits, _ and -"


def template_error(text: str) -> str:
    """Why `text` is not a template, or an empty string.

    Two callers' texts must not be the same, so no two claims may stand in one segment.
    """
    rest, claims = _claim.subn("", text)
    if "{" in rest or "}" in rest:
        return "must hold braces only as {name}, the name of a claim in lower-case letters, digits, _ and -"
    if claims > 1 and any(segment.count("{") > 1 for segment in text.split("/")):
        return "must not hold two claims without a slash between them, as other callers' values could come to the same"
    return ""


def last_segment_error(text: str) -> str:
    """Why a template must not end as `text` does if it is that of a prefix, or an empty string.

    Without a slash after the claim, one caller's prefix could be the beginning of another's: `users/al`, `users/alice`.
    """
    if _claim.search(text.rpartition("/")[2]):
        return "must have a slash after the claim, as other callers' values could begin with the same letters"
    return ""


def without_claims(text: str) -> str:
    """A template with a letter in place of each claim, to check the rest of it."""
    return _claim.sub("x", text)


@lru_cache(maxsize=16)
def claim_values(text: str) -> frozenset[str]:
    """The values of a claim that may hold several: a JSON array of texts, or texts with spaces between them.

    Many rules ask for the same claim within one call, and it may be long, so the last few are kept.
    """
    if text.startswith("["):
        with suppress(msgspec.MsgspecError):
            return frozenset(_list.decode(text))
    return frozenset([text, *text.split(" ")])
