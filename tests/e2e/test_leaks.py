"""No secret is in a log or an answer, apart from the signatures of the URLs that were asked for.

The systems of all tests log at DEBUG, and the fixture `start` searches their logs and answers after the last test. Here
the end-to-end tests run once more with the other signer, and the search itself is tested.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local.functions.fn_agent import Answer
from local.stack import BUCKET, OBJECT, REGION, ROOT
from presign.issue.sigv4 import credential_scope, signing_key
from support.leaks import leaks, leaks_of_answer, secrets_of
from support.systems import Running


@pytest.mark.slow
@pytest.mark.parametrize("file", ["test_end_to_end.py", "test_rotation.py"])
def test_with_boto3(file: str) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--signer=boto3",
        f"tests/e2e/{file}",
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=300)  # noqa: S603 - a fixed command
    assert ended.returncode == 0, ended.stdout


class TestTheSearch:
    """`leaks` finds every kind of secret."""

    @pytest.fixture
    def secrets(self, running: Running) -> dict[str, str]:
        return secrets_of(running.stack)

    def test_known_secrets(self, running: Running, secrets: dict[str, str]) -> None:
        key = running.stack.credentials[1]
        scope = credential_scope(date=f"{datetime.now(UTC):%Y%m%d}", region=REGION)
        bits = signing_key(secret_access_key=key, scope=scope)
        for text in (key, bits.hex(), repr(bits), f"AWS4{key}"):
            assert leaks(f"before {text} after", secrets)
        assert leaks("before and after", secrets) == []

    @pytest.mark.parametrize("signer", ["sigv4", "boto3"])
    def test_every_part_of_a_url_or_form(
        self, start: Callable[..., Running], secrets: dict[str, str], signer: str
    ) -> None:
        running = start({"SIGNER": signer})
        url = running.invoke(key=OBJECT)[1]["url"]
        fields = running.invoke(operation="post_object", key=OBJECT)[1]["fields"]
        assert leaks(url, {})
        for parameter in url.partition("?")[2].split("&"):
            if "SignedHeaders" not in parameter:
                assert leaks(parameter, {}), parameter
        assert leaks(fields["policy"], {})
        assert leaks(fields["x-amz-signature"], {})

    def test_the_url_of_a_par(self, start: Callable[..., Running]) -> None:
        rule = {"operations": ["read"], "bucket": BUCKET, "prefix": "", "via": "par"}
        answer = start({"POLICY": json.dumps({"rules": [rule]})}).invoke(key=OBJECT)[1]
        assert (leaks(answer["url"], {}) != [], leaks(answer["id"], {})) == (True, [])

    def test_tokens_and_keys(self, running: Running) -> None:
        environment = running.stack.principal.environment()
        for name in ("OCI_RESOURCE_PRINCIPAL_RPST", "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM"):
            assert leaks(Path(environment[name]).read_text(encoding="utf-8"), {})
        assert leaks(running.stack.token(), {})
        assert leaks("{'authorization': 'x'}", {})

    def test_an_answer(self, secrets: dict[str, str], running: Running) -> None:
        url = '{"url": "https://store/a?X-Amz-Signature=' + 64 * "a" + '"}'
        assert leaks_of_answer(Answer(200, [], url.encode()), secrets) == []
        for body in (
            '{"detail": "https://store/a?X-Amz-Signature=b"}',
            '{"results": [{"problem": {"detail": "' + 64 * "a" + '"}}]}',
            "Traceback: " + 64 * "a",
            '{"url": "https://store/' + running.stack.credentials[1] + '"}',
        ):
            assert leaks_of_answer(Answer(200, [], body.encode()), secrets)
        assert leaks_of_answer(Answer(200, [("Location", "/?X-Amz-Credential=a")], b"{}"), secrets)
