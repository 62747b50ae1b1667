"""`python parts.py NAME` runs a cold start, or warm requests, in parts, and prints the milliseconds of each as JSON.

It runs on the function's own packages. The parts of a cold start are CPU time, in the order in which they happen.
"""

import time

PARTS = {"interpreter": time.process_time() * 1e3}

import json  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

CALLS = 2000


def part(name: str) -> None:
    """Count the time since the end of the part before as this one."""
    PARTS[name] = time.process_time() * 1e3 - sum(PARTS.values())


def floor() -> None:
    """The steps of `functions/floor`."""
    import fdk
    import fdk.runner  # noqa: F401

    part("FDK")
    import os

    from oci.auth.signers import get_resource_principals_signer
    from oci.secrets import SecretsClient

    part("SDK")
    signer = get_resource_principals_signer()
    part("principal's key")
    client = SecretsClient({}, signer=signer, service_endpoint=os.environ["VAULT_ENDPOINT"])
    client.get_secret_bundle(os.environ["SECRET_OCID"])
    part("Vault's answer")


def cold() -> None:
    """The steps of `func.py` until its first answer."""
    import fdk
    import fdk.runner  # noqa: F401

    part("FDK")
    import func

    service = func.app._service
    part("function")
    # In a thread, as `App.warm` does it: Python 3.11 may need 25 ms more at another depth of calls.
    fetch = threading.Thread(target=_fetch, args=(service,))
    fetch.start()
    fetch.join()
    func.app.handle(_call())
    PARTS["function"] += time.process_time() * 1e3 - sum(PARTS.values())


def _fetch(service: Any) -> None:
    from presign.services import sdk

    signers = [f"auth.signers.{module}" for module in sdk.DEFERRED["oci.auth.signers"].values()]
    for module in (*signers, "secrets.secrets_client", "retry", "circuit_breaker"):
        sdk.load(f"oci.{module}")
    part("SDK")
    service._oci_client._signer  # noqa: B018
    part("principal's key")
    service.warm()
    part("Vault's answer")


def warm() -> None:
    """The steps of the handler, one after another in a loop."""
    import func
    from presign import record
    from presign.calls import presign

    func.app.handle(_call())
    PARTS.clear()
    all_of_it = _timed(func.app.handle, "JSON, answer")
    steps: dict[str, list[tuple[Any, str]]] = {
        "read, authorize": [(presign, "_granted")],
        "sign": [(presign, "_signed"), (presign, "_with_pars")],
        "audit line": [(presign, "records_of"), (record.AuditLog, "write")],
    }
    for name, functions in steps.items():
        for module, function in functions:
            setattr(module, function, _timed(getattr(module, function), name))
    for _ in range(CALLS):
        all_of_it(_call())
    for name in steps:
        PARTS["JSON, answer"] -= PARTS[name]
    for name in PARTS:
        PARTS[name] /= CALLS


def _timed(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    PARTS.setdefault(name, 0.0)

    def timed(*arguments: Any, **named: Any) -> Any:
        began_at = time.perf_counter()
        answer = function(*arguments, **named)
        PARTS[name] += (time.perf_counter() - began_at) * 1e3
        return answer

    return timed


def _call() -> Any:
    from presign.model.invocation import Invocation

    return Invocation(
        call_id="01ARZ3NDEKTSV4RRFFQ69G5FAV",
        caller="gateway",
        method="POST",
        target="/v1/presign",
        headers={"content-type": "application/json", "x-claim-sub": f"{sys.argv[2]}:alice:"},
        body=b'{"key": "PresignedBlogTest.txt"}',
        deadline="2099-01-01T00:00:00Z",
    )


if __name__ == "__main__":
    {"floor": floor, "cold": cold, "warm": warm}[sys.argv[1]]()
    print(json.dumps(PARTS))
