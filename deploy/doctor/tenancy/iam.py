"""IAM: compartments, policies, groups and identity domains of the tenancy."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from deploy.doctor.finding import Skipped
from deploy.doctor.tenancy.facts import Facts, fact
from deploy.doctor.tenancy.function import DeployedFunction
from deploy.doctor.tenancy.oci_api import OciApi


class Iam(Facts):
    """IAM as the operator may read it.

    Args:
        oci: OCI's API.
        function: its compartment and those above may have identity domains.
    """

    def __init__(self, oci: OciApi, *, function: DeployedFunction) -> None:
        super().__init__()
        self._oci = oci
        self._function = function

    @fact("the identity")
    def client(self) -> Any:
        """The SDK's client of IAM in the home region, as others lag behind; in the function's if nobody may tell it."""
        from oci.exceptions import ServiceError
        from oci.identity import IdentityClient

        with suppress(ServiceError, Skipped):
            return self._oci.client(IdentityClient, region=self._oci.home_region)
        return self._oci.client(IdentityClient)

    def compartment_path(self, compartment: str) -> list[tuple[str, str]]:
        """The OCIDs and names of a compartment and of all that it lies in, up to the tenancy.

        A name is empty if the operator may not read it; those above are then left out but for the tenancy.
        """
        return self.once(f"compartment {compartment}", lambda: self._compartment_path(compartment))

    def _compartment_path(self, compartment: str) -> list[tuple[str, str]]:
        from oci.exceptions import ServiceError

        if compartment == self._oci.tenancy_ocid:
            return [(compartment, "")]
        try:
            found = self.client.get_compartment(compartment).data
        except ServiceError as exc:
            if exc.status not in (403, 404):
                raise
            return [(compartment, ""), (self._oci.tenancy_ocid, "")]
        return [(compartment, found.name), *self.compartment_path(found.compartment_id)]

    def statements_over(self, compartment: str) -> list[str]:
        """The statements of the IAM policies in a compartment and in all that it lies in."""
        policies = [policy for ocid, _ in self.compartment_path(compartment) for policy in self._policies_in(ocid)]
        return [statement for policy in policies for statement in policy.statements]

    def _policies_in(self, compartment: str) -> list[Any]:
        return self.once(
            f"policies in {compartment}", lambda: self._oci.list_all(self.client.list_policies, compartment)
        )

    @fact("the dynamic groups")
    def dynamic_groups(self) -> list[Any]:
        """The dynamic groups of the tenancy, or, with identity domains, of its domain `Default`."""
        return self._oci.list_all(self.client.list_dynamic_groups, self._oci.tenancy_ocid)

    @fact("the other domains")
    def other_domains(self) -> list[str]:
        """The identity domains besides `Default`, whose users and groups IAM's API does not list."""
        from oci.exceptions import ServiceError

        path = self.compartment_path(self._function.resource.compartment_id)
        try:
            found = [domain for ocid, _ in path for domain in self._oci.list_all(self.client.list_domains, ocid)]
        except ServiceError as exc:
            if exc.status not in (403, 404):
                raise
            return ["one that you may not see"]
        return [domain.display_name for domain in found if domain.type != "DEFAULT"]

    def groups_of_user(self, ocid: str) -> list[Any]:
        """The groups that a user is in."""

        def look() -> list[Any]:
            listed = self.client.list_user_group_memberships
            memberships = self._oci.list_all(listed, self._oci.tenancy_ocid, user_id=ocid)
            return [self.client.get_group(one.group_id).data for one in memberships]

        return self.once(f"groups of {ocid}", look)
