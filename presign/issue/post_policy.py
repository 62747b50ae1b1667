"""The POST policy: the document that is signed with an HTML form and lists the conditions that the form must meet.

The specification is "Browser-Based Uploads Using POST (AWS Signature Version 4)" of the Amazon S3 API Reference.
"""

import json
from collections.abc import Mapping

from presign.keys.clock import rfc3339
from presign.request.operations.form import PostObject


def policy_document(form: PostObject, *, bucket: str, expires_at: int, authentication: Mapping[str, str]) -> str:
    """The policy that allows `form` until `expires_at` (seconds since the epoch), and nothing else.

    The fields of `authentication` say who has signed, and when.
    """
    conditions: list[object] = [{name: value} for name, value in form.fields().items()]
    if length_range := form.content_length_range():
        conditions.append(["content-length-range", *length_range])
    conditions += [{"bucket": bucket}, {"key": form.key}]
    conditions += [{name: value} for name, value in authentication.items()]
    return json.dumps({"expiration": rfc3339(expires_at), "conditions": conditions})
