"""`presign.read.parser`: what a request may say, and every validation error, by name."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import pytest

from presign.model.json_text import decode
from presign.model.operation import Operation
from presign.model.operations import OPERATIONS
from presign.model.operations.form import PostObject
from presign.model.operations.prefixes import GetPrefix
from presign.model.options import given
from presign.problems import InvalidRequest
from presign.read.parser import RequestParser, parse_struct, requests_of_batch

PARSER = RequestParser(default_bucket="uploads", max_expires_in=7200, virtual_hosted=False)
NO_DEFAULT_BUCKET = RequestParser(default_bucket=None, max_expires_in=60, virtual_hosted=False)
VIRTUAL_HOSTED = RequestParser(default_bucket=None, max_expires_in=60, virtual_hosted=True)

MD5 = "1B2M2Y8AsgTpgAmY7PhCfg=="
SHA256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


class Http(NamedTuple):
    """The HTTP request that is asked for."""

    operation: str
    method: str
    bucket: str
    key: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    expires_in: int | None


def parse(document: Any, parser: RequestParser = PARSER) -> Http:
    request = parser.parse(document)
    asked = request.operation
    return Http(
        asked.name, asked.method, request.bucket, asked.target, asked.query(), asked.headers(), asked.expires_in
    )


def errors(document: Any, parser: RequestParser = PARSER) -> dict[str, str]:
    """Pointer and sentence of each fault of a request that must have some."""
    with pytest.raises(InvalidRequest) as caught:
        parse(document, parser)
    found = [(error.pointer, error.detail) for error in caught.value.errors]
    assert len(dict(found)) == len(found)
    return dict(found)


class TestDefaults:
    """Only the key must be given."""

    def test_a_key_alone_is_a_download_from_the_default_bucket(self) -> None:
        assert parse({"key": "a.txt"}) == Http(
            operation="get_object", method="GET", bucket="uploads", key="a.txt", query=[], headers={}, expires_in=None
        )

    def test_null_is_the_same_as_leaving_out(self) -> None:
        nulls = {"operation": None, "bucket": None, "expires_in": None, "version_id": None, "response_expires": None}
        assert parse({"key": "a.txt", **nulls}) == parse({"key": "a.txt"})

    @pytest.mark.parametrize("operation", OPERATIONS.values())
    def test_null_can_be_in_place_of_each_option(self, operation: type[Operation]) -> None:
        required = {"key": "a", "prefix": "a/", "upload_id": "u", "part_number": 1, "source_key": "s"}
        fields = msgspec.structs.fields(operation)
        members = {
            "operation": operation.name,
            **{field.name: required[field.name] for field in fields if field.required},
        }
        nulls = {field.name: None for field in fields if not field.required}
        assert parse({**members, **nulls}) == parse(members)
        left_out, nothing = PARSER.parse(members).operation, PARSER.parse({**members, **nulls}).operation
        assert given(nothing, set(nulls)) == given(left_out, set(nulls))


class TestWhatTravelsWhere:
    """Options become query parameters or headers, named as S3 names them."""

    @pytest.mark.parametrize(("operation", "method"), [("get_object", "GET"), ("head_object", "HEAD")])
    def test_reading(self, operation: str, method: str) -> None:
        request = parse(
            {
                "operation": operation,
                "key": "a.txt",
                "version_id": "v1",
                "response_cache_control": "no-cache",
                "response_content_disposition": "inline",
                "response_content_encoding": "gzip",
                "response_content_language": "de",
                "response_content_type": "text/plain; charset=utf-8",
                "response_expires": "2026-11-23T23:00:00+01:00",
            }
        )
        assert request.method == method
        assert request.headers == {}
        assert dict(request.query) == {
            "versionId": "v1",
            "response-cache-control": "no-cache",
            "response-content-disposition": "inline",
            "response-content-encoding": "gzip",
            "response-content-language": "de",
            "response-content-type": "text/plain; charset=utf-8",
            "response-expires": "Mon, 23 Nov 2026 22:00:00 GMT",
        }

    def test_uploading(self) -> None:
        request = parse(
            {
                "operation": "put_object",
                "bucket": "Other.Bucket_1",
                "key": "a.txt",
                "expires_in": 7200,
                "content_type": "image/svg+xml",
                "content_length": 0,
                "content_md5": MD5,
                "checksum_sha256": SHA256,
                "cache_control": "max-age=60",
                "content_disposition": "inline",
                "content_encoding": "gzip",
                "metadata": {"Author": "Ada", "x-1": "two words"},
                "if_none_match": "*",
            }
        )
        assert request == Http(
            operation="put_object",
            method="PUT",
            bucket="Other.Bucket_1",
            key="a.txt",
            query=[],
            headers={
                "Content-Type": "image/svg+xml",
                "Content-Length": "0",
                "Content-MD5": MD5,
                "x-amz-checksum-sha256": SHA256,
                "Cache-Control": "max-age=60",
                "Content-Disposition": "inline",
                "Content-Encoding": "gzip",
                "If-None-Match": "*",
                "x-amz-meta-author": "Ada",
                "x-amz-meta-x-1": "two words",
            },
            expires_in=7200,
        )

    def test_deleting(self) -> None:
        request = parse({"operation": "delete_object", "key": "a.txt", "version_id": "v1"})
        assert (request.method, request.query, request.headers) == ("DELETE", [("versionId", "v1")], {})

    def test_copying_from_the_same_bucket_and_from_another(self) -> None:
        copy = {"operation": "copy_object", "key": "b", "source_key": "a"}
        for named, source in ((None, "uploads/a"), ("other", "other/a")):
            assert parse({**copy, "source_bucket": named}).headers["x-amz-copy-source"] == source

    def test_a_file_name_to_download_as(self) -> None:
        request = parse({"key": "a", "download_as": "naïve plan.pdf"})
        assert request.query == [
            (
                "response-content-disposition",
                "attachment; filename=\"na_ve plan.pdf\"; filename*=UTF-8''na%C3%AFve%20plan.pdf",
            )
        ]


class TestStructure:
    """The JSON is an object with the fields of its operation, each of its type."""

    @pytest.mark.parametrize("document", [[], "get_object", 1, None, True])
    def test_not_an_object(self, document: Any) -> None:
        assert errors(document) == {"": "must be a JSON object"}

    def test_a_missing_key(self) -> None:
        assert errors({}) == {"/key": "is required"}

    def test_an_unknown_field(self) -> None:
        assert errors({"key": "a", "acl": "public", "a/b~": 1}) == {
            "/acl": "is not a field of a request",
            "/a~1b~0": "is not a field of a request",
        }

    @pytest.mark.parametrize(
        ("operation", "meant"),
        [
            ("list_objects", "; did you mean list_objects_v2?"),
            ("GET_OBJECT", "; did you mean get_object?"),
            ("putObject", "; did you mean put_object?"),
            ("delete", "; did you mean delete_object?"),
            ("fly", ""),
            ("", ""),
            (1, ""),
            (["get_object"], ""),
            ({"get_object": 1}, ""),
        ],
    )
    def test_an_unknown_operation(self, operation: Any, meant: str) -> None:
        assert errors({"operation": operation, "key": "a", "content_type": "text/plain"}) == {
            "/operation": "must be one of get_object, head_object, put_object, delete_object, copy_object, "
            "post_object, create_multipart_upload, upload_part, complete_multipart_upload, abort_multipart_upload, "
            "list_parts, list_multipart_uploads, list_objects_v2, get_prefix" + meant
        }

    def test_an_option_of_another_operation(self) -> None:
        assert errors({"operation": "put_object", "key": "a", "version_id": "1", "download_as": "b"}) == {
            "/version_id": "is an option of get_object, head_object, delete_object only",
            "/download_as": "is an option of get_object, head_object only",
        }
        assert errors({"key": "a", "content_type": "text/plain"}) == {
            "/content_type": "is an option of put_object, copy_object, post_object, create_multipart_upload only"
        }

    def test_a_member_of_another_kind_of_call(self) -> None:
        assert errors({"key": "a", "Requests": [], "event_type": "x"}) == {
            "/Requests": "is not a field of a request; did you mean requests?",
            "/event_type": "is not a field of a request; did you mean eventType?",
        }

    def test_an_unknown_member_comes_first_with_the_nearest_name(self) -> None:
        with pytest.raises(InvalidRequest) as caught:
            parse({"Operation": "put_object", "Key": "a", "ContentType": "a/b", "expires": 60, "method": "PUT"})
        assert [(error.pointer, error.detail) for error in caught.value.errors] == [
            ("/Operation", "is not a field of a request; did you mean operation?"),
            ("/Key", "is not a field of a request; did you mean key?"),
            ("/ContentType", "is not a field of a request; did you mean content_type?"),
            ("/expires", "is not a field of a request"),
            ("/method", "is not a field of a request"),
            ("/key", "is required"),
        ]
        assert errors({"key": "a", "expires": 60}) == {
            "/expires": "is not a field of a request; did you mean expires_in?"
        }

    @pytest.mark.parametrize(
        ("member", "place"),
        [
            ("requests", "belongs to /v1/presign/batch"),
            ("id", "belongs to /v1/presign/revoke"),
            ("sweep", "belongs to a direct invocation of another kind"),
            ("eventType", "belongs to a direct invocation of another kind"),
        ],
    )
    def test_a_member_of_another_call(self, member: str, place: str) -> None:
        assert errors({member: [], "key": "a"}) == {f"/{member}": place}

    @pytest.mark.parametrize("operation", ["list_objects_v2", "list_multipart_uploads"])
    def test_a_list_has_no_key(self, operation: str) -> None:
        assert errors({"operation": operation, "key": "a"}) == {
            "/key": "is a field of operations on one object only; those on several have prefix"
        }

    @pytest.mark.parametrize("member", ["key", "operation", "content_type", "bucket"])
    def test_a_request_in_place_of_a_batch(self, member: str) -> None:
        with pytest.raises(InvalidRequest) as caught:
            requests_of_batch({member: "a"})
        assert [(error.pointer, error.detail) for error in caught.value.errors] == [
            (f"/{member}", "belongs to each of the requests; one alone goes to /v1/presign"),
            ("/requests", "is required"),
        ]

    def test_a_member_of_nothing_beside_a_batch(self) -> None:
        with pytest.raises(InvalidRequest) as caught:
            requests_of_batch({"requests": ["a"], "colour": "a"})
        assert [(error.pointer, error.detail) for error in caught.value.errors] == [
            ("/colour", "is not a field of this object")
        ]

    def test_members_that_are_missing_hide_no_other_error(self) -> None:
        assert errors({"operation": "upload_part", "expires_in": 0, "upload_id": "a b"}) == {
            "/expires_in": "must be at least 1",
            "/key": "is required",
            "/part_number": "is required",
            "/upload_id": "must be the upload id that the store gave: printable ASCII without spaces",
        }

    def test_the_id_of_a_version_that_the_store_can_not_have_given(self) -> None:
        copy = {"operation": "copy_object", "key": "k", "source_key": "s", "source_version_id": "a b"}
        assert errors(copy) == {
            "/source_version_id": "must be the version id that the store gave: printable ASCII without spaces"
        }

    @pytest.mark.parametrize(
        ("requests", "errors"),
        [
            ([{}], None),
            ([{}] * 1000, None),
            ([], [("/requests", "must not be empty")]),
            ([{}] * 1001, [("/requests", "must have at most 1000 members")]),
        ],
    )
    def test_the_size_of_a_batch(self, requests: list[Any], errors: list[tuple[str, str]] | None) -> None:
        if errors is None:
            assert requests_of_batch({"requests": requests}) == requests
            return
        with pytest.raises(InvalidRequest) as caught:
            requests_of_batch({"requests": requests})
        assert [(error.pointer, error.detail) for error in caught.value.errors] == errors

    def test_wrong_types(self) -> None:
        document = {"key": 1, "bucket": [], "expires_in": "60", "version_id": {}, "response_expires": 5}
        assert errors(document) == {
            "/key": "must be a text, not a whole number",
            "/bucket": "must be a text, not an array",
            "/expires_in": "must be a whole number, not a text",
            "/version_id": "must be a text, not an object",
            "/response_expires": "must be a time (RFC 3339), not a whole number",
        }

    @pytest.mark.parametrize(
        ("value", "name"),
        [
            ("true", "true or false"),
            ("60.0", "a number with a fraction or an exponent"),
            ("6e1", "a number with a fraction or an exponent"),
            ('"60"', "a text"),
            ("[60]", "an array"),
        ],
    )
    def test_a_number_is_a_whole_number(self, value: str, name: str) -> None:
        document = decode(f'{{"key": "a", "expires_in": {value}}}'.encode())
        assert errors(document) == {"/expires_in": f"must be a whole number, not {name}"}

    def test_wrong_types_within_metadata(self) -> None:
        document = {"operation": "put_object", "key": "a", "metadata": {"a": 1, "b": "fine", "c d": "x", "e": None}}
        assert errors(document) == {
            "/metadata/a": "must be a text, not a whole number",
            "/metadata/e": "must be a text, not null",
            "/metadata/c d": "must be an HTTP token: letters, digits and !#$%&'*+-.^_`|~",
        }

    def test_the_last_of_several_fields_of_one_name_counts(self) -> None:
        body = b'{"key": "a", "operation": "delete_object", "operation": "head_object", "key": "b"}'
        operation = PARSER.parse(decode(body)).operation
        assert (operation.name, operation.target) == ("head_object", "b")

    def test_no_more_than_twenty_faults_are_told(self) -> None:
        """Without a bound, the answer to a batch could be larger than a function may send."""
        unknown = [f"x{number}" for number in range(21)]
        assert list(errors({"key": "a", **dict.fromkeys(unknown)})) == [f"/{name}" for name in unknown[:20]]

    def test_twenty_unknown_fields_do_not_hide_that_there_are_other_faults(self) -> None:
        document = {"key": "../a", **dict.fromkeys(f"x{number}" for number in range(20))}
        with pytest.raises(InvalidRequest) as caught:
            parse(document)
        assert caught.value.details("1").detail == (
            "The request is not valid: /x0 is not a field of a request (20 or more others in errors)."
        )

    def test_a_fault_in_an_object_within_a_document_has_the_pointer_of_both(self) -> None:
        with pytest.raises(InvalidRequest) as caught:
            parse_struct({"colour": "red"}, GetPrefix, at="/a~1b")
        assert [(error.pointer, error.detail) for error in caught.value.errors] == [
            ("/a~1b/colour", "is not a field of this object"),
            ("/a~1b/prefix", "is required"),
        ]

    def test_all_faults_come_in_one_answer(self) -> None:
        assert errors(
            {
                "operation": "put_object",
                "key": "../secret",
                "bucket": "no spaces",
                "expires_in": 7201,
                "content_type": "image",
                "content_length": -1,
                "content_md5": "short",
                "if_none_match": "etag",
                "colour": "red",
            }
        ) == {
            "/key": "must not have a '.' or '..' segment",
            "/bucket": "must be 1 to 256 letters, digits, hyphens, underscores and periods",
            "/expires_in": "must be at most 7200",
            "/content_type": "must be a media type, such as image/png",
            "/content_length": "must be at least 0",
            "/content_md5": "must be the Base64 form of 16 bytes",
            "/if_none_match": 'must be "*"',
            "/colour": "is not a field of a request",
        }


class TestKey:
    """Object keys: section by section what a URL can't carry, or Object Storage does not take."""

    @pytest.mark.parametrize(
        ("key", "detail"),
        [
            ("", "must not be empty"),
            ("a" * 1025, "must have at most 1024 characters"),
            ("ä" * 513, "must be 1 to 1024 bytes of UTF-8"),
            ("/a", "must not begin with a slash"),
            (".", "must not have a '.' or '..' segment"),
            ("..", "must not have a '.' or '..' segment"),
            ("a/../b", "must not have a '.' or '..' segment"),
            ("a/./b", "must not have a '.' or '..' segment"),
            ("a/..", "must not have a '.' or '..' segment"),
            ("a\nb", "must not hold control characters"),
            ("a\x00", "must not hold control characters"),
            ("a\x7f", "must not hold control characters"),
            ("a\x85b", "must not hold control characters"),
            ("a\ufffe", "must not hold U+FFFE or U+FFFF, with which no list could be read"),
            ("a\uffffb", "must not hold U+FFFE or U+FFFF, with which no list could be read"),
        ],
    )
    def test_refused(self, key: str, detail: str) -> None:
        assert errors({"key": key}) == {"/key": detail}

    @pytest.mark.parametrize(
        "key",
        [
            "a" * 1024,
            "ä" * 512,
            "a//b",
            "a/",
            "...",
            "a/.b/..c",
            "%2e%2e/a",
            "a\\..\\b",
            " ",
            "?#&=+",
            "日本/😀",
            "a\ufffd",
            "\ufdd0",
            "\U0001fffe",
            "\ue000",
        ],
    )
    def test_taken_as_it_is(self, key: str) -> None:
        assert parse({"key": key}).key == key


class TestBucket:
    """Bucket names, as OCI has them."""

    @pytest.mark.parametrize("bucket", ["", "a" * 257, "a b", "a/b", "ä", "a\n", ".", ".."])
    def test_refused(self, bucket: str) -> None:
        assert list(errors({"key": "a", "bucket": bucket})) == ["/bucket"]

    @pytest.mark.parametrize("bucket", ["a", "a" * 256, "PresignedBlog", "a-b_c.D9", "...", "-"])
    def test_taken(self, bucket: str) -> None:
        assert parse({"key": "a", "bucket": bucket}).bucket == bucket

    def test_required_if_there_is_no_default(self) -> None:
        assert errors({"key": "a"}, NO_DEFAULT_BUCKET) == {"/bucket": "is required, as there is no default bucket"}

    def test_one_that_is_named_comes_before_the_default(self) -> None:
        assert [PARSER.bucket(named) for named in ("other", None)] == ["other", "uploads"]

    @pytest.mark.parametrize("bucket", ["ab", "Upper", "a_b", "a.b", "-ab", "ab-", "a" * 64])
    def test_in_a_host_name_refused(self, bucket: str) -> None:
        assert errors({"key": "a", "bucket": bucket}, VIRTUAL_HOSTED) == {
            "/bucket": "must be 3 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or "
            "digit"
        }

    @pytest.mark.parametrize("bucket", ["abc", "a-1", "0" * 63])
    def test_in_a_host_name_taken(self, bucket: str) -> None:
        assert parse({"key": "a", "bucket": bucket}, VIRTUAL_HOSTED).bucket == bucket


class TestExpiry:
    """From one second to the most that S3 and the deployment allow."""

    @pytest.mark.parametrize(
        ("expires_in", "detail"),
        [
            (0, "must be at least 1"),
            (-5, "must be at least 1"),
            (604_801, "must be at most 604800"),
            (10**30, "must be at most 604800"),
            (7201, "must be at most 7200"),
        ],
    )
    def test_refused(self, expires_in: int, detail: str) -> None:
        assert errors({"key": "a", "expires_in": expires_in}) == {"/expires_in": detail}

    @pytest.mark.parametrize("expires_in", [1, 7200])
    def test_taken(self, expires_in: int) -> None:
        assert parse({"key": "a", "expires_in": expires_in}).expires_in == expires_in


class TestTexts:
    """A value that becomes a header is one that a header can have."""

    @pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\nb", "\x00", "ümlaut", " a", "a ", "a\tb"])
    @pytest.mark.parametrize("option", ["response_cache_control", "response_content_language", "version_id"])
    def test_of_reading(self, option: str, value: str) -> None:
        assert list(errors({"key": "a", option: value})) == [f"/{option}"]

    @pytest.mark.parametrize("value", ["a\r\nhost: evil", "ü", " a", ""])
    @pytest.mark.parametrize("option", ["cache_control", "content_disposition", "content_encoding", "content_type"])
    def test_of_uploading(self, option: str, value: str) -> None:
        assert list(errors({"operation": "put_object", "key": "a", option: value})) == [f"/{option}"]

    @pytest.mark.parametrize("value", ["image", "image/", "/png", "image/*/x", "text/plain;", "a b/c", "text/plain; a"])
    def test_media_types(self, value: str) -> None:
        assert errors({"key": "a", "response_content_type": value}) == {
            "/response_content_type": "must be a media type, such as image/png"
        }

    @pytest.mark.parametrize("value", ["", "=" * 24, MD5[:-1], MD5 + "\n", SHA256, "1B2M2Y8AsgTpgAmY7PhCfh=="])
    def test_md5(self, value: str) -> None:
        assert errors({"operation": "put_object", "key": "a", "content_md5": value}) == {
            "/content_md5": "must be the Base64 form of 16 bytes"
        }

    def test_sha256(self) -> None:
        assert errors({"operation": "put_object", "key": "a", "checksum_sha256": MD5}) == {
            "/checksum_sha256": "must be the Base64 form of 32 bytes"
        }

    @pytest.mark.parametrize("value", ["a/b", "a\\b", "a\nb", "a\x00", "", "a\u202egpj.exe"])
    def test_file_names(self, value: str) -> None:
        assert list(errors({"key": "a", "download_as": value})) == ["/download_as"]

    def test_an_encoded_file_name_in_disguise(self) -> None:
        disguise = "must not hold bidirectional controls, by which exe.jpg can look like gpj.exe"
        value = "attachment; filename*=UTF-8''a%E2%80%AEgpj.exe"
        assert errors({"key": "a", "response_content_disposition": value}) == {
            "/response_content_disposition": disguise
        }
        assert errors({"operation": "put_object", "key": "a", "content_disposition": value}) == {
            "/content_disposition": disguise
        }

    def test_a_file_name_and_a_disposition_exclude_each_other(self) -> None:
        assert errors({"key": "a", "download_as": "b", "response_content_disposition": "inline"}) == {
            "/download_as": "cannot be given together with response_content_disposition"
        }

    @pytest.mark.parametrize("value", ["tomorrow", "2026-11-23T22:00:00", "0001-01-01T00:00:00+14:00"])
    def test_moments(self, value: str) -> None:
        assert list(errors({"key": "a", "response_expires": value})) == ["/response_expires"]

    def test_lengths(self) -> None:
        limit = 50 * 1024**3
        assert parse({"operation": "put_object", "key": "a", "content_length": limit}).headers == {
            "Content-Length": str(limit)
        }
        assert list(errors({"operation": "put_object", "key": "a", "content_length": limit + 1})) == ["/content_length"]


class TestMetadata:
    """Names are HTTP tokens, values are header values, and S3 has a limit for both together."""

    def errors(self, metadata: dict[str, str]) -> dict[str, str]:
        return errors({"operation": "put_object", "key": "a", "metadata": metadata})

    @pytest.mark.parametrize("name", ["", "a b", "a:b", "ä", "a\r\nb", "a\x00"])
    def test_names(self, name: str) -> None:
        assert list(self.errors({name: "x"})) == [f"/metadata/{name}"]

    @pytest.mark.parametrize("value", ["", "a\r\nhost: b", "ä", " a"])
    def test_values(self, value: str) -> None:
        assert list(self.errors({"a": value})) == ["/metadata/a"]

    def test_one_name_in_two_spellings(self) -> None:
        assert self.errors({"Author": "x", "author": "y"}) == {
            "/metadata/author": "is there twice, as letter case does not count"
        }

    def test_the_number_of_entries(self) -> None:
        assert parse({"operation": "put_object", "key": "a", "metadata": {f"a{n}": "x" for n in range(64)}}).headers
        assert self.errors({f"a{n} ": "" for n in range(65)}) == {"/metadata": "has 65 entries; 64 are allowed"}

    def test_size(self) -> None:
        assert parse({"operation": "put_object", "key": "a", "metadata": {"ab": "x" * 2046}}).headers
        assert self.errors({"ab": "x" * 2047}) == {"/metadata": "has 2049 bytes with its names; 2048 are allowed"}


class TestForm:
    """A form holds what was signed, whatever is the name of the file that is sent with it."""

    def errors(self, **options: Any) -> dict[str, str]:
        return errors({"operation": "post_object", "key": "a", **options})

    def test_uploading(self) -> None:
        document = {
            "operation": "post_object",
            "key": "a%b{filename}",
            "content_type": "image/png",
            "max_content_length": 9,
            "metadata": {"Author": "{filename}"},
            "success_action_status": 201,
        }
        form = PARSER.parse(document).operation
        assert isinstance(form, PostObject)
        assert form.key == "a%b{filename}"
        assert form.fields() == {
            "Content-Type": "image/png",
            "x-amz-meta-author": "{filename}",
            "success_action_status": "201",
        }
        assert form.content_length_range() == (0, 9)

    @pytest.mark.parametrize("text", ["${filename}", "$", "$$", "a$b", "$key"])
    def test_no_field_holds_what_s3_reads_in_its_own_way(self, text: str) -> None:
        """S3 replaces `${filename}`, and the condition for a field with another dollar does not hold."""
        options = {
            "key": f"a/{text}",
            "content_type": f'image/png; name="{text}"',
            "metadata": {"a": "b", "name": f"x{text}", "b$": "c"},
        }
        fault = "must not hold $ in a form, where S3 gives it a meaning of its own"
        found = dict.fromkeys(("/key", "/content_type", "/metadata/name", "/metadata/b$"), fault)
        assert self.errors(**options) == found
        assert parse({"operation": "put_object", **options}).key == f"a/{text}"

    def test_sizes(self) -> None:
        fault = {"/min_content_length": "must not be above max_content_length"}
        assert self.errors(min_content_length=2, max_content_length=1) == fault
        form = PARSER.parse({"operation": "post_object", "key": "a", "min_content_length": 2, "max_content_length": 2})
        assert isinstance(form.operation, PostObject)
        assert form.operation.content_length_range() == (2, 2)

    @pytest.mark.parametrize("status", [0, 202, 302, 404])
    def test_status(self, status: int) -> None:
        assert self.errors(success_action_status=status) == {"/success_action_status": "must be one of 200, 201, 204"}


class TestLists:
    """A store's own tokens come back to it as they are, and a list may begin at any key."""

    def query(self, operation: str = "list_objects_v2", **options: Any) -> list[tuple[str, str]]:
        return parse({"operation": operation, **options}).query[1 if operation == "list_objects_v2" else 0 :]

    @pytest.mark.parametrize("token", ["t/ü 1.txt", "a" * 1356, "x" * 4096, "ü" * 2048, " ", "/../", "\ufffe"])
    def test_a_token_is_opaque(self, token: str) -> None:
        assert self.query(continuation_token=token) == [("continuation-token", token)]
        assert ("upload-id-marker", token) in self.query("list_multipart_uploads", upload_id_marker=token)

    @pytest.mark.parametrize(
        ("token", "detail"),
        [
            ("x" * 4097, "must have at most 4096 characters"),
            ("ü" * 2049, "must have at most 4096 bytes of UTF-8"),
            ("a\n", "must not hold control characters"),
            ("\x7f", "must not hold control characters"),
        ],
    )
    def test_a_token_has_bounds(self, token: str, detail: str) -> None:
        asked = {"operation": "list_objects_v2", "continuation_token": token}
        assert errors(asked) == {"/continuation_token": detail}
        asked = {"operation": "list_multipart_uploads", "upload_id_marker": token}
        assert errors(asked) == {"/upload_id_marker": detail}

    @pytest.mark.parametrize("key", ["a", "a" * 1024, "ü" * 512, "a b/ü", "a/..b", "a/b/"])
    def test_a_list_may_begin_with_any_key(self, key: str) -> None:
        assert self.query(prefix=key) == [("prefix", key)]
        assert self.query(start_after=key) == [("start-after", key)]
        assert ("key-marker", key) in self.query("list_multipart_uploads", key_marker=key)

    def test_a_marker_may_be_a_key_that_others_made(self) -> None:
        assert self.query(start_after="/a/../b") == [("start-after", "/a/../b")]

    @pytest.mark.parametrize("name", ["prefix", "start_after"])
    @pytest.mark.parametrize("value", ["a" * 1025, "ü" * 513, "a\n"])
    def test_no_list_begins_with_more_than_a_key(self, name: str, value: str) -> None:
        assert list(errors({"operation": "list_objects_v2", name: value})) == [f"/{name}"]

    @pytest.mark.parametrize(
        ("prefix", "detail"),
        [
            ("/a", "must not begin with a slash"),
            ("a/../b", "must not have a '.' or '..' segment"),
            ("a\uffff", "must not hold U+FFFE or U+FFFF, with which no list could be read"),
        ],
    )
    def test_a_prefix_is_the_beginning_of_a_key(self, prefix: str, detail: str) -> None:
        assert errors({"operation": "list_objects_v2", "prefix": prefix}) == {"/prefix": detail}

    @pytest.mark.parametrize("delimiter", ["/", " ", "ü", "😀", "%", "//"])
    def test_a_delimiter_is_any_character(self, delimiter: str) -> None:
        assert self.query(delimiter=delimiter) == [("delimiter", delimiter)]

    def test_an_empty_text_is_none(self) -> None:
        empty = {"prefix": "", "delimiter": "", "start_after": "", "continuation_token": ""}
        request = PARSER.parse({"operation": "list_objects_v2", **empty})
        assert request.operation.query() == [("list-type", "2")]
        assert request.operation.target == ""

    def test_a_folder_has_a_prefix(self) -> None:
        assert errors({"operation": "get_prefix", "prefix": ""}) == {"/prefix": "must not be empty"}
