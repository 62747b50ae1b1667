"""Presigned URLs by Signature Version 4, with the signature in the query string.

The names are those of the specification: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters
(AWS Signature Version 4)". All is pure functions of their arguments, but for the values that `SigV4Issuer` keeps.
"""

import hmac
import json
import time
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Self

from presign.issue.answer import answer
from presign.issue.endpoint import StorageEndpoint
from presign.issue.uri import uri_encode
from presign.issue.validity import validity
from presign.model.operation import MAX_EXPIRES_IN
from presign.model.operations.form import PostObject
from presign.model.outcomes import Grant, PresignedUrl
from presign.model.times import rfc3339
from presign.services.key import CustomerSecretKey

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"


def canonical_headers(headers: Mapping[str, str]) -> tuple[str, str]:
    """The canonical headers, one a line, and the list of their names that goes into `X-Amz-SignedHeaders`."""
    canonical = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    return "".join(f"{name}:{value}\n" for name, value in canonical), ";".join(name for name, _ in canonical)


def canonical_request(*, method: str, uri: str, query: str, headers: str, signed_headers: str) -> str:
    """The canonical request, of parts that are canonical already; the payload is not signed."""
    return f"{method}\n{uri}\n{query}\n{headers}\n{signed_headers}\n{UNSIGNED_PAYLOAD}"


def timestamp(now: int) -> str:
    """The moment `now` (seconds since the epoch) as `X-Amz-Date` has it."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))


def credential_scope(*, date: str, region: str) -> str:
    """The scope of a signing key: one `date` (YYYYMMDD), one region, and S3."""
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


def policy_document(form: PostObject, *, bucket: str, expires_at: int, authentication: Mapping[str, str]) -> str:
    """The POST policy that allows `form` until `expires_at` (seconds since the epoch), and nothing else.

    It is signed with the form and lists the conditions that the form must meet ("Browser-Based Uploads Using POST").
    The fields of `authentication` say who has signed, and when.
    """
    named = {"bucket": bucket, "key": form.key, **authentication}
    conditions = [*form.conditions(), *({name: value} for name, value in named.items())]
    return json.dumps({"expiration": rfc3339(expires_at), "conditions": conditions})


class SigningKey:
    """Signs under one key of at most 64 bytes with HMAC-SHA-256 (RFC 2104), both hashes having taken it in already.

    A copy of the standard library's HMAC would make a batch a tenth slower.
    """

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def sign(self, text: str) -> str:
        """The signature of `text`, in hexadecimal."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text.encode())
        outer.update(inner.digest())
        return outer.hexdigest()


class Signing:
    """The parts that all URLs signed with one customer secret key in one second share.

    The signing key of `earlier`, of a second before, is taken over if it still holds.

    Attributes:
        timestamp: `now` (seconds since the epoch) as YYYYMMDDTHHMMSSZ.
        credential: the access key id and the scope.
        authentication: the query parameters that say so, up to the value of `X-Amz-Expires`.
    """

    def __init__(self, *, key: CustomerSecretKey, now: int, region: str, earlier: Self | None = None) -> None:
        self.key = key
        self.now = now
        self.timestamp = timestamp(now)
        self.scope = credential_scope(date=self.timestamp[:8], region=region)
        self.credential = f"{key.access_key_id}/{self.scope}"
        if earlier is None or earlier.key != key or earlier.scope != self.scope:
            self.signing_key = SigningKey(signing_key(secret_access_key=key.secret_access_key, scope=self.scope))
        else:
            self.signing_key = earlier.signing_key
        self.authentication = (
            f"X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={uri_encode(self.credential)}&X-Amz-Date={self.timestamp}"
            "&X-Amz-Expires="
        )


class SigV4Issuer:
    """Signs for one endpoint and region; the signing key of the day and the text of the second are kept.

    May be used by several threads: a kept value is replaced as a whole.
    """

    def __init__(self, *, endpoint: StorageEndpoint, region: str) -> None:
        self._endpoint = endpoint
        self._region = region
        self._signing: Signing | None = None

    def issue(self, grant: Grant, *, key: CustomerSecretKey, now: int) -> PresignedUrl:
        """The presigned URL of `grant`, or its form; `Host` and each of the request's headers are signed.

        Raises:
            ValueError: the grant is not for 1 to 604,800 seconds.
        """
        signed_at, expires_at = validity(grant, key=key, now=now)
        if not 1 <= expires_at - signed_at <= MAX_EXPIRES_IN:
            raise ValueError(f"expires_in must be 1 to {MAX_EXPIRES_IN} seconds, not {expires_at - signed_at}")
        signing = self._signing_at(signed_at, key)
        operation = grant.request.operation
        if type(operation) is PostObject:
            return self._form(grant, operation, signing, now, expires_at)
        return self._url(grant, signing, now, expires_at)

    def _url(self, grant: Grant, signing: Signing, now: int, expires_at: int) -> PresignedUrl:
        operation, bucket = grant.request.operation, grant.request.bucket
        host = self._endpoint.host(bucket)
        uri = self._endpoint.path(bucket, operation.target if operation.is_on_object else None)
        request_headers, parameters = operation.headers(), operation.query()
        headers, signed_headers, encoded_names = f"host:{host}\n", "host", "host"
        if request_headers:
            headers, signed_headers = canonical_headers({**request_headers, "host": host})
            encoded_names = uri_encode(signed_headers)
        seconds = expires_at - signing.now
        query = canonical_query = f"{signing.authentication}{seconds}&X-Amz-SignedHeaders={encoded_names}"
        if parameters:
            encoded = [f"{uri_encode(name)}={uri_encode(value)}" for name, value in parameters]
            # The names of S3's parameters begin with a small letter, so they come after X-Amz-SignedHeaders.
            canonical_query = "&".join([query, *sorted(encoded)])
            query = "&".join([*encoded, query])
        request = canonical_request(
            method=operation.method, uri=uri, query=canonical_query, headers=headers, signed_headers=signed_headers
        )
        to_sign = string_to_sign(timestamp=signing.timestamp, scope=signing.scope, request=request)
        origin = self._endpoint.origin(bucket, by_route=bool(operation.cors))
        url = f"{origin}{uri}?{query}&X-Amz-Signature={signing.signing_key.sign(to_sign)}"
        return answer(grant, url=url, now=now, expires_at=expires_at, headers=request_headers)

    def _form(self, grant: Grant, form: PostObject, signing: Signing, now: int, expires_at: int) -> PresignedUrl:
        authentication = {
            "x-amz-algorithm": ALGORITHM,
            "x-amz-credential": signing.credential,
            "x-amz-date": signing.timestamp,
        }
        bucket = grant.request.bucket
        document = policy_document(form, bucket=bucket, expires_at=expires_at, authentication=authentication)
        policy = b64encode(document.encode()).decode()
        signed = {"policy": policy, "x-amz-signature": signing.signing_key.sign(policy)}
        fields = {**form.fields(), "key": form.key, **authentication, **signed}
        url = self._endpoint.bucket_url(bucket)
        return answer(grant, url=url, now=now, expires_at=expires_at, fields=fields)

    def _signing_at(self, now: int, key: CustomerSecretKey) -> Signing:
        signing = self._signing
        if signing is None or signing.now != now or signing.key is not key:
            signing = self._signing = Signing(key=key, now=now, region=self._region, earlier=signing)
        return signing
