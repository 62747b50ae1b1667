"""`make pictures` still draws the picture of the README."""

from __future__ import annotations

import struct

import pytest

from tools.pictures import page


def _size(png: bytes) -> tuple[int, int]:
    """Width and height, from the header (PNG, 11.2.2)."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@pytest.mark.slow
def test_the_page_is_drawn_with_the_files_that_it_shows() -> None:
    width, height = _size(page.draw())
    assert width == 800
    assert height == pytest.approx(_size(page.PICTURE.read_bytes())[1], rel=0.05)
