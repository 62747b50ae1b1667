"""The function, as the FDK calls it. Nothing else in the project knows the FDK."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

from fdk.context import InvokeContext
from fdk.response import Response

from presign.app import App
from presign.call import Invocation
from presign.claims import claims_from

app = App(os.environ, root=Path(__file__).parent)


def handler(ctx: InvokeContext, data: BytesIO) -> Response:
    """Answer one call that came through API Gateway, or directly."""
    how: dict[str, Any] = {"caller": "invoke"}
    if _is_from_gateway(ctx):
        how = {
            "caller": "gateway",
            "claims": claims_from(ctx.HTTPHeaders(), key=os.environ.get("CLAIMS_KEY", "").strip()),
            "method": ctx.Method() or "",
            "target": ctx.RequestURL() or "",
        }
    reply = app.handle(Invocation(call_id=ctx.CallID() or "", body=data.getvalue(), deadline=ctx.Deadline(), **how))
    return Response(ctx, response_data=reply.body, headers=reply.headers, status_code=reply.status)


def _is_from_gateway(ctx: InvokeContext) -> bool:
    """Whether the call came through API Gateway.

    The FDK lets an HTTP header of the client named `Fn-Intent` take the place of the real one, and then sends the
    answer without its status and headers; so the real one is put back.
    """
    headers = ctx.Headers()
    from_gateway = bool(ctx.HTTPHeaders()) or headers.get("fn-intent") == "httprequest"
    if from_gateway:
        headers["fn-intent"] = "httprequest"
    return from_gateway
