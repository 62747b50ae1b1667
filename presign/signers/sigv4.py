"""Presigned URLs by Signature Version 4, with the signature in the query string.

The names are those of the specification: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters
(AWS Signature Version 4)". Everything here is a pure function of its arguments, but for what `SigV4Signer` keeps.
"""

from __future__ import annotations

import hmac
import json
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from urllib.parse import quote

from presign.credentials import CustomerSecretKey
from presign.endpoint import StorageEndpoint
from presign.model import MAX_EXPIRES_IN, FormRequest, ObjectRequest

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"


def uri_encode(text: str) -> str:
    """`text` in UTF-8 with every byte but the unreserved characters of RFC 3986 percent-encoded."""
    return quote(text, safe="")


def encoded_parameters(parameters: Iterable[tuple[str, str]]) -> list[str]:
    """Each query parameter as `name=value`, both encoded."""
    return [f"{uri_encode(name)}={uri_encode(value)}" for name, value in parameters]


def canonical_headers(headers: Mapping[str, str]) -> tuple[str, str]:
    """The canonical headers, one a line, and the list of their names that goes into `X-Amz-SignedHeaders`."""
    canonical = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    return "".join(f"{name}:{value}\n" for name, value in canonical), ";".join(name for name, _ in canonical)


def canonical_request(*, method: str, uri: str, query: str, headers: str, signed_headers: str) -> str:
    """The canonical request, of parts that are canonical already; the payload is not signed."""
    return f"{method}\n{uri}\n{query}\n{headers}\n{signed_headers}\n{UNSIGNED_PAYLOAD}"


def credential_scope(*, date: str, region: str) -> str:
    """What a signing key is good for: one `date` (YYYYMMDD), one region, and S3."""
    return f"{date}/{region}/s3/aws4_request"


def string_to_sign(*, timestamp: str, scope: str, request: str) -> str:
    """The string to sign for a canonical request at `timestamp` (YYYYMMDDTHHMMSSZ)."""
    return f"{ALGORITHM}\n{timestamp}\n{scope}\n{sha256(request.encode()).hexdigest()}"


def signing_key(*, secret_access_key: str, scope: str) -> bytes:
    """The key for everything signed within the credential scope."""
    key = b"AWS4" + secret_access_key.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def policy_document(request: FormRequest, *, expires_at: int, authentication: Mapping[str, str]) -> str:
    """The POST policy that allows the form of `request`, and nothing else, until `expires_at` (seconds)."""
    conditions: list[object] = [{name: value} for name, value in request.fields.items()]
    if request.content_length_range:
        conditions.append(["content-length-range", *request.content_length_range])
    conditions += [{"bucket": request.bucket}, {"key": request.key}]
    conditions += [{name: value} for name, value in authentication.items()]
    expiration = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires_at))
    return json.dumps({"expiration": expiration, "conditions": conditions})


class SigV4Signer:
    """Signs for one endpoint and region; the signing key of the day and the text of the second are kept.

    May be used by several threads: what is kept is replaced as a whole.

    Args:
        endpoint: where the URLs lead.
        region: the region identifier, which becomes part of the credential scope.
    """

    def __init__(self, *, endpoint: StorageEndpoint, region: str) -> None:
        self._endpoint = endpoint
        self._region = region
        self._second = (-1, "")
        self._day: tuple[CustomerSecretKey | None, str, str, str, bytes] = (None, "", "", "", b"")

    def presign(self, request: ObjectRequest, *, key: CustomerSecretKey, now: int) -> str:
        """The presigned URL of `request`.

        Args:
            request: what is allowed; `Host` and each of its headers are signed.
            key: the customer secret key.
            now: seconds since the epoch.

        Raises:
            ValueError: `request.expires_in` is not 1 to 604,800 seconds.
        """
        _check_expiry(request.expires_in)
        timestamp = self._timestamp(now)
        scope, credential, day_key = self._signing_material(key, timestamp[:8])
        host = self._endpoint.host(request.bucket)
        uri = self._endpoint.path(request.bucket, request.key)
        headers, signed_headers = canonical_headers({**request.headers, "host": host})
        authentication = (
            f"X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={credential}&X-Amz-Date={timestamp}"
            f"&X-Amz-Expires={request.expires_in}&X-Amz-SignedHeaders={uri_encode(signed_headers)}"
        )
        query = canonical_query = authentication
        if request.query:
            parameters = encoded_parameters(request.query)
            query = "&".join([*parameters, authentication])
            canonical_query = "&".join(sorted([*parameters, *authentication.split("&")]))
        to_sign = string_to_sign(
            timestamp=timestamp,
            scope=scope,
            request=canonical_request(
                method=request.method, uri=uri, query=canonical_query, headers=headers, signed_headers=signed_headers
            ),
        )
        signature = hmac.digest(day_key, to_sign.encode(), "sha256").hex()
        return f"{self._endpoint.scheme}://{host}{uri}?{query}&X-Amz-Signature={signature}"

    def presign_form(self, request: FormRequest, *, key: CustomerSecretKey, now: int) -> tuple[str, dict[str, str]]:
        """The URL that the form of `request` is sent to, and all fields that it must hold before the file.

        The specification is "Authenticating Requests: Browser-Based Uploads Using POST" of the same reference.

        Args:
            request: what is allowed.
            key: the customer secret key.
            now: seconds since the epoch.

        Raises:
            ValueError: `request.expires_in` is not 1 to 604,800 seconds.
        """
        _check_expiry(request.expires_in)
        timestamp = self._timestamp(now)
        scope, _, day_key = self._signing_material(key, timestamp[:8])
        authentication = {
            "x-amz-algorithm": ALGORITHM,
            "x-amz-credential": f"{key.access_key_id}/{scope}",
            "x-amz-date": timestamp,
        }
        document = policy_document(request, expires_at=now + request.expires_in, authentication=authentication)
        policy = b64encode(document.encode()).decode()
        signature = hmac.digest(day_key, policy.encode(), "sha256").hex()
        fields = {
            **request.fields,
            "key": request.key,
            **authentication,
            "policy": policy,
            "x-amz-signature": signature,
        }
        return self._endpoint.bucket_url(request.bucket), fields

    def _timestamp(self, now: int) -> str:
        second, timestamp = self._second
        if second != now:
            timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
            self._second = (now, timestamp)
        return timestamp

    def _signing_material(self, key: CustomerSecretKey, date: str) -> tuple[str, str, bytes]:
        """The credential scope, the encoded credential and the signing key of `date`, derived when one changes."""
        kept_key, kept_date, scope, credential, day_key = self._day
        if key != kept_key or date != kept_date:
            scope = credential_scope(date=date, region=self._region)
            credential = uri_encode(f"{key.access_key_id}/{scope}")
            day_key = signing_key(secret_access_key=key.secret_access_key, scope=scope)
            self._day = (key, date, scope, credential, day_key)
        return scope, credential, day_key


def _check_expiry(expires_in: int) -> None:
    if not 1 <= expires_in <= MAX_EXPIRES_IN:
        raise ValueError(f"expires_in must be 1 to {MAX_EXPIRES_IN} seconds, not {expires_in}")
