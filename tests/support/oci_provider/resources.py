"""Resources that live as long as the stand-in for the provider: they are planned, made, changed, read and deleted."""

from __future__ import annotations

from itertools import count
from typing import Any

import msgpack

UNKNOWN = msgpack.ExtType(0, b"\x00")
"""A value that only the provider will know, as Terraform's MessagePack has it."""

HOME_REGION = "us-ashburn-1"
NAMESPACE = "axexample"
SERVICES = [
    {"cidr_block": "oci-fra-objectstorage", "id": "ocid1.service.oc1.fra.storage"},
    {"cidr_block": "all-fra-services-in-oracle-services-network", "id": "ocid1.service.oc1.fra.all"},
]
REGIONS = [
    {"is_home_region": False, "region_name": "eu-frankfurt-1"},
    {"is_home_region": True, "region_name": HOME_REGION},
]


class NotFound(Exception):
    """There is no such resource."""


class Resources:
    """All that was made, by the types and the OCIDs.

    Args:
        schema: of the provider, as JSON.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self._blocks = schema["resources"]
        self._data = schema["data_sources"]
        self._fixed = schema["fixed"]
        self._made: dict[tuple[str, str], dict[str, Any]] = {}
        self._deleted: set[tuple[str, str]] = set()
        self._numbers = count(1)

    def plan(self, kind: str, prior: Any, proposed: Any) -> tuple[Any, list[str]]:
        """The state that `proposed` leads to, and the attributes whose change replaces the resource."""
        if proposed is None:
            return None, []
        if prior is None:
            attributes = self._blocks[kind]["attributes"]
            unknown = {name for name, of in attributes.items() if not of["required"] and proposed[name] is None}
            return {**proposed, **dict.fromkeys(unknown, UNKNOWN)}, []
        return proposed, [name for name in self._fixed[kind] if proposed[name] != prior[name]]

    def apply(self, kind: str, prior: Any, planned: Any) -> Any:
        """Make, change or delete a resource.

        Returns:
            The new state; None if it is gone.
        """
        if planned is None:
            place = (kind, str(prior["id"]))
            self._made.pop(place, None)
            self._deleted.add(place)
            return None
        made: dict[str, Any] = {name: None if value == UNKNOWN else value for name, value in planned.items()}
        if prior is None:
            number = next(self._numbers)
            made["id"] = f"ocid1.{kind.removeprefix('oci_')}.oc1..{number}"
            made.update(_made_up(kind, made, number))
        self._made[kind, made["id"]] = made
        return made

    def read(self, kind: str, state: Any) -> Any:
        """The resource as it is, or as its state says if it is older than this provider; None if it was deleted."""
        place = (kind, state["id"])
        return None if place in self._deleted else self._made.setdefault(place, state)

    def look_up(self, kind: str, config: dict[str, Any]) -> dict[str, Any]:
        """The answer of a data source.

        Raises:
            NotFound: there is no such thing.
        """
        match kind:
            case "oci_objectstorage_bucket":
                found = self._find(kind, name=config["name"], namespace=config["namespace"])
                if not found:
                    raise NotFound(f"404-BucketNotFound, there is no bucket named {config['name']}")
                return {**config, **{name: value for name, value in found[0].items() if name in config}}
            case "oci_functions_function":
                [function] = self._find(kind, id=config["function_id"])
                return {**config, "config": function["config"]}
        name, answer = self._listed(kind, config)
        return {**config, name: self._completed(kind, name, answer)}

    def _listed(self, kind: str, config: dict[str, Any]) -> tuple[str, Any]:
        """The attribute of a data source that has its answer, and the answer."""
        match kind:
            case "oci_identity_region_subscriptions":
                return "region_subscriptions", REGIONS
            case "oci_objectstorage_namespace":
                return "namespace", NAMESPACE
            case "oci_core_services":
                return "services", SERVICES
            case "oci_functions_applications":
                return "applications", self._find("oci_functions_application", display_name=config["display_name"])
            case "oci_functions_functions":
                return "functions", self._find("oci_functions_function", application_id=config["application_id"])
            case "oci_objectstorage_bucket_summaries":
                return "bucket_summaries", self._find("oci_objectstorage_bucket", namespace=config["namespace"])
            case "oci_objectstorage_preauthrequests":
                return "preauthenticated_requests", []
        raise NotFound(f"The stand-in for the provider has no data source {kind}")

    def _find(self, kind: str, **members: Any) -> list[dict[str, Any]]:
        """The resources of a type that were made, with these members."""
        made = [found for (of, _), found in self._made.items() if of == kind]
        return [found for found in made if all(found[name] == value for name, value in members.items())]

    def _completed(self, kind: str, name: str, value: Any) -> Any:
        """The value with all members that its type has. A list of resources tells only their texts."""
        attribute = self._data[kind]["attributes"].get(name)
        if not isinstance(value, list) or attribute is None:
            return value
        members = attribute["type"][1][1]
        return [
            {name: value if isinstance(value := item.get(name), str | bool) else None for name in members}
            for item in value
        ]


def _made_up(kind: str, made: dict[str, Any], number: int) -> dict[str, Any]:
    """The attributes that OCI itself gives a new resource, as far as a stack reads them."""
    match kind:
        case "oci_identity_customer_secret_key":
            return {"id": f"access-key-{number}", "key": f"secret-of-the-key-{number}"}
        case "oci_kms_vault":
            return {"management_endpoint": f"https://vault-{number}.example.com"}
        case "oci_apigateway_deployment":
            return {"endpoint": f"https://gateway-{number}.example.com{made['path_prefix']}"}
        case "oci_ons_notification_topic":
            return {"topic_id": f"ocid1.onstopic.oc1..{number}"}
        case _:
            return {}
