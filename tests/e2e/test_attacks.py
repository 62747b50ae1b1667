"""Attacks on the whole system: each has a name, and fails, by the store's own URLs and by those of the store route."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import msgspec
import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from local.identity.identity_provider import AUDIENCE, ISSUER, IdentityProvider
from local.server import Server
from local.stack import BUCKET
from presign.model.operations import OPERATIONS
from support.systems import Running

POLICY = {
    "rules": [
        {"operations": ["*"], "bucket": BUCKET, "prefix": "users/{sub}/", "callers": ["gateway"]},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "admin/", "when": {"groups": ["admin"]}},
        {"operations": ["read"], "bucket": BUCKET, "prefix": "public/"},
        {"operations": ["*"], "bucket": BUCKET, "prefix": "", "callers": ["invoke"]},
    ]
}
BOBS = "users/bob/secret"
ADMINS = "admin/secret"
SECRET = b"nobody but its owner may read this"

Forge = Callable[[IdentityProvider, dict[str, Any]], str]


class Routed(Running):
    """A running system that is asked for URLs by the store route."""

    def ask(self, *, claims: Mapping[str, Any] | None = None, **request: Any) -> requests.Response:
        """Send a request for a URL with `cors`."""
        response = super().ask(claims=claims, **{"cors": True, **request})
        if response.status_code == 200 and "fields" not in response.json():
            assert response.json()["url"].startswith(f"{self.stack.url}/store/{BUCKET}/")
        return response


@pytest.fixture(scope="module", params=[Running, Routed])
def guarded(request: pytest.FixtureRequest, start: Callable[..., Running]) -> Iterator[Running]:
    """A system where everyone has a place of their own, and administrators one more."""
    running: Running = request.param(*start({"POLICY": json.dumps(POLICY)}))
    for key in (BOBS, ADMINS):
        running.stack.storage.put_object(BUCKET, key, SECRET)
    yield running
    # After all attacks, every object of the others is as it was.
    for key in (BOBS, ADMINS):
        _, answer = running.invoke(key=key)
        assert requests.get(answer["url"], timeout=10).content == SECRET


def code(response: requests.Response) -> str:
    """The code of a refusal by the function."""
    assert response.headers["Content-Type"] == "application/problem+json"
    return str(response.json()["code"])


def send(running: Running, headers: list[tuple[str, str]], body: Any) -> tuple[int, Any]:
    """Send a request with exactly these headers, in any case and as often as they stand there."""
    content = json.dumps({**body, "cors": isinstance(running, Routed)}).encode()
    connection = HTTPConnection(running.stack.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/v1/presign")
    for name, value in [("Content-Type", "application/json"), ("Content-Length", str(len(content))), *headers]:
        connection.putheader(name, value)
    connection.endheaders(content)
    response = connection.getresponse()
    document = json.loads(response.read())
    connection.close()
    return response.status, document


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def without_signature(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", "none", headers={"kid": provider.key_id})


def with_none_in_capitals(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    header = {"alg": "NONE", "typ": "JWT", "kid": provider.key_id}
    return f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}."


def with_the_public_key_as_a_secret(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    pem = provider.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "typ": "JWT", "kid": provider.key_id}
    signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{signed}.{b64(hmac.new(pem, signed.encode(), hashlib.sha256).digest())}"


def with_another_key(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, IdentityProvider().key, "RS256", headers={"kid": provider.key_id})


def with_a_key_that_is_not_known(_: IdentityProvider, claims: dict[str, Any]) -> str:
    other = IdentityProvider()
    return jwt.encode(claims, other.key, "RS256", headers={"kid": other.key_id})


def with_a_key_that_the_token_brings(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    other = IdentityProvider()
    public = RSAAlgorithm.to_jwk(other.key.public_key(), as_dict=True)
    return jwt.encode(claims, other.key, "RS256", headers={"kid": provider.key_id, "jwk": public})


def with_another_payload(provider: IdentityProvider, claims: dict[str, Any]) -> str:
    header, _, signature = provider.token(claims).split(".")
    return f"{header}.{b64(json.dumps({**claims, 'sub': 'bob'}).encode())}.{signature}"


def saying(**changes: Any) -> Forge:
    """Makes tokens that are signed as they should be, and say something else; what is None is left out."""

    def forge(provider: IdentityProvider, claims: dict[str, Any]) -> str:
        changed = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(changed, provider.key, "RS256", headers={"kid": provider.key_id})

    return forge


class TestTokens:
    """No token but a valid one of the identity provider."""

    CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": 4102444800}  # noqa: RUF012 - never changed

    def refuse(self, running: Running, headers: list[tuple[str, str]]) -> None:
        before = running.log()
        status, document = send(running, headers, {"key": "users/alice/a"})
        assert (status, document) == (401, {"code": 401, "message": "Unauthorized"})
        assert running.log() == before  # the function was not even asked

    def test_a_valid_token(self, guarded: Running) -> None:
        token = saying()(guarded.stack.identity_provider, self.CLAIMS)
        status, document = send(guarded, [("authorization", f"Bearer {token}")], {"key": "users/alice/a"})
        assert (status, document["key"]) == (200, "users/alice/a")

    @pytest.mark.parametrize(
        "forge",
        [
            pytest.param(without_signature, id="alg none"),
            pytest.param(with_none_in_capitals, id="alg NONE"),
            pytest.param(with_the_public_key_as_a_secret, id="HS256 with the public key"),
            pytest.param(with_another_key, id="wrong key"),
            pytest.param(with_a_key_that_is_not_known, id="unknown key"),
            pytest.param(with_a_key_that_the_token_brings, id="a key in the token"),
            pytest.param(with_another_payload, id="another payload"),
            pytest.param(saying(exp=int(time.time()) - 60), id="expired"),
            pytest.param(saying(nbf=int(time.time()) + 3600), id="not yet valid"),
            pytest.param(saying(iss="https://identity.evil/"), id="wrong issuer"),
            pytest.param(saying(aud="another"), id="wrong audience"),
            pytest.param(saying(aud=["another", f"{AUDIENCE} "]), id="wrong audiences"),
            pytest.param(saying(exp=None), id="no expiry"),
            pytest.param(saying(iss=None), id="no issuer"),
            pytest.param(saying(aud=None), id="no audience"),
            pytest.param(saying(sub=None), id="no subject"),
            pytest.param(saying(exp="never"), id="an expiry that is none"),
            pytest.param(saying(nbf={}), id="a beginning that is none"),
            pytest.param(lambda provider, claims: f"{b64(b'[' * 4000)}.e30.x", id="a deep header"),
            pytest.param(lambda provider, claims: "", id="nothing"),
            pytest.param(lambda provider, claims: "a.b.c", id="no token"),
            pytest.param(lambda provider, claims: f"{saying()(provider, claims)} x", id="more than a token"),
        ],
    )
    def test_a_forged_token(self, guarded: Running, forge: Forge) -> None:
        token = forge(guarded.stack.identity_provider, self.CLAIMS)
        self.refuse(guarded, [("Authorization", f"Bearer {token}")])

    def test_clocks_may_differ_by_half_a_minute(self, guarded: Running) -> None:
        late, too_late = (guarded.stack.token(lifetime_seconds=seconds) for seconds in (-5, -31))
        assert send(guarded, [("Authorization", f"Bearer {late}")], {"key": "users/alice/a"})[0] == 200
        self.refuse(guarded, [("Authorization", f"Bearer {too_late}")])

    def test_no_token(self, guarded: Running) -> None:
        self.refuse(guarded, [])

    def test_a_token_in_another_place(self, guarded: Running) -> None:
        token = guarded.stack.token()
        for header in (("Authorization", token), ("Authorization", f"Basic {token}"), ("X-Token", f"Bearer {token}")):
            self.refuse(guarded, [header])

    def test_two_tokens(self, guarded: Running) -> None:
        valid = ("Authorization", f"Bearer {guarded.stack.token()}")
        forged = ("Authorization", f"Bearer {without_signature(guarded.stack.identity_provider, self.CLAIMS)}")
        self.refuse(guarded, [valid, forged])
        self.refuse(guarded, [forged, valid])

    def test_keys_of_a_place_that_the_token_names_are_not_fetched(self, guarded: Running) -> None:
        fetched: list[Any] = []
        other = IdentityProvider()
        with Server(lambda request: fetched.append(request) or other(request)) as jwks:  # type: ignore[func-returns-value]
            token = jwt.encode(
                self.CLAIMS, other.key, "RS256", headers={"kid": other.key_id, "jku": jwks.url, "x5u": jwks.url}
            )
            self.refuse(guarded, [("Authorization", f"Bearer {token}")])
        assert fetched == []

    def test_clocks_may_differ_a_little(self, guarded: Running) -> None:
        now = int(time.time())
        token = saying(exp=now - 15, nbf=now + 15)(guarded.stack.identity_provider, self.CLAIMS)
        status, _ = send(guarded, [("Authorization", f"Bearer {token}")], {"key": "users/alice/a"})
        assert status == 200


class TestForgedClaims:
    """A claim comes from the token, whatever headers the client sends."""

    def refuse(self, running: Running, headers: list[tuple[str, str]], key: str, **claims: Any) -> None:
        authorization = ("Authorization", running.authorization(**claims)["Authorization"])
        status, document = send(running, [authorization, *headers], {"key": key})
        assert (status, document.get("code")) == (403, "access_denied")

    @pytest.mark.parametrize("groups", [None, "", "editor", ["editor"], "editor\n", "éditeur", "editor\0"])
    @pytest.mark.parametrize("name", ["x-claim-groups", "X-Claim-Groups", "X-CLAIM-GROUPS", "x-ClAiM-gRoUpS"])
    def test_in_any_letter_case(self, guarded: Running, name: str, groups: Any) -> None:
        """Even where the token's own claim is missing, or cannot be written as a header."""
        claims = {} if groups is None else {"groups": groups}
        for value in ("admin", '["admin"]', ":admin:", "0123456789abcdef0123456789abcdef:admin:"):
            self.refuse(guarded, [(name, value)], ADMINS, **claims)

    @pytest.mark.parametrize(
        "name", ["x_claim_groups", "x-claim_groups", "X_CLAIM-GROUPS", "fn-http-h-x-claim-groups", "x-claim-admin"]
    )
    def test_in_another_spelling(self, guarded: Running, name: str) -> None:
        self.refuse(guarded, [(name, "admin"), ("x-claim-groups", "admin")], ADMINS)

    @pytest.mark.parametrize("groups", [None, "editor", "editor\n"])
    def test_repeated(self, guarded: Running, groups: str | None) -> None:
        claims = {} if groups is None else {"groups": groups}
        headers = [("x-claim-groups", "editor"), ("X-Claim-Groups", "admin"), ("x-claim-groups", "admin")]
        self.refuse(guarded, headers, ADMINS, **claims)

    def test_another_subject(self, guarded: Running) -> None:
        self.refuse(guarded, [("X-Claim-Sub", "bob")], BOBS)
        self.refuse(guarded, [("X-Claim-Sub", "bob")], BOBS, sub="alice\n")

    def test_a_header_that_hides_the_gateway(self, guarded: Running) -> None:
        self.refuse(guarded, [("Fn-Intent", "none"), ("Fn-Http-Method", "GET")], BOBS)

    def test_the_real_claim(self, guarded: Running) -> None:
        response = guarded.ask(key=ADMINS, claims={"groups": ["editor", "admin"]})
        assert requests.get(response.json()["url"], timeout=10).content == SECRET

    def test_a_direct_invoker_may_not_speak_for_a_user_without_the_deployments_key(self, guarded: Running) -> None:
        for value in ("bob", ":bob:", "guess:bob:"):
            answer = guarded.call(headers={"x-claim-sub": value}, body=json.dumps({"key": BOBS}).encode())
            assert answer.status == 403


class TestSubjects:
    """A `sub` opens the place of its own name, and no other."""

    @pytest.mark.parametrize(
        "sub",
        [
            pytest.param("../bob", id="to a sibling"),
            pytest.param("alice/../bob", id="through its own"),
            pytest.param("bob/", id="with a slash"),
            pytest.param("/bob", id="from the root"),
            pytest.param("", id="empty"),
            pytest.param(".", id="dot"),
            pytest.param("..", id="dots"),
            pytest.param("bob\0", id="NUL"),
            pytest.param("bob\n", id="newline"),
            pytest.param("bob\r\nx-claim-sub: bob", id="another header"),
            pytest.param("b" * 5000, id="5,000 characters"),
            pytest.param("%2e%2e/bob", id="encoded dots"),
            pytest.param("..\\bob", id="backslash"),
            pytest.param("..\u2215bob", id="look-alike of a slash"),
            pytest.param("bob ", id="space"),
            pytest.param(" bob", id="space before it"),
            pytest.param("Bob", id="capital"),
            pytest.param("{sub}", id="template"),
            pytest.param(["bob"], id="list"),
            pytest.param({"bob": "bob"}, id="object"),
            pytest.param(True, id="boolean"),
        ],
    )
    def test_an_odd_one(self, guarded: Running, sub: Any) -> None:
        keys = [BOBS, "users/secret", "users//secret", "users/bob//secret", f"users/{sub}secret"]
        for key in [*keys, "bob/secret", "users/../bob/secret", ADMINS]:
            response = guarded.ask(key=key, claims={"sub": sub})
            assert code(response) in ("access_denied", "invalid_request")
        # Where it opens a place at all, it is one of its own name.
        upload: dict[str, Any] = {"operation": "put_object", "key": f"users/{sub}/secret", "content_length": 1}
        response = guarded.ask(**upload, claims={"sub": sub})
        if response.status_code == 200:
            assert requests.put(response.json()["url"], b"x", timeout=10).status_code == 200
        else:
            assert code(response) in ("access_denied", "invalid_request")


class TestKeys:
    """A key does not leave the prefix that it begins with."""

    @pytest.mark.parametrize(
        "key",
        [
            "users/bob/secret",
            "users/alice",
            "users/alice2/a",
            "users/alice/../bob/secret",
            "users/alice/./../bob/secret",
            "users/alice/..",
            "/users/alice/a",
            "//users/alice/a",
            "./users/alice/a",
            "users//alice/a",
            "users\\alice\\a",
            "users/%61lice/a",
            "users%2Falice%2Fa",
            "users\u2215alice\u2215a",
            "users\uff0falice\uff0fa",
            "users\u2044alice\u2044a",
            "Users/alice/a",
            "users/ALICE/a",
            "users/ali\u0441e/a",
            "users/alice\0/a",
            "users/alice/a\n",
            "public/../users/bob/secret",
        ],
    )
    def test_one_outside(self, guarded: Running, key: str) -> None:
        for operation in ("get_object", "put_object", "post_object", "create_multipart_upload"):
            assert code(guarded.ask(operation=operation, key=key)) in ("access_denied", "invalid_request")

    @pytest.mark.parametrize(
        "rest",
        [
            "%2e%2e/bob/secret",
            "..%2fbob/secret",
            "%252e%252e%252fbob/secret",
            "/bob/secret",
            ".../bob/secret",
            "..\\bob\\secret",
            "..\u2215bob\u2215secret",
            "\uff0e\uff0e\uff0fbob\uff0fsecret",
            "..;/bob/secret",
            "?../bob/secret",
            "#/bob/secret",
            "secret?versionId=1&response-expires=9",
        ],
    )
    def test_one_inside_stays_there_byte_for_byte(self, guarded: Running, rest: str) -> None:
        key = f"users/alice/{rest}"
        response = guarded.ask(operation="put_object", key=key, content_length=len(key.encode()))
        assert response.status_code == 200
        assert requests.put(response.json()["url"], key.encode(), timeout=10).status_code == 200
        _, answer = guarded.invoke(key=key)
        assert requests.get(answer["url"], timeout=10).content == key.encode()

    @pytest.mark.parametrize("bucket", ["other", "presignedblog", f"{BUCKET} ", f"{BUCKET}/users", "../other", "*", ""])
    def test_a_bucket_that_no_rule_names(self, guarded: Running, bucket: str) -> None:
        response = guarded.ask(bucket=bucket, key="users/alice/a")
        assert code(response) in ("access_denied", "invalid_request")


class TestOddJson:
    """The policy decides on the same bytes that are signed, and refuses a body that is not JSON."""

    def ask(self, running: Running, body: bytes) -> requests.Response:
        headers = {**running.authorization(), "Content-Type": "application/json"}
        return running.post(data=body, headers=headers)

    def test_a_key_given_twice(self, guarded: Running) -> None:
        own, other = '"key": "users/alice/a"', f'"key": "{BOBS}"'
        assert code(self.ask(guarded, f"{{{own}, {other}}}".encode())) == "access_denied"
        assert code(self.ask(guarded, f'{{{own}, "\\u006bey": "{BOBS}"}}'.encode())) == "access_denied"
        response = self.ask(guarded, f"{{{other}, {own}}}".encode())
        assert response.json()["key"] == "users/alice/a"
        assert urlsplit(response.json()["url"]).path == f"/{BUCKET}/users/alice/a"

    def test_an_operation_given_twice(self, guarded: Running) -> None:
        read, write = '"operation": "get_object"', '"operation": "delete_object"'
        assert code(self.ask(guarded, f'{{"key": "public/a", {read}, {write}}}'.encode())) == "access_denied"
        for last in (read, '"operation": null'):
            response = self.ask(guarded, f'{{"key": "public/a", {write}, {last}}}'.encode())
            assert (response.status_code, response.json()["method"]) == (200, "GET")

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"[" * 50_000, id="deep nesting"),
            pytest.param(b'{"key": ' * 8_000, id="deep objects"),
            pytest.param(
                b'{"key": "users/alice/a", "metadata": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", id="deep value"
            ),
            pytest.param(b'{"key": "users/alice/a", "expires_in": 1' + b"0" * 5_000 + b"}", id="huge integer"),
            pytest.param(b'{"key": "users/alice/a", "expires_in": 1e400}', id="huge float"),
            pytest.param(b'{"key": "users/alice/a", "expires_in": -1}', id="negative"),
            pytest.param(b'{"key": "users/alice/a", "expires_in": 1.5}', id="fraction"),
            pytest.param(b'{"key": "users/alice/a", "expires_in": NaN}', id="NaN"),
            pytest.param(b'{"key": "users/alice/a", "expires_in": "60"}', id="text for a number"),
            pytest.param(b'{"key": "users/alice/\\ud800"}', id="lone surrogate"),
            pytest.param(b'{"key": "users/alice/\xed\xa0\x80"}', id="encoded surrogate"),
            pytest.param(b'{"key": "users/alice/\xff"}', id="not UTF-8"),
            pytest.param(b'\xef\xbb\xbf\xef\xbb\xbf{"key": "users/alice/a"}', id="two BOMs"),
            pytest.param('{"key": "users/alice/a"}'.encode("utf-16"), id="UTF-16"),
            pytest.param(b'{"key": "users/alice/a"}{"key": "users/alice/b"}', id="two texts"),
            pytest.param(b'{"key": "users/alice/a",}', id="comma at the end"),
            pytest.param(b"{'key': 'users/alice/a'}", id="other quotes"),
            pytest.param(b'{"key": "users/alice/a"}\0', id="NUL at the end"),
            pytest.param(b'{"key": ["users/alice/a"]}', id="a list for a text"),
            pytest.param(b'[{"key": "users/alice/a"}]', id="a list"),
            pytest.param(b'{"Key": "users/alice/a"}', id="another letter case"),
            pytest.param(b'{"key": "users/alice/a", "__proto__": {"bucket": "other"}}', id="prototype"),
        ],
    )
    def test_a_text_that_is_no_request(self, guarded: Running, body: bytes) -> None:
        response = self.ask(guarded, body)
        assert response.status_code == 400
        assert code(response) in ("invalid_json", "invalid_request")

    def test_a_byte_order_mark_changes_nothing(self, guarded: Running) -> None:
        assert code(self.ask(guarded, b'\xef\xbb\xbf{"key": "users/bob/secret"}')) == "access_denied"


class TestHeaderInjection:
    """No option brings a header, or a part of the query, of its own."""

    TEXTS = [  # noqa: RUF012 - never changed
        (name, field.name)
        for name, operation in OPERATIONS.items()
        for field in msgspec.structs.fields(operation)
        if "str" in str(field.type) and field.name not in ("metadata", "key", "bucket", "via", "metadata_directive")
    ]
    REQUIRED: dict[str, Any] = {  # noqa: RUF012 - never changed
        "key": "users/alice/a",
        "prefix": "users/alice/",
        "source_key": "users/alice/a",
        "metadata_directive": "REPLACE",
        "upload_id": "u",
        "part_number": 1,
        "max_content_length": 1,
    }

    def required(self, operation: str) -> dict[str, Any]:
        fields = {field.name for field in msgspec.structs.fields(OPERATIONS[operation])}
        return {name: value for name, value in self.REQUIRED.items() if name in fields}

    @pytest.mark.parametrize(("operation", "option"), TEXTS)
    def test_line_ends_in_any_text(self, guarded: Running, operation: str, option: str) -> None:
        for text in (
            "a\r\nX-Evil: 1",
            "a\nX-Evil: 1",
            "a\rb",
            "\r\n\r\n",
            "a\0b",
            "a\u0085b",
            "text/plain\r\nHost: evil",
        ):
            request = {**self.required(operation), "operation": operation, option: text}
            response = guarded.ask(**request)
            assert response.status_code == 400
            assert [error["pointer"] for error in response.json()["errors"]] == [f"/{option}"]

    def test_every_operation_has_been_tried(self) -> None:
        assert len(self.TEXTS) >= 30
        assert ("put_object", "content_type") in self.TEXTS
        assert ("get_object", "download_as") in self.TEXTS
        assert ("upload_part", "upload_id") in self.TEXTS

    @pytest.mark.parametrize(
        "metadata", [{"a": "b\r\nHost: evil"}, {"a\r\nHost: evil\r\nb": "c"}, {"a:b": "c"}, {"a b": "c"}, {"": "c"}]
    )
    def test_line_ends_in_metadata(self, guarded: Running, metadata: dict[str, str]) -> None:
        for operation in ("put_object", "post_object", "create_multipart_upload"):
            response = guarded.ask(operation=operation, metadata=metadata, **self.required(operation))
            assert code(response) == "invalid_request"

    @pytest.mark.parametrize("option", ["host", "Host", "headers", "x-amz-acl", "x-amz-meta-a", "method"])
    def test_an_option_that_is_none(self, guarded: Running, option: str) -> None:
        unknown: dict[str, Any] = {option: "evil"}
        response = guarded.ask(operation="put_object", key="users/alice/a", **unknown)
        assert [error["pointer"] for error in response.json()["errors"]] == [f"/{option}"]

    def test_a_second_host(self, guarded: Running) -> None:
        upload: dict[str, Any] = {"operation": "put_object", "key": "users/alice/a", "content_length": 1}
        answer = guarded.ask(**upload, metadata={"Host": "evil"}).json()
        assert answer["headers"] == {"Content-Length": "1", "x-amz-meta-host": "evil"}
        is_routed = isinstance(guarded, Routed)
        url = urlsplit(answer["url"])
        assert url.netloc == urlsplit(guarded.stack.url if is_routed else guarded.stack.storage_url).netloc
        assert parse_qs(url.query)["X-Amz-SignedHeaders"] == ["content-length;host;x-amz-meta-host"]
        sent = {**answer["headers"], "Host": "evil.example.com"}
        status = requests.put(answer["url"], b"x", headers=sent, timeout=10).status_code
        # The gateway itself names the host, whatever a client sends.
        assert status == (200 if is_routed else 403)

    def test_a_query_in_a_text(self, guarded: Running) -> None:
        text = "1&versionId=2&X-Amz-SignedHeaders="
        query = parse_qs(urlsplit(guarded.ask(key="users/alice/a", version_id=text).json()["url"]).query)
        assert query["versionId"] == [text]
        assert query["X-Amz-Expires"] == ["3600"]
        assert query["X-Amz-SignedHeaders"] == ["host"]


class TestRequestsThatTheGatewayChanges:
    """Additions of a client to a URL reach the store, which refuses them, or are dropped before."""

    def url(self, running: Running, **request: Any) -> str:
        response = running.ask(**request)
        assert response.status_code == 200
        return str(response.json()["url"])

    @pytest.mark.parametrize("header", ["x-amz-copy-source", "x-amz-acl", "x-amz-meta-a", "x-amz-security-token"])
    def test_a_header_that_nobody_signed(self, guarded: Running, header: str) -> None:
        url = self.url(guarded, operation="put_object", key="users/alice/a", content_length=0)
        headers = {header: f"/{BUCKET}/{BOBS}"}
        assert requests.put(url, b"", headers=headers, timeout=10).status_code == 403

    @pytest.mark.parametrize(
        "more", ["&versionId=1", "&uploads", "&response-content-type=text%2Fhtml", "&X-Amz-Expires=9"]
    )
    def test_a_parameter_that_nobody_signed(self, guarded: Running, more: str) -> None:
        guarded.stack.storage.put_object(BUCKET, "public/a", b"a")
        url = self.url(guarded, key="public/a")
        assert requests.get(url, timeout=10).content == b"a"
        assert requests.get(url + more, timeout=10).status_code in (400, 403)

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "HEAD"])
    def test_another_method(self, guarded: Running, method: str) -> None:
        url = self.url(guarded, key="users/alice/a")
        headers = {"X-HTTP-Method-Override": "GET"}
        assert requests.request(method, url, headers=headers, timeout=10).status_code == 403

    def test_another_key(self, guarded: Running) -> None:
        url = self.url(guarded, key="users/alice/secret")
        for other in (
            "users/bob/secret",
            "users/alice/%2e%2e/bob/secret",
            "users%2Fbob%2Fsecret",
            "users/bob/secret%00",
        ):
            response = requests.get(url.replace("users/alice/secret", other), timeout=10)
            assert response.status_code in (400, 403, 404)
            assert SECRET not in response.content


class TestSizes:
    """A body may be as large as its limit, and not a byte larger."""

    @pytest.mark.parametrize(
        ("path", "body", "limit"),
        [
            ("/v1/presign", b'{"key": "users/alice/a"', 64 * 1024),
            ("/v1/presign/batch", b'{"requests": [{"key": "users/alice/a"}]', 1024 * 1024),
        ],
    )
    def test_the_limit_of_the_function(self, guarded: Running, path: str, body: bytes, limit: int) -> None:
        headers = {**guarded.authorization(), "Content-Type": "application/json"}
        fitting = body + b" " * (limit - len(body) - 1) + b"}"
        assert guarded.post(path, data=fitting, headers=headers).status_code == 200
        response = guarded.post(path, data=fitting + b" ", headers=headers)
        assert (response.status_code, code(response)) == (413, "payload_too_large")

    def test_one_request_too_many(self, guarded: Running) -> None:
        requests_ = [{"key": "users/alice/a"}] * 1001
        assert code(guarded.post("/v1/presign/batch", json={"requests": requests_})) == "invalid_request"

    def test_a_key_too_long(self, guarded: Running) -> None:
        assert guarded.ask(key="users/alice/" + "ä" * 506).status_code == 200
        assert code(guarded.ask(key="users/alice/" + "ä" * 506 + "a")) == "invalid_request"
