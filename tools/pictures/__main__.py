"""`make pictures` draws the pictures of README and docs that show a run. `make bench` draws the others."""

from __future__ import annotations

from tools.pictures import doctor, page


def main() -> None:
    """Write both pictures."""
    doctor.PICTURE.write_text(doctor.draw(), "utf-8")
    page.PICTURE.write_bytes(page.draw())
    for picture in (doctor.PICTURE, page.PICTURE):
        print(picture)


if __name__ == "__main__":
    main()
