"""The list of what is in the function's archive (a software bill of materials), in CycloneDX 1.6."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from deploy.distributions import Distribution


def sbom(distributions: Iterable[Distribution], *, version: str, sha256: str, time: datetime) -> str:
    """The document as JSON; the same archive and time give the same bytes.

    Args:
        distributions: those of which a file is in the archive.
        version: of the function.
        sha256: the digest of the archive, in hexadecimal.
        time: of the release.
    """
    function = Component(
        type=ComponentType.APPLICATION,
        name="presign",
        version=version,
        bom_ref=f"presign@{version}",
        licenses=[LicenseFactory().make_from_string("UPL-1.0")],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
    )
    document = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{sha256}"),
        metadata=BomMetaData(component=function, timestamp=time),
        components=[_component(one) for one in distributions],
    )
    document.register_dependency(function, document.components)
    return JsonV1Dot6(document).output_as_string(indent=2) + "\n"


def _component(one: Distribution, *, within: str = "") -> Component:
    """A distribution, with the modules that it has copied, which nobody can install by their names."""
    return Component(
        name=one.name,
        version=one.version,
        bom_ref=f"{within}{one.name}" + (f"@{one.version}" if one.version else ""),
        licenses=[LicenseFactory().make_from_string(one.licence)] if one.licence else [],
        purl=None if within else PackageURL("pypi", None, one.name.lower().replace("_", "-"), one.version),
        components=[_component(part, within=f"{one.name}/") for part in one.parts],
    )
