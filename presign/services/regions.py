"""The regions of OCI, from the SDK's table, which is imported when it is first asked."""

from collections.abc import Mapping

from presign.services import sdk


def region_of_code(code: str) -> str | None:
    """The identifier of the region with this short code, such as `iad`, in any case; None if the SDK knows none."""
    codes: Mapping[str, str] = sdk.load("oci.regions").REGIONS_SHORT_NAMES
    return codes.get(code.lower())


def realm_domain(region: str) -> str:
    """The domain of the realm that `region` belongs to, such as `oraclecloud.com`, from the SDK's region table."""
    regions = sdk.load("oci.regions")
    return str(regions.REALMS[regions.get_realm_from_region(region)])
