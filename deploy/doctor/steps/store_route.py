"""The store route: API Gateway's way to the store, by which web pages use presigned URLs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from deploy.doctor.finding import Finding, Skipped
from deploy.doctor.gateway.specification import store_differences
from deploy.doctor.step import Step
from deploy.doctor.store import cors, probes, route_probes
from deploy.doctor.store.route_probes import way_out
from deploy.doctor.store.signed_bucket import SignedBucket, status_and_code
from deploy.doctor.store.trials import NativeRemover, Trials
from deploy.doctor.tenancy import Tenancy
from deploy.doctor.web import ask
from presign.authorize.rules import Rule
from presign.model.operations.objects import GetObject

_FILL = "fill gateway/store.json for the policy (python -m gateway.fill --store) and deploy it, as make deploy does"


def specification(tenancy: Tenancy) -> Finding:
    """Whether the deployed specification is `gateway/store.json`, filled for the buckets of the policy."""
    route = _route(tenancy)
    deployment = tenancy.gateway.store_deployment(route)
    if deployment is None:
        text = f"No deployment beside that of the API has the endpoint {route}: only its answers can tell."
        return Finding("unknown", text, "leave it so if the route is a proxy of your own")
    endpoint = tenancy.storage.endpoint
    differences, additions = store_differences(
        tenancy.gateway.document_of(deployment),
        store=f"{endpoint.scheme}://{endpoint.authority}",
        buckets=tenancy.function.buckets_of("s3"),
    )
    if not differences:
        return Finding("ok", "It is gateway/store.json.", None, tuple(additions))
    text = f"It differs from gateway/store.json in {len(differences)} place{'s' if len(differences) > 1 else ''}."
    return Finding("wrong", text, _FILL, (*differences, *additions))


def reach(tenancy: Tenancy) -> Finding:
    """Whether a URL that is signed for the store is valid by the route, and its answer keeps pages from running."""
    bucket = _routed_bucket(tenancy)
    answer = bucket.send(GetObject(key=f"presign-doctor-{secrets.token_hex(8)}", cors=True))
    told = status_and_code(answer)
    if told not in ("404 NoSuchKey", "404"):
        text = f"A signed request for {bucket.name} by the route gets {told}."
        return Finding("wrong", text, way_out(tenancy.function.rules))
    expected = {"content-security-policy": "sandbox", "x-content-type-options": "nosniff"}
    missing = [f"{name}: {value}" for name, value in expected.items() if answer.headers.get(name) != value]
    if missing:
        text = f"Its answers lack {' and '.join(missing)}, so an uploaded page may run in the API's origin."
        return Finding("wrong", text, _FILL)
    return Finding("ok", f"The store accepts signed requests for {bucket.name} by the route.")


def refusals(tenancy: Tenancy) -> Finding:
    """Whether the route refuses what is not signed, and other buckets."""
    route, bucket = _route(tenancy), _bucket(tenancy)
    unsigned = ask("GET", f"{route}/{bucket}/presign-doctor")
    if unsigned.status != 400 or b"<Code>" in unsigned.body:
        text = f"A request without a signature gets {status_and_code(unsigned)}, not the gateway's 400."
        return Finding("wrong", text, _FILL)
    other = ask("GET", f"{route}/presign-doctor-{secrets.token_hex(8)}/a?X-Amz-Signature=0")
    if other.status != 404 or b"<Code>" in other.body:
        text = f"A request for another bucket gets {status_and_code(other)}, not the gateway's 404."
        return Finding("wrong", text, _FILL)
    return Finding("ok", "It refuses requests without a signature (400), and other buckets (404).")


def preflight(tenancy: Tenancy) -> Finding:
    """Whether a browser lets pages of an origin use the route."""
    route, bucket, origin = _route(tenancy), _bucket(tenancy), tenancy.arguments.origin
    if not origin:
        raise Skipped("No web page is named: use --origin https://app.example.com.")
    headers = ["content-type", "if-none-match", "x-amz-meta-a"]
    asked = {"Origin": origin, "Access-Control-Request-Headers": ",".join(headers)}
    missing = {
        lack
        for method in ("GET", "PUT", "POST", "DELETE")
        for lack in cors.missing_headers(
            ask("OPTIONS", f"{route}/{bucket}/a", headers={**asked, "Access-Control-Request-Method": method}),
            origin=origin,
            method=method,
            headers=headers,
        )
    }
    if missing:
        text = f"Pages of {origin} can't use it: its answer to the preflight lacks {'; '.join(sorted(missing))}."
        return Finding("wrong", text, f"set allowed_origins to {origin}, or {_FILL}")
    return Finding("ok", f"Pages of {origin} may use it.")


def _writing(probe: Callable[[Trials, Sequence[Rule]], Finding]) -> Callable[[Tenancy], Finding]:
    """The function of a step, for a probe that writes."""

    def look(tenancy: Tenancy) -> Finding:
        _route(tenancy)
        if not tenancy.arguments.write:
            raise Skipped("It would write a few objects, one of 20 MiB: allow it with --write BUCKET/PREFIX.")
        name, _, prefix = tenancy.arguments.write.partition("/")
        remover = NativeRemover(tenancy.storage.client, namespace=tenancy.storage.namespace, bucket=name)
        trials = Trials(_routed_bucket(tenancy, name), prefix=prefix, remover=remover)
        # Python waits for this thread before it ends, so the objects go even if the step takes too long.
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(probes.with_trials, trials, probe, tenancy.function.rules).result()

    return look


def _route(tenancy: Tenancy) -> str:
    route = tenancy.function.settings.store_route
    if route is None:
        raise Skipped("STORE_ROUTE is not set, so web pages are served by rules with via: par alone.")
    return str(route)


def _bucket(tenancy: Tenancy) -> str:
    buckets = tenancy.function.buckets_of("s3")
    if not buckets:
        raise Skipped("No rule with via: s3 names a bucket.")
    return buckets[0]


def _routed_bucket(tenancy: Tenancy, name: str | None = None) -> SignedBucket:
    endpoint = replace(tenancy.storage.endpoint, store_route=_route(tenancy))
    return tenancy.storage.signed_bucket(name or _bucket(tenancy), endpoint=endpoint)


GROUP = "store route"

STEPS: tuple[Step, ...] = (
    Step(GROUP, "specification", specification, "read api-deployments in the function's compartment"),
    Step(GROUP, "way to the store", reach),
    Step(GROUP, "refusals", refusals),
    Step(GROUP, "pages of an origin", preflight),
    Step(GROUP, "awkward keys", _writing(route_probes.awkward_keys)),
    Step(GROUP, "requests and answers", _writing(route_probes.answers)),
)
