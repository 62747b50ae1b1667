"""Verifies presigned URLs as S3 does (Signature Version 4).

The request is decoded and encoded again before botocore's signer computes the signature anew. So clients may encode
more or fewer characters of a URL than its signer did, as long as the URL stays equivalent.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.api import ApiError
from local.object_storage.s3_target import decoded_path, decoded_query

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_EXPIRES_SECONDS = 604_800
MAX_CLOCK_SKEW = timedelta(minutes=15)

_REQUIRED = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders")
_SIGNATURE = "X-Amz-Signature"


def verify(
    *,
    method: str,
    target: str,
    headers: Sequence[tuple[str, str]],
    keys: Mapping[str, str],
    region: str,
    now: datetime,
) -> None:
    """Return if the URL was signed for this request with one of the keys and has not expired.

    Args:
        method, target, headers: as received.
        keys: secret access keys by access key id.
        region: the one that the URL must be signed for.
        now: the time in UTC.

    Raises:
        ApiError: the URL is not valid for this request.
    """
    path, _, query = target.partition("?")
    pairs = decoded_query(query)
    parameters = _parameters(pairs, headers)
    signed_at = _moment(parameters["X-Amz-Date"])
    access_key_id = _check_credential(parameters["X-Amz-Credential"], signed_at, region)
    _check_time(parameters["X-Amz-Expires"], signed_at, now)
    if access_key_id not in keys:
        raise ApiError(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")

    signed = _signed_headers(parameters["X-Amz-SignedHeaders"].split(";"), headers)
    signed_query = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in pairs if name != _SIGNATURE)
    url = f"http://{signed['host']}{_encoded(decoded_path(path), safe='/')}?{signed_query}"
    request = AWSRequest(method=method, url=url, headers=signed)
    request.context["timestamp"] = parameters["X-Amz-Date"]
    signer = S3SigV4QueryAuth(Credentials(access_key_id, keys[access_key_id]), "s3", region)
    expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    if not hmac.compare_digest(expected.encode(), parameters[_SIGNATURE].encode()):
        raise _does_not_match()


def _parameters(pairs: Sequence[tuple[str, str]], headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The parameters of a query, among them those that authenticate the request."""
    parameters = dict(pairs)
    if _SIGNATURE not in parameters:
        raise ApiError(403, "AccessDenied", "Access Denied")
    if any(name.lower() == "authorization" for name, _ in headers):
        message = (
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
            "parameter or the Authorization header should be specified"
        )
        raise ApiError(400, "InvalidArgument", message, ArgumentName="Authorization")
    missing = [name for name in _REQUIRED if name not in parameters]
    if missing or len(parameters) != len(pairs) or parameters["X-Amz-Algorithm"] != ALGORITHM:
        raise _malformed(f"Query-string authentication version 4 requires the {', '.join(_REQUIRED)} parameters.")
    return parameters


def _signed_headers(signed: Sequence[str], headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The values of the headers that a URL's signature covers. It must cover the host and every `x-amz-` header."""
    received: dict[str, str] = {}
    for name, value in headers:
        name = name.lower()
        received[name] = f"{received[name]},{value}" if name in received else value
    not_signed = [name for name in received if name.startswith("x-amz-") and name not in signed]
    if not_signed:
        message = "There were headers present in the request which were not signed"
        raise ApiError(403, "AccessDenied", message, HeadersNotSigned=", ".join(sorted(not_signed)))
    if "host" not in signed or not received.keys() >= set(signed):
        raise _does_not_match()
    return {name: received[name] for name in signed}


def _encoded(text: str, safe: str = "") -> str:
    return quote(text, safe=f"{safe}-_.~")


def _check_credential(credential: str, signed_at: datetime, region: str) -> str:
    """The access key id of a credential whose scope is right."""
    parts = credential.split("/")
    if len(parts) != 5:
        raise _malformed(
            'Error parsing the X-Amz-Credential parameter; expecting "<key>/<date>/<region>/s3/aws4_request".'
        )
    access_key_id, date, given_region, service, terminator = parts
    if date != f"{signed_at:%Y%m%d}" or given_region != region or (service, terminator) != ("s3", "aws4_request"):
        raise _malformed(
            f"Error parsing the X-Amz-Credential parameter; the scope must be that of the date, {region}, s3."
        )
    return access_key_id


def _check_time(expires: str, signed_at: datetime, now: datetime) -> None:
    if not (expires.isascii() and expires.isdigit()):
        raise _malformed("X-Amz-Expires should be a number")
    if not 1 <= int(expires) <= MAX_EXPIRES_SECONDS:
        raise _malformed("X-Amz-Expires must be between 1 and 604800 seconds")
    if now < signed_at - MAX_CLOCK_SKEW:
        raise ApiError(403, "AccessDenied", "Request is not valid yet")
    expires_at = signed_at + timedelta(seconds=int(expires))
    if now >= expires_at:
        raise ApiError(
            403,
            "AccessDenied",
            "Request has expired",
            **{"X-Amz-Expires": expires, "Expires": _iso(expires_at), "ServerTime": _iso(now)},
        )


def _moment(timestamp: str) -> datetime:
    try:
        return datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"") from None


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _malformed(message: str) -> ApiError:
    return ApiError(400, "AuthorizationQueryParametersError", message)


def _does_not_match() -> ApiError:
    message = "The request signature we calculated does not match the signature you provided."
    return ApiError(403, "SignatureDoesNotMatch", message)
