"""The function, as the FDK calls it. Only this module knows the FDK, and only this module reads the environment.

`python func.py` serves it warm, as the image does: the key is fetched while the container starts. The command of the
FDK, `fdk func.py handler`, serves the same function, but imports it only when the first caller waits.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from fdk.context import InvokeContext
from fdk.customer_code import Function
from fdk.response import Response

ROOT = Path(__file__).resolve().parent
if find_spec("presign") is None:  # the FDK loads this file by its path, and does not put its folder on the path
    sys.path.insert(0, str(ROOT))

from presign.app import App  # noqa: E402
from presign.call import Invocation  # noqa: E402
from presign.request.claims import claims_from  # noqa: E402

app = App(os.environ, root=ROOT)


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


def loaded_function() -> Function:
    """This function for the FDK, which would import its module a second time."""
    function = Function(__file__)
    function.handler = lambda: handler
    return function


def serve() -> None:
    """Get ready, and serve; does not return."""
    import fdk
    import fdk.runner  # the FDK itself imports it only at the first call

    app.warm()
    fdk.handle(loaded_function())


if __name__ == "__main__":
    serve()
