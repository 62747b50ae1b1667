"""The function, as the FDK calls it. Nothing else in the project knows the FDK."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from pathlib import Path

from fdk.context import InvokeContext
from fdk.response import Response

from presign.app import App
from presign.call import Invocation

CLAIM_PREFIX = "x-claim-"

app = App(os.environ, root=Path(__file__).parent)


def handler(ctx: InvokeContext, data: BytesIO) -> Response:
    """Answer one call that came through API Gateway, or directly."""
    call_id, body, deadline = ctx.CallID() or "", data.getvalue(), _deadline(ctx)
    if _is_from_gateway(ctx):
        method, target = ctx.Method() or "", ctx.RequestURL() or ""
        claims = _claims(ctx.HTTPHeaders())
        invocation = Invocation(
            call_id=call_id,
            caller="gateway",
            claims=claims,
            method=method,
            target=target,
            body=body,
            deadline=deadline,
        )
    else:
        invocation = Invocation(call_id=call_id, caller="invoke", body=body, deadline=deadline)
    reply = app.handle(invocation)
    return Response(ctx, response_data=reply.body, headers=reply.headers, status_code=reply.status)


def _claims(headers: Mapping[str, str | list[str]]) -> dict[str, str]:
    """The claims of the caller's token, which API Gateway sets as headers, having dropped any that the client sent."""
    return {
        name.removeprefix(CLAIM_PREFIX): value
        for name, value in headers.items()
        if name.startswith(CLAIM_PREFIX) and isinstance(value, str)
    }


def _deadline(ctx: InvokeContext) -> float | None:
    """When the caller stops waiting, in seconds since the epoch, as the Fn agent tells (RFC 3339)."""
    try:
        return datetime.fromisoformat(ctx.Deadline()).timestamp()
    except ValueError:
        return None


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
