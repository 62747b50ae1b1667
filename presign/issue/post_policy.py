"""The POST policy: the document that is signed with an HTML form, and says what the form may hold.

The specification is "Browser-Based Uploads Using POST (AWS Signature Version 4)" of the Amazon S3 API Reference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from presign.keys.clock import rfc3339
from presign.request.model import FormRequest


def policy_document(request: FormRequest, *, expires_at: int, authentication: Mapping[str, str]) -> str:
    """The policy that allows the form of `request`, and nothing else.

    Args:
        request: what is allowed.
        expires_at: seconds since the epoch, when it ends.
        authentication: the fields that say who has signed, and when.
    """
    conditions: list[object] = [{name: value} for name, value in request.fields.items()]
    if request.content_length_range:
        conditions.append(["content-length-range", *request.content_length_range])
    conditions += [{"bucket": request.bucket}, {"key": request.key}]
    conditions += [{name: value} for name, value in authentication.items()]
    return json.dumps({"expiration": rfc3339(expires_at), "conditions": conditions})
