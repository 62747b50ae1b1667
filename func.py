"""The function, as the FDK calls it. Only this module knows the FDK, and only this module reads the environment.

`python func.py` serves it warm, as the image does: the key is fetched while the container starts. The command of the
FDK, `fdk func.py handler`, serves the same function, but imports it only when the first caller waits.
"""

# ruff: noqa: E402

import gc

gc.disable()  # Importing makes no garbage, so looking for it is lost time. It is enabled below.

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


from presign.app import App
from presign.model.invocation import Invocation

gc.freeze()
gc.set_threshold(10_000)  # A batch makes thousands of objects at once, and hardly a reference cycle.
gc.enable()

# asyncio receives into blocks of 256 KiB, and glibc maps and unmaps one for each call, until a larger one was freed
# (mallopt(3), M_MMAP_THRESHOLD).
bytes(512 * 1024)

app = App(os.environ, root=ROOT)


def handler(ctx: InvokeContext, data: BytesIO) -> Response:
    """Answer one call that came through API Gateway, or directly."""
    from_gateway = bool(ctx.HTTPHeaders()) or ctx.Headers().get("fn-intent") == "httprequest"
    if from_gateway:
        # The FDK lets a client's HTTP header named `Fn-Intent` replace the real one, and would then send the answer
        # without its status and headers.
        ctx.Headers()["fn-intent"] = "httprequest"
    invocation = Invocation(
        call_id=ctx.CallID() or "",
        caller="gateway" if from_gateway else "invoke",
        method=ctx.Method() or "",
        target=ctx.RequestURL() or "",
        headers=ctx.HTTPHeaders(),
        body=data.getvalue(),
        deadline=ctx.Deadline(),
    )
    reply = app.handle(invocation)
    return Response(ctx, response_data=reply.body, headers=reply.headers, status_code=reply.status)


def loaded_function() -> Function:
    """This function for the FDK, which would import its module a second time."""
    function = Function(__file__)
    function.handler = lambda: handler
    return function


if __name__ == "__main__":
    import fdk
    import fdk.runner  # the FDK itself imports it only at the first call

    app.warm()
    fdk.handle(loaded_function())
