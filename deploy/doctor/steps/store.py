"""The store: tries the behaviour that the policy relies on, as Oracle does not document all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from deploy.doctor.finding import Finding, Skipped
from deploy.doctor.step import Step
from deploy.doctor.store import cors, probes
from deploy.doctor.store.trials import NativeRemover, Trials
from deploy.doctor.tenancy import Tenancy
from presign.authorize.rules import Rule
from presign.issue.endpoint import StorageEndpoint
from presign.services.regions import realm_domain

_VIRTUAL_HOSTED = "https://{bucket}.vhcompat.objectstorage.{region}.oci.customer-oci.com"
"""Of the commercial realm: docs.oracle.com, `Content/Object/s3-virtual-style.htm`."""
_OCI_DOMAINS = (".oraclecloud.com", ".customer-oci.com")


def _cors_of_s3(tenancy: Tenancy) -> Finding:
    if tenancy.function.settings.store_route:
        raise Skipped("Web pages use the store route.")
    origin, endpoint, bucket = _origin(tenancy), tenancy.storage.endpoint, _bucket(tenancy)
    url = f"{endpoint.scheme}://{endpoint.host(bucket)}{endpoint.path(bucket, 'presign-doctor')}"
    return cors.s3_finding(url, origin=origin, rules=tenancy.function.rules)


def _cors_of_pars(tenancy: Tenancy) -> Finding:
    origin, native = _origin(tenancy), tenancy.storage.client.base_client.endpoint
    # A preflight carries no credentials, so a PAR that does not exist will do.
    url = f"{native}/p/presign-doctor/n/{tenancy.storage.namespace}/b/{_bucket(tenancy)}/o/presign-doctor"
    return cors.par_finding(url, origin=origin, rules=tenancy.function.rules)


def _listing(tenancy: Tenancy) -> Finding:
    return probes.listing(tenancy.storage.signed_bucket(_bucket(tenancy)), tenancy.function.rules)


def _longest_expiry(tenancy: Tenancy) -> Finding:
    bucket = tenancy.storage.signed_bucket(_bucket(tenancy))
    return probes.longest_expiry(bucket, max_expires_in=tenancy.function.settings.max_expires_in)


def _virtual_hosted(tenancy: Tenancy) -> Finding:
    endpoint, in_use = tenancy.storage.endpoint, tenancy.function.settings.virtual_hosted
    if not in_use:
        if not endpoint.authority.endswith(_OCI_DOMAINS) or realm_domain(tenancy.storage.region) != "oraclecloud.com":
            raise Skipped("The host names of this store for virtual-hosted style are not known here.")
        endpoint = StorageEndpoint.from_template(_VIRTUAL_HOSTED, namespace="", region=tenancy.storage.region)
    names = [_bucket(tenancy)] if tenancy.arguments.write else tenancy.function.buckets_of("s3") or [_bucket(tenancy)]
    return probes.virtual_hosted(
        [tenancy.storage.signed_bucket(name, endpoint=endpoint) for name in names], in_use=in_use
    )


def _writing(probe: Callable[[Trials, Sequence[Rule]], Finding]) -> Callable[[Tenancy], Finding]:
    """The function of a step, for a probe that writes."""

    def look(tenancy: Tenancy) -> Finding:
        if not tenancy.arguments.write:
            raise Skipped("It would write a few small objects: allow it with --write BUCKET/PREFIX.")
        name, _, prefix = tenancy.arguments.write.partition("/")
        remover = NativeRemover(tenancy.storage.client, namespace=tenancy.storage.namespace, bucket=name)
        trials = Trials(tenancy.storage.signed_bucket(name), prefix=prefix, remover=remover)
        rules = tenancy.function.rules
        # Python waits for this thread before it ends, so the objects go even if the step takes too long.
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(probes.with_trials, trials, probe, rules).result()

    return look


def _origin(tenancy: Tenancy) -> str:
    if not tenancy.arguments.origin:
        raise Skipped("No web page is named: use --origin https://app.example.com.")
    return str(tenancy.arguments.origin)


def _bucket(tenancy: Tenancy) -> str:
    """The bucket to try: that of --write, or else the first of the policy."""
    if tenancy.arguments.write:
        return str(tenancy.arguments.write).partition("/")[0]
    if not tenancy.function.buckets:
        raise Skipped("Each bucket of POLICY depends on a claim: name one with --write BUCKET/PREFIX.")
    return (tenancy.function.buckets_of("s3") or tenancy.function.buckets)[0]


GROUP = "store"

STEPS: tuple[Step, ...] = (
    Step(GROUP, "uploads by pages through the S3 API", _cors_of_s3),
    Step(GROUP, "uploads by pages through PARs", _cors_of_pars),
    Step(GROUP, "list-type=2", _listing),
    Step(GROUP, "URLs valid for seven days", _longest_expiry),
    Step(GROUP, "virtual-hosted style", _virtual_hosted),
    Step(GROUP, "create_only", _writing(probes.create_only)),
    Step(GROUP, "unsigned x-amz-copy-source", _writing(probes.unsigned_copies)),
    Step(GROUP, "forms", _writing(probes.forms)),
)
