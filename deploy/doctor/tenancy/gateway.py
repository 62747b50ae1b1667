"""The API deployment that calls the function, and its gateway."""

from __future__ import annotations

from typing import Any

from deploy.doctor.finding import Skipped
from deploy.doctor.gateway.specification import Specification
from deploy.doctor.tenancy.facts import Facts, fact
from deploy.doctor.tenancy.function import DeployedFunction
from deploy.doctor.tenancy.oci_api import OciApi
from deploy.doctor.tenancy.stack import AppliedStack
from deploy.doctor.tenancy.target import Target


class ApiGateway(Facts):
    """The API deployment that calls the function, and its gateway.

    Args:
        target: the function.
        function: its compartment is searched.
        stack: has the deployment among its outputs.
        oci: OCI's API.
    """

    def __init__(self, target: Target, *, function: DeployedFunction, stack: AppliedStack, oci: OciApi) -> None:
        super().__init__()
        self._target = target
        self._function = function
        self._stack = stack
        self._oci = oci

    @fact("the deployment")
    def deployment(self) -> Any:
        """The API deployment: that of the stack, or else one in the function's compartment that calls the function."""
        from oci.apigateway import DeploymentClient

        client = self._oci.client(DeploymentClient)
        if ocid := self._stack.outputs.get("deployment_ocid"):
            return client.get_deployment(ocid).data
        compartment = self._function.resource.compartment_id
        for summary in self._oci.list_all(client.list_deployments, compartment):
            if summary.lifecycle_state == "DELETED":
                continue
            deployment = client.get_deployment(summary.id).data
            backends = [route.backend for route in deployment.specification.routes or []]
            if any(getattr(backend, "function_id", None) == self._target.function_ocid for backend in backends):
                return deployment
        raise Skipped(f"No deployment in the compartment {compartment} calls the function; --stack DIR names one.")

    @fact("the specification")
    def specification(self) -> Specification:
        """The specification of the API deployment."""
        return Specification(self.document_of(self.deployment))

    def document_of(self, deployment: Any) -> Any:
        """The specification of a deployment, in the JSON of OCI's API."""
        from oci.apigateway import DeploymentClient

        client = self._oci.client(DeploymentClient).base_client
        return client.sanitize_for_serialization(deployment.specification)

    def store_deployment(self, route: str) -> Any | None:
        """The deployment in the function's compartment whose endpoint is the store route; None if there is none."""
        from oci.apigateway import DeploymentClient

        client = self._oci.client(DeploymentClient)
        for summary in self._oci.list_all(client.list_deployments, self._function.resource.compartment_id):
            if summary.lifecycle_state != "DELETED" and summary.endpoint.rstrip("/") == route:
                return client.get_deployment(summary.id).data
        return None

    @fact("the gateway")
    def resource(self) -> Any:
        """The API gateway of the deployment."""
        from oci.apigateway import GatewayClient

        return self._oci.client(GatewayClient).get_gateway(self.deployment.gateway_id).data
