"""`presign.services.resource_principal`: it signs with the token and the key that are in the files at the time.

If one of these fails with a new version of the SDK or of cryptography, they no longer offer what the signer is made of.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from oci.auth.signers import SecurityTokenSigner
from requests import PreparedRequest, Request

from local.identity.resource_principal import new_key
from presign.services.resource_principal import ResourcePrincipalSigner

SIGNED = "date: Tue, 24 Nov 2026 12:00:00 GMT\n(request-target): get /secret\nhost: vault.example"


class Files:
    """The files of a resource principal, and signers that read them."""

    def __init__(self, directory: Path) -> None:
        self.token, self.key, self.passphrase = (directory / name for name in ("rpst", "key.pem", "passphrase"))

    def write(self, token: str, key: rsa.RSAPrivateKey, *, passphrase: bytes | None = None) -> None:
        encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        self.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, encryption))
        self.token.write_text(token, encoding="utf-8")

    def signer(self, *, passphrase: bool = False, region: str | None = None) -> ResourcePrincipalSigner:
        return ResourcePrincipalSigner(
            token_path=self.token,
            key_path=self.key,
            passphrase_path=self.passphrase if passphrase else None,
            region=region,
        )


def request() -> PreparedRequest:
    headers = {"date": "Tue, 24 Nov 2026 12:00:00 GMT"}
    return Request("GET", "https://vault.example/secret", headers=headers).prepare()


def check(signed: PreparedRequest, token: str, key: rsa.RSAPrivateKey) -> None:
    """Assert that `request` is signed with this token and this key (draft-cavage-http-signatures)."""
    head, _, rest = signed.headers["authorization"].partition('signature="')
    assert f'keyId="ST${token}"' in head
    signature = base64.b64decode(rest.partition('"')[0])
    key.public_key().verify(signature, SIGNED.encode(), padding.PKCS1v15(), SHA256())


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_it_signs_with_the_token_and_the_key(files: Files) -> None:
    key = new_key()
    files.write("token\n", key)
    check(files.signer()(request()), "token", key)


@pytest.mark.parametrize("signed", [True, False])
def test_the_sdk_says_whether_the_content_is_signed(files: Files, signed: bool) -> None:
    files.write("token", new_key())
    put = Request("PUT", "https://store.example/object", data=b"content").prepare()
    headers = files.signer()(put, enforce_content_headers=signed).headers
    assert ("x-content-sha256" in headers) is signed


def test_the_sdk_takes_it_for_a_signer_that_needs_no_other_configuration(files: Files) -> None:
    files.write("token", new_key())
    assert isinstance(files.signer(), SecurityTokenSigner)


def test_openssl_does_not_check_the_key(files: Files) -> None:
    numbers = new_key().private_numbers()
    wrong = rsa.RSAPrivateNumbers(
        p=numbers.p,
        q=numbers.q,
        d=numbers.d,
        dmp1=numbers.dmp1,
        dmq1=numbers.dmq1,
        iqmp=numbers.iqmp + 2,
        public_numbers=numbers.public_numbers,
    )
    files.write("token", wrong.private_key(unsafe_skip_rsa_key_validation=True))
    with pytest.raises(ValueError, match="Invalid private key"):
        load_pem_private_key(files.key.read_bytes(), None)
    assert files.signer()


class TestRenewal:
    """The platform replaces the files; nobody waits for OCI to refuse the old ones."""

    def test_both_files(self, files: Files) -> None:
        key, renewed = new_key(), new_key()
        files.write("token", key)
        signer = files.signer()
        check(signer(request()), "token", key)
        files.write("renewed", renewed)
        check(signer(request()), "renewed", renewed)

    def test_a_file_that_another_takes_the_place_of(self, files: Files) -> None:
        key = new_key()
        files.write("token 1", key)
        signer = files.signer()
        new = files.token.with_name("new")
        new.write_text("token 2", encoding="utf-8")
        time_ns = files.token.stat().st_mtime_ns
        os.utime(new, ns=(time_ns, time_ns))
        new.replace(files.token)
        check(signer(request()), "token 2", key)

    @pytest.mark.parametrize("content", [None, b"", b"-----BEGIN RSA PRIVATE KEY-----\nMIIE"])
    def test_the_old_ones_serve_while_the_new_ones_are_written(self, files: Files, content: bytes | None) -> None:
        key, renewed = new_key(), new_key()
        files.write("token", key)
        signer = files.signer()
        if content is None:
            files.key.unlink()
        else:
            files.key.write_bytes(content)
        check(signer(request()), "token", key)
        files.write("renewed", renewed)
        check(signer(request()), "renewed", renewed)

    def test_a_request_that_is_being_signed_keeps_the_token_and_the_key_that_it_began_with(self, files: Files) -> None:
        key, renewed = new_key(), new_key()
        files.write("token", key)
        signer = files.signer()

        class Slow(PreparedRequest):
            """Another thread renews the signer while the text to sign is made of this request."""

            @property
            def path_url(self) -> str:
                files.write("renewed", renewed)
                check(signer(request()), "renewed", renewed)
                return "/secret"

        slow = Slow()
        slow.prepare("GET", "https://vault.example/secret", headers=dict(request().headers))
        check(signer(slow), "token", key)

    def test_it_is_read_again_when_asked_to(self, files: Files) -> None:
        files.write("token", new_key())
        signer = files.signer()
        files.key.unlink()
        with pytest.raises(FileNotFoundError):
            signer.refresh_security_token()


class TestPassphrase:
    """The key may be encrypted with the content of a third file."""

    @pytest.mark.parametrize("style", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
    def test_an_encrypted_key(self, files: Files, style: PrivateFormat) -> None:
        key = new_key()
        files.write("token", key)
        files.key.write_bytes(key.private_bytes(Encoding.PEM, style, BestAvailableEncryption(b"correct horse")))
        files.passphrase.write_bytes(b"correct horse")
        check(files.signer(passphrase=True)(request()), "token", key)

    def test_a_wrong_one(self, files: Files) -> None:
        files.write("token", new_key(), passphrase=b"correct horse")
        files.passphrase.write_bytes(b"hunter2")
        with pytest.raises(ValueError, match="Incorrect password") as caught:
            files.signer(passphrase=True)
        assert "hunter2" not in str(caught.value)

    def test_none_where_one_is_needed(self, files: Files) -> None:
        files.write("token", new_key(), passphrase=b"correct horse")
        with pytest.raises(TypeError, match="Password was not given"):
            files.signer()

    def test_one_that_the_key_does_not_need(self, files: Files) -> None:
        key = new_key()
        files.write("token", key)
        files.passphrase.write_bytes(b"correct horse")
        check(files.signer(passphrase=True)(request()), "token", key)


@pytest.mark.parametrize(
    ("region", "known"), [("uk-london-1", "uk-london-1"), ("lhr", "uk-london-1"), ("new-1", "new-1"), (None, None)]
)
def test_the_region_may_be_a_short_code(files: Files, region: str | None, known: str | None) -> None:
    files.write("token", new_key())
    assert files.signer(region=region).region == known
