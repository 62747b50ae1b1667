"""The sizes of the parts of an upload."""

from math import ceil

from presign.model.operations.multipart import MAX_PARTS

MIN_PART_BYTES = 5 * 1024**2
"""Bytes: the smallest part that S3 takes, unless it is the last."""

PART_BYTES = 16 * 1024**2
"""The size of a part where the policy does not limit the object, good for objects of 156 GiB."""

STORE_ROUTE_BYTES = 20 * 1024**2
"""Bytes: the largest body that API Gateway takes for an HTTP back end, and so the largest upload by the store route."""


def max_part_bytes(part_number: int, max_content_length: int) -> int:
    """The most bytes that a part may have, so that all parts together can't have more than `max_content_length`.

    The function keeps no state, so it can't count the parts of an upload. Instead each part has its place: all places
    have one size, the smallest that 10,000 parts of the largest object allow, and the last place has the rest.
    """
    size = part_bytes(max_content_length)
    return max(0, min(size, max_content_length - (part_number - 1) * size))


def part_bytes(max_content_length: int) -> int:
    """The size of all parts but the last, so that 10,000 are enough for `max_content_length` bytes."""
    return max(MIN_PART_BYTES, ceil(max_content_length / MAX_PARTS))
