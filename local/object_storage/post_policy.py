"""Verifies the POST policies of forms as S3 does.

Amazon S3 API Reference, "POST Policy" and "Authenticating Requests in Browser-Based Uploads Using POST". botocore's
signer computes the signature of the form's policy anew.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.auth import S3SigV4PostAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.api import ApiError
from local.object_storage.presigned import ALGORITHM, MAX_CLOCK_SKEW

_REQUIRED = ("key", "policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature")
_NEEDS_NO_CONDITION = frozenset({"policy", "x-amz-signature"})
_SIGNING_KEY_LIFETIME = timedelta(days=7)


def verify(
    fields: Mapping[str, str], *, bucket: str, size: int, keys: Mapping[str, str], region: str, now: datetime
) -> None:
    """Return if one of the keys signed the policy in a form, and the policy has not expired and allows the form.

    Args:
        fields: of the form, names in lower case, without the file.
        bucket: that the form was posted to.
        size: of the file, in bytes.
        keys: secret access keys by access key id.
        region: the one that the policy must be signed for.
        now: the time in UTC.

    Raises:
        ApiError: the policy is not valid, or does not allow the form.
    """
    if "policy" not in fields:
        raise ApiError(403, "AccessDenied", "Access Denied")
    for name in _REQUIRED:
        if name not in fields:
            message = f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order."
            raise _invalid_argument(name, "", message)
    _check_signature(fields, keys, region, now)
    policy = _decode(fields["policy"])
    if now >= _expiration(policy):
        raise _denied("Policy expired.")
    _check_conditions(policy["conditions"], {**fields, "bucket": bucket}, size)


def _check_signature(fields: Mapping[str, str], keys: Mapping[str, str], region: str, now: datetime) -> None:
    if fields["x-amz-algorithm"] != ALGORITHM:
        raise _invalid_argument("x-amz-algorithm", fields["x-amz-algorithm"], f"Only {ALGORITHM} is supported.")
    date = fields["x-amz-date"]
    try:
        signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _invalid_argument("x-amz-date", date, "x-amz-date must look like 20260101T000000Z.") from None
    access_key_id, _, scope = fields["x-amz-credential"].partition("/")
    expected_scope = f"{date[:8]}/{region}/s3/aws4_request"
    if scope != expected_scope:
        message = f"The scope of the credential must be {expected_scope}."
        raise _invalid_argument("x-amz-credential", fields["x-amz-credential"], message)
    if not signed_at - MAX_CLOCK_SKEW <= now < signed_at + _SIGNING_KEY_LIFETIME:
        raise ApiError(403, "AccessDenied", "The x-amz-date is not within the last seven days.")
    if access_key_id not in keys:
        raise ApiError(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
    request = AWSRequest()
    request.context["timestamp"] = date
    signer = S3SigV4PostAuth(Credentials(access_key_id, keys[access_key_id]), "s3", region)
    expected = signer.signature(fields["policy"], request)
    if not hmac.compare_digest(expected.encode(), fields["x-amz-signature"].encode()):
        message = "The request signature we calculated does not match the signature you provided."
        raise ApiError(403, "SignatureDoesNotMatch", message)


def _decode(policy: str) -> dict[str, Any]:
    try:
        document = json.loads(base64.b64decode(policy, validate=True))
    except (binascii.Error, ValueError):
        raise _invalid_policy("Invalid JSON.") from None
    if not isinstance(document, dict) or not isinstance(document.get("conditions"), list):
        raise _invalid_policy("Policy missing conditions.")
    return document


def _expiration(policy: Mapping[str, Any]) -> datetime:
    text = policy.get("expiration")
    try:
        if not (isinstance(text, str) and text.endswith("Z")):
            raise ValueError
        return datetime.fromisoformat(text)
    except ValueError:
        raise _invalid_policy(f"Invalid 'expiration' value: '{text}'") from None


def _check_conditions(conditions: list[Any], values: Mapping[str, str], size: int) -> None:
    covered = set(_NEEDS_NO_CONDITION)
    for condition in conditions:
        match condition:
            case ["content-length-range", int(minimum), int(maximum)]:
                _check_size(size, minimum, maximum)
            case ["eq" | "starts-with" as operator, str(name), str(wanted)] if name.startswith("$"):
                covered.add(_check_value(operator, name[1:], wanted, values))
            case dict() if all(isinstance(wanted, str) for wanted in condition.values()):
                for name, wanted in condition.items():
                    covered.add(_check_value("eq", name, wanted, values))
            case _:
                raise _invalid_policy(f"Invalid condition: {json.dumps(condition)}")
    extra = [name for name in values if name not in covered and not name.startswith("x-ignore-")]
    if extra:
        raise _denied(f"Extra input fields: {', '.join(sorted(extra))}")


def _check_value(operator: str, name: str, wanted: str, values: Mapping[str, str]) -> str:
    """The name of the field that a condition is about.

    Raises:
        ApiError: the field does not meet the condition.
    """
    field = name.lower()
    value = values.get(field)
    if value is None:
        met = False
    elif operator == "eq":
        met = value == wanted
    elif field == "content-type":  # may be a list; each type must meet the condition
        met = all(one.strip().startswith(wanted) for one in value.split(","))
    else:
        met = value.startswith(wanted)
    if not met:
        raise _denied(f"Policy Condition failed: {json.dumps([operator, f'${name}', wanted])}")
    return field


def _check_size(size: int, minimum: int, maximum: int) -> None:
    if size > maximum:
        message = "Your proposed upload exceeds the maximum allowed size"
        raise ApiError(400, "EntityTooLarge", message, ProposedSize=str(size), MaxSizeAllowed=str(maximum))
    if size < minimum:
        message = "Your proposed upload is smaller than the minimum allowed size"
        raise ApiError(400, "EntityTooSmall", message, ProposedSize=str(size), MinSizeAllowed=str(minimum))


def _denied(reason: str) -> ApiError:
    return ApiError(403, "AccessDenied", f"Invalid according to Policy: {reason}")


def _invalid_policy(reason: str) -> ApiError:
    return ApiError(400, "InvalidPolicyDocument", f"Invalid Policy: {reason}")


def _invalid_argument(name: str, value: str, message: str) -> ApiError:
    return ApiError(400, "InvalidArgument", message, ArgumentName=name, ArgumentValue=value)
