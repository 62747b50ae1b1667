"""The least that the FDK can be asked to do: what a warm request costs before a function has done anything."""

from __future__ import annotations

from io import BytesIO

from fdk.context import InvokeContext
from fdk.response import Response


def handler(ctx: InvokeContext, data: BytesIO) -> Response:
    """Answer with an empty body."""
    return Response(ctx, response_data="")
