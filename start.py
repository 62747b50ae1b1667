"""The entry point of the image: the function is ready when its first caller comes.

The FDK's own command, `fdk func.py handler`, starts the same function, but imports it only once a caller waits.
"""

from __future__ import annotations

import fdk
from fdk import runner as runner  # the FDK itself imports it only at the first call
from fdk.customer_code import Function

import func


def imported_function() -> Function:
    """The function for the FDK, which would import its module a second time."""
    function = Function(func.__file__)
    function.handler = lambda: func.handler
    return function


def main() -> None:
    """Get ready, and serve; does not return."""
    func.app.warm()
    fdk.handle(imported_function())


if __name__ == "__main__":
    main()
