"""Times as text."""

import time
from functools import lru_cache


@lru_cache(maxsize=64)
def rfc3339(seconds: int) -> str:
    """`seconds` since the epoch as text, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
