"""The function, as the FDK calls it. Nothing else in the project knows the FDK."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

from fdk.context import InvokeContext
from fdk.response import Response

from presign.app import App
from presign.call import Invocation
from presign.claims import claims_from

app = App(os.environ, root=Path(__file__).parent)


def handler(ctx: InvokeContext, data: BytesIO) -> Response:
    """Answer one call that came through API Gateway, or directly."""
    call_id, body, deadline = ctx.CallID() or "", data.getvalue(), ctx.Deadline()
    if _is_from_gateway(ctx):
        invocation = Invocation(
            call_id=call_id,
            caller="gateway",
            claims=claims_from(ctx.HTTPHeaders(), key=os.environ.get("CLAIMS_KEY", "").strip()),
            method=ctx.Method() or "",
            target=ctx.RequestURL() or "",
            body=body,
            deadline=deadline,
        )
    else:
        invocation = Invocation(call_id=call_id, caller="invoke", body=body, deadline=deadline)
    reply = app.handle(invocation)
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
