"""The answers of OCI's services in a tenancy where all is right.

The names, OCIDs and documents are made up; the members of the documents are those of OCI's API.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.wrappers import Request

from deploy import statements
from gateway.fill import TEMPLATE, fill
from support.oci_network import FUNCTION_SUBNET, GATEWAY_SUBNET, network_answers

REGION = "eu-frankfurt-1"
HOME_REGION = "us-ashburn-1"
NAMESPACE = "axnamespace"
BUCKET = "photos"
CLAIMS_KEY = "gateway-secret-of-32-characters-0"
ACCESS_KEY_ID = "0123456789abcdef0123456789abcdef01234567"
SECRET_ACCESS_KEY = "c2VjcmV0LWFjY2Vzcy1rZXktb2YtMzItYnl0ZXMuLi4="

TENANCY = "ocid1.tenancy.oc1..tenancy"
COMPARTMENT = "ocid1.compartment.oc1..presign"
USER = "ocid1.user.oc1..operator"
SIGNER = "ocid1.user.oc1..signer"
APPLICATION = "ocid1.fnapp.oc1.eu-frankfurt-1.application"
FUNCTION = "ocid1.fnfunc.oc1.eu-frankfurt-1.function"
SECRET = "ocid1.vaultsecret.oc1.eu-frankfurt-1.secret"
DYNAMIC_GROUP = "ocid1.dynamicgroup.oc1..function"
GROUP = "ocid1.group.oc1..signers"
GATEWAY = "ocid1.apigateway.oc1.eu-frankfurt-1.gateway"
DEPLOYMENT = "ocid1.apideployment.oc1.eu-frankfurt-1.deployment"
TOPIC = "ocid1.onstopic.oc1.eu-frankfurt-1.events"
QUEUE = "ocid1.queue.oc1.eu-frankfurt-1.events"
LOG_GROUP = "ocid1.loggroup.oc1.eu-frankfurt-1.presign"
ISSUER = "https://identity.oraclecloud.com/"
JWKS_PATH = "/admin/v1/SigningCert/jwk"
LOG = "ocid1.log.oc1.eu-frankfurt-1.function"
EVENTS_RULE = "ocid1.eventrule.oc1.eu-frankfurt-1.presign"

OF_USERS = {"bucket": BUCKET, "prefix": "users/{sub}/", "max_expires_in": 3600}
RULES = [
    {"operations": ["get_object", "put_object"], "via": "par", **OF_USERS},
    {"operations": ["*"], **OF_USERS},
    {"operations": ["get_object"], "bucket": BUCKET, "prefix": "", "callers": ["invoke"], "max_expires_in": 3600},
]

Document = Any
"""JSON, a `local.api.ApiError`, a whole response, or a function of the request that gives or raises one of them."""


def ago(**units: float) -> str:
    """The moment this long ago, as OCI writes it."""
    return (datetime.now(UTC) - timedelta(**units)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def of_compartment(documents: list[dict[str, Any]]) -> Callable[[Request], Document]:
    """A listing of those documents that are in the compartment that is asked for, or below it."""

    def answer(request: Request) -> Document:
        if request.args.get("isCompartmentIdInSubtree") and request.args["compartmentId"] == TENANCY:
            return documents
        return [one for one in documents if one["compartmentId"] == request.args["compartmentId"]]

    return answer


def right_answers(storage_url: str, gateway_url: str) -> dict[str, Document]:
    """The answers by method and path.

    Args:
        storage_url: of the S3 Compatibility API.
        gateway_url: of the API gateway and of the identity provider's keys.
    """
    return {
        **_function(storage_url),
        **network_answers(COMPARTMENT),
        **_secret(),
        **_iam(),
        **_users(),
        **_object_storage(),
        **_events(),
        **_gateway(gateway_url),
        **_logs(),
    }


def _function(storage_url: str) -> dict[str, Document]:
    """OCI Functions: the function and its application."""
    config = {
        "NAMESPACE": NAMESPACE,
        "DEFAULT_BUCKET": BUCKET,
        "STORAGE_ENDPOINT": storage_url,
        "POLICY": json.dumps({"rules": RULES}),
        "CLAIMS_KEY": CLAIMS_KEY,
        "SECRET_OCID": SECRET,
        "DELIVER_TO": QUEUE,
    }
    function = {
        "id": FUNCTION,
        "displayName": "presign",
        "applicationId": APPLICATION,
        "compartmentId": COMPARTMENT,
        "lifecycleState": "ACTIVE",
        "memoryInMBs": 256,
        "timeoutInSeconds": 30,
        "config": config,
        "invokeEndpoint": "https://functions.example",
        "sourceDetails": {"sourceType": "ARCHIVE", "handler": "func.handler", "sourceCodeSha256": "0f" * 32},
        "timeUpdated": ago(days=1),
    }
    return {
        f"GET /20260325/functions/{FUNCTION}": function,
        f"GET /20260325/applications/{APPLICATION}": {
            "id": APPLICATION,
            "displayName": "presign",
            "compartmentId": COMPARTMENT,
            "lifecycleState": "ACTIVE",
            "config": {},
            "subnetIds": [FUNCTION_SUBNET],
            "networkSecurityGroupIds": [],
        },
    }


def _secret() -> dict[str, Document]:
    """Vault: the secret, and its content."""
    return {
        f"GET /20180608/secrets/{SECRET}": {
            "id": SECRET,
            "secretName": "presign-key",
            "compartmentId": COMPARTMENT,
            "lifecycleState": "ACTIVE",
            "currentVersionNumber": 1,
            "timeCreated": ago(days=1),
        },
        f"GET /20190301/secretbundles/{SECRET}": secret_bundle(
            json.dumps({"access_key_id": ACCESS_KEY_ID, "secret_access_key": SECRET_ACCESS_KEY})
        ),
    }


def _iam() -> dict[str, Document]:
    """IAM: the compartment, the dynamic group, the statements, the domain, and the regions."""
    return {
        f"GET /20160918/compartments/{COMPARTMENT}": {"id": COMPARTMENT, "name": "files", "compartmentId": TENANCY},
        "GET /20160918/dynamicGroups": [
            {
                "id": DYNAMIC_GROUP,
                "compartmentId": TENANCY,
                "name": "presign-function",
                "matchingRule": statements.dynamic_group_rule(FUNCTION),
                "lifecycleState": "ACTIVE",
            }
        ],
        "GET /20160918/policies": of_compartment([policy(stack_statements())]),
        "GET /20160918/domains": of_compartment(
            [{"compartmentId": TENANCY, "displayName": "Default", "type": "DEFAULT"}]
        ),
        f"GET /20160918/tenancies/{TENANCY}/regionSubscriptions": [
            {"regionKey": "IAD", "regionName": HOME_REGION, "status": "READY", "isHomeRegion": True},
            {"regionKey": "FRA", "regionName": REGION, "status": "READY", "isHomeRegion": False},
        ],
    }


def _users() -> dict[str, Document]:
    """IAM: the operator, and the signing user with its group and its key."""
    users = [
        {"id": USER, "name": "operator", "compartmentId": TENANCY, "lifecycleState": "ACTIVE"},
        {"id": SIGNER, "name": "presign-signer", "compartmentId": TENANCY, "lifecycleState": "ACTIVE"},
    ]
    key = {
        "id": ACCESS_KEY_ID,
        "displayName": "presign",
        "userId": SIGNER,
        "lifecycleState": "ACTIVE",
        "timeCreated": ago(days=1),
        "timeExpires": None,
    }
    return {
        "GET /20160918/users": users,
        f"GET /20160918/users/{USER}/customerSecretKeys": [],
        f"GET /20160918/users/{SIGNER}/customerSecretKeys": [key],
        "GET /20160918/userGroupMemberships": [
            {"id": "ocid1.groupmembership.oc1..a", "compartmentId": TENANCY, "groupId": GROUP, "userId": SIGNER}
        ],
        f"GET /20160918/groups/{GROUP}": {"id": GROUP, "name": "presign-signers", "compartmentId": TENANCY},
        f"GET /20160918/users/{USER}": users[0],
        f"GET /20160918/users/{SIGNER}": users[1],
    }


def _object_storage() -> dict[str, Document]:
    """Object Storage: the namespace and the bucket."""
    bucket = {
        "namespace": NAMESPACE,
        "name": BUCKET,
        "compartmentId": COMPARTMENT,
        "timeCreated": ago(days=1),
        "objectEventsEnabled": True,
        "versioning": "Enabled",
        "publicAccessType": "NoPublicAccess",
    }
    lifecycle_rule = {
        "name": "unfinished-uploads",
        "action": "ABORT",
        "target": "multipart-uploads",
        "isEnabled": True,
        "timeAmount": 7,
        "timeUnit": "DAYS",
    }
    return {
        "GET /n": NAMESPACE,
        f"GET /n/{NAMESPACE}/b": [bucket],
        f"GET /n/{NAMESPACE}/b/{BUCKET}": bucket,
        f"GET /n/{NAMESPACE}/b/{BUCKET}/p": [],
        f"GET /n/{NAMESPACE}/b/{BUCKET}/l": {"timeCreated": ago(days=1), "items": [lifecycle_rule]},
    }


def _events() -> dict[str, Document]:
    """Events, and the receivers of the function's answers to them."""
    events_rule = {
        "id": EVENTS_RULE,
        "displayName": "presign-events",
        "compartmentId": COMPARTMENT,
        "lifecycleState": "ACTIVE",
        "isEnabled": True,
        "condition": "{}",
        "timeCreated": ago(days=1),
    }
    action = {"id": "a", "actionType": "FAAS", "functionId": FUNCTION, "isEnabled": True, "lifecycleState": "ACTIVE"}
    return {
        f"GET /20210201/queues/{QUEUE}": {"id": QUEUE, "compartmentId": COMPARTMENT, "lifecycleState": "ACTIVE"},
        f"GET /20181201/topics/{TOPIC}": {"topicId": TOPIC, "compartmentId": COMPARTMENT, "lifecycleState": "ACTIVE"},
        "GET /20181201/rules": of_compartment([events_rule]),
        f"GET /20181201/rules/{EVENTS_RULE}": {**events_rule, "actions": {"actions": [action]}},
    }


def _gateway(gateway_url: str) -> dict[str, Document]:
    """API Gateway: the deployment and its gateway."""
    deployment = {
        "id": DEPLOYMENT,
        "gatewayId": GATEWAY,
        "compartmentId": COMPARTMENT,
        "displayName": "presign",
        "pathPrefix": "/presigner",
        "endpoint": f"{gateway_url}/presigner",
        "lifecycleState": "ACTIVE",
        "specification": fill(json.loads(TEMPLATE.read_text("utf-8")), placeholders(gateway_url)),
    }
    summary = {name: value for name, value in deployment.items() if name != "specification"}
    gateway = {
        "id": GATEWAY,
        "displayName": "presign",
        "compartmentId": COMPARTMENT,
        "endpointType": "PUBLIC",
        "subnetId": GATEWAY_SUBNET,
        "networkSecurityGroupIds": [],
        "hostname": "gateway.example",
        "lifecycleState": "ACTIVE",
    }
    return {
        "GET /20190501/deployments": {"items": [summary]},
        f"GET /20190501/deployments/{DEPLOYMENT}": deployment,
        f"GET /20190501/gateways/{GATEWAY}": gateway,
    }


def _logs() -> dict[str, Document]:
    """Logging: the logs of the function and of the gateway, in which nothing is found."""
    logs = {
        (APPLICATION, "invoke"): "functions",
        (DEPLOYMENT, "access"): "apigateway",
        (DEPLOYMENT, "execution"): "apigateway",
    }
    return {
        "GET /20200531/logGroups": of_compartment(
            [{"id": LOG_GROUP, "compartmentId": COMPARTMENT, "displayName": "presign", "lifecycleState": "ACTIVE"}]
        ),
        f"GET /20200531/logGroups/{LOG_GROUP}/logs": [
            _log(number, resource, category, service)
            for number, ((resource, category), service) in enumerate(logs.items())
        ],
        "POST /20190909/search": {"results": [], "fields": [], "summary": {"resultCount": 0, "fieldCount": 0}},
    }


def placeholders(gateway_url: str) -> dict[str, list[str]]:
    """The values that fill the placeholders of the API deployment."""
    return {
        "FUNCTION_OCID": [FUNCTION],
        "ISSUER": [ISSUER],
        "AUDIENCE": ["https://presign.example.com/"],
        "JWKS_URI": [f"{gateway_url}{JWKS_PATH}"],
        "ALLOWED_ORIGINS": ["https://app.example.com"],
        "CLAIMS_KEY": [CLAIMS_KEY],
    }


def stack_statements() -> list[str]:
    """The statements that the stack makes."""
    of_function = {"dynamic_group": f"id {DYNAMIC_GROUP}", "compartment": f"id {COMPARTMENT}"}
    of_signer = {"group": f"id {GROUP}", "compartment": f"id {COMPARTMENT}", "buckets": [BUCKET]}
    reading = statements.permissions_of(["get_object", "put_object"], via="par")
    return [
        statements.signer_may_find_buckets(**of_signer),  # type: ignore[arg-type]
        statements.signer_may_use_objects(**of_signer, permissions=statements.permissions_of(["*"])),  # type: ignore[arg-type]
        statements.function_may_read_secret(
            dynamic_group=f"id {DYNAMIC_GROUP}", location=f"compartment id {COMPARTMENT}", secret_ocid=SECRET
        ),
        statements.function_may_manage_pars(**of_function, buckets=[BUCKET]),
        statements.function_may_use_objects(**of_function, buckets=[BUCKET], permissions=reading),
        statements.function_may_find_queue(**of_function, queue_ocid=QUEUE),
        statements.function_may_put_messages(**of_function, queue_ocid=QUEUE),
        statements.gateway_may_call_function(compartment=f"id {COMPARTMENT}", gateway_compartment_ocid=COMPARTMENT),
        statements.object_storage_may_apply_lifecycle(region=REGION, compartment=f"id {COMPARTMENT}", buckets=[BUCKET]),
    ]


def policy(listed: list[str]) -> dict[str, Any]:
    """The IAM policy with these statements."""
    policy = {"id": "ocid1.policy.oc1..presign", "compartmentId": TENANCY, "name": "presign", "description": "-"}
    return {**policy, "lifecycleState": "ACTIVE", "statements": listed}


def secret_bundle(content: str) -> dict[str, Any]:
    """The current version of the secret, with this content."""
    return {
        "secretId": SECRET,
        "versionNumber": 1,
        "timeCreated": ago(days=1),
        "stages": ["CURRENT", "LATEST"],
        "secretBundleContent": {"contentType": "BASE64", "content": base64.b64encode(content.encode()).decode()},
    }


def _log(number: int, resource: str, category: str, service: str) -> dict[str, Any]:
    source = {"sourceType": "OCISERVICE", "service": service, "resource": resource, "category": category}
    return {
        "id": LOG if number == 0 else f"{LOG}{number}",
        "logGroupId": LOG_GROUP,
        "displayName": category,
        "isEnabled": True,
        "lifecycleState": "ACTIVE",
        "logType": "SERVICE",
        "configuration": {"compartmentId": COMPARTMENT, "source": source},
    }
