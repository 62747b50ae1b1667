"""The URLs of pre-authenticated requests give the access that Oracle documents, and no more."""

from __future__ import annotations

import pytest

from local.api import Fault
from support.native_storage import NAMESPACE, NativeStorage, ask, error
from support.store import BUCKET, send, told
from support.waiting import wait_until

ORIGIN = {"Origin": "https://app.example.com"}
WRONG = (404, "NotAuthorizedOrNotFound")
PART = bytes(range(256)) * (40 << 10)  # 10 MiB, the least that a part may have unless it is the last one


@pytest.fixture(autouse=True)
def _object(native: NativeStorage) -> None:
    native.storage.put_object(BUCKET, "a.txt", b"0123456789")


class TestReading:
    """A PAR for reading gives its object."""

    def test_the_object(self, native: NativeStorage) -> None:
        answer = ask("GET", native.par().full_path)
        assert (answer.status_code, answer.content) == (200, b"0123456789")
        assert answer.headers["content-md5"] == "eB5eJF1ptWaXm4bijSPyxw=="
        assert answer.headers["storage-tier"] == "Standard"
        assert answer.headers["x-api-id"] == "native"

    def test_the_head(self, native: NativeStorage) -> None:
        answer = ask("HEAD", native.par().full_path)
        assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "10")

    @pytest.mark.parametrize("size", [10, 3 << 20], ids=["in memory", "in a file"])
    def test_a_range(self, native: NativeStorage, size: int) -> None:
        native.storage.put_object(BUCKET, "range", b"0123456789" + b"x" * (size - 10))
        url = native.par(object_name="range").full_path
        answer = ask("GET", url, headers={"Range": "bytes=2-4"})
        assert (answer.status_code, answer.content) == (206, b"234")
        assert answer.headers["Content-Range"] == f"bytes 2-4/{size}"
        answer = ask("GET", url, headers={"Range": f"bytes={size}-"})
        assert error(answer) == (416, "InvalidRange")

    def test_a_condition(self, native: NativeStorage) -> None:
        url = native.par().full_path
        etag = ask("HEAD", url).headers["etag"]
        assert ask("GET", url, headers={"If-None-Match": etag}).status_code == 304
        assert error(ask("GET", url, headers={"If-Match": "other"}))[0] == 412

    def test_the_holder_chooses_headers_of_the_answer(self, native: NativeStorage) -> None:
        options = {
            "httpResponseContentDisposition": 'attachment; filename="a b.txt"',
            "httpResponseCacheControl": "no-store",
            "httpResponseContentType": "text/plain",
            "httpResponseContentLanguage": "de",
            "httpResponseContentEncoding": "identity",
            "httpResponseExpires": "Thu, 01 Jan 2099 00:00:00 GMT",
        }
        headers = ask("GET", native.par().full_path, params=options).headers
        assert headers["Content-Disposition"] == 'attachment; filename="a b.txt"'
        assert (headers["Cache-Control"], headers["Content-Type"]) == ("no-store", "text/plain")
        assert (headers["Content-Language"], headers["Content-Encoding"]) == ("de", "identity")
        assert headers["Expires"] == "Thu, 01 Jan 2099 00:00:00 GMT"

    @pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
    def test_another_verb(self, native: NativeStorage, method: str) -> None:
        assert error(ask(method, native.par().full_path, data=b"x")) == WRONG
        assert native.content("a.txt") == b"0123456789"

    def test_another_object_or_bucket(self, native: NativeStorage) -> None:
        native.storage.put_object(BUCKET, "b.txt", b"secret")
        native.storage.put_object("lower", "a.txt", b"secret")
        url = native.par().full_path
        for changed in (
            url.replace("/a.txt", "/b.txt"),
            url.replace("/a.txt", "/a.txt/"),
            url.replace("/a.txt", "/"),
            url.replace(BUCKET, "lower"),
            url.replace("/n/ns/", "/n/other/"),
            url.replace("/o/a.txt", "/u/a.txt"),
        ):
            assert error(ask("GET", changed))[0] in (401, 404)

    def test_an_object_that_does_not_exist(self, native: NativeStorage) -> None:
        assert error(ask("GET", native.par(object_name="none").full_path)) == (404, "ObjectNotFound")

    def test_a_key_with_awkward_characters(self, native: NativeStorage) -> None:
        key = "ü/a b+c%41?#&=.txt"
        native.storage.put_object(BUCKET, key, b"found")
        url = native.par(object_name=key).full_path
        assert send("GET", url) == (200, b"found")
        assert send("GET", url.replace("%C3%BC/", "%C3%BC%2F")) == (200, b"found")

    def test_a_request_line_that_is_too_long(self, native: NativeStorage) -> None:
        url = native.par(object_name="ü" * 512).full_path
        assert error(ask("GET", f"{url}?{'a' * 600}"))[0] == 414


class TestWriting:
    """A PAR for writing stores its object."""

    def test_an_upload(self, native: NativeStorage) -> None:
        headers = {"Content-Type": "image/png", "Cache-Control": "no-cache", "opc-meta-owner": "ada"}
        answer = ask("PUT", native.par("ObjectWrite", "new.png").full_path, data=b"new", headers=headers)
        assert (answer.status_code, answer.content) == (200, b"")
        found = ask("GET", native.par("ObjectRead", "new.png").full_path)
        assert found.content == b"new"
        assert found.headers["etag"] == answer.headers["etag"]
        assert found.headers["content-md5"] == answer.headers["opc-content-md5"]
        assert (found.headers["Content-Type"], found.headers["Cache-Control"]) == ("image/png", "no-cache")
        assert found.headers["opc-meta-owner"] == "ada"

    def test_only_if_there_is_none(self, native: NativeStorage) -> None:
        url = native.par("ObjectWrite", "once").full_path
        assert error(ask("PUT", url, data=b"a", headers={"If-None-Match": "other"})) == (400, "InvalidParameter")
        assert ask("PUT", url, data=b"a", headers={"If-None-Match": "*"}).status_code == 200
        assert error(ask("PUT", url, data=b"b", headers={"If-None-Match": "*"})) == (412, "IfNoneMatchFailed")
        assert native.content("once") == b"a"

    def test_only_if_it_is_the_same(self, native: NativeStorage) -> None:
        url = native.par("ObjectWrite", "same").full_path
        for condition in ("*", "other"):
            assert error(ask("PUT", url, data=b"a", headers={"If-Match": condition})) == (412, "IfMatchFailed")
        etag = ask("PUT", url, data=b"a").headers["etag"]
        assert error(ask("PUT", url, data=b"b", headers={"If-Match": "other"})) == (412, "IfMatchFailed")
        assert ask("PUT", url, data=b"b", headers={"If-Match": etag}).status_code == 200
        assert error(ask("PUT", url, data=b"c", headers={"If-Match": etag})) == (412, "IfMatchFailed")
        assert ask("PUT", url, data=b"c", headers={"If-Match": "*"}).status_code == 200
        assert native.content("same") == b"c"

    @pytest.mark.parametrize("name", ["a%0Ab", "a%0Db", "a%00b", "x" * 1020])
    def test_a_name_that_no_object_can_have(self, native: NativeStorage, name: str) -> None:
        url = native.par("AnyObjectWrite", "inbox/").full_path
        assert error(ask("PUT", f"{url}inbox/{name}", data=b"x")) == (400, "InvalidObjectName")

    def test_the_s3_api_has_the_same_object(self, native: NativeStorage) -> None:
        headers = {"Content-Type": "image/png", "opc-meta-owner": "ada"}
        ask("PUT", native.par("ObjectWrite", "new.png").full_path, data=b"new", headers=headers)
        answer = native.do("GET", "get_object", Key="new.png")
        assert answer == (200, b"new")
        assert (answer.headers["Content-Type"], answer.headers["x-amz-meta-owner"]) == ("image/png", "ada")
        native.do("DELETE", "delete_object", Key="new.png")
        assert error(ask("GET", native.par("ObjectRead", "new.png").full_path)) == (404, "ObjectNotFound")

    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    def test_another_verb(self, native: NativeStorage, method: str) -> None:
        assert error(ask(method, native.par("ObjectWrite").full_path)) == WRONG

    def test_both(self, native: NativeStorage) -> None:
        url = native.par("ObjectReadWrite").full_path
        assert ask("PUT", url, data=b"new").status_code == 200
        assert ask("GET", url).content == b"new"
        assert error(ask("DELETE", url)) == WRONG

    def test_only_if_it_does_not_exist(self, native: NativeStorage) -> None:
        url, headers = native.par("ObjectWrite", "once").full_path, {"If-None-Match": "*"}
        assert ask("PUT", url, data=b"first", headers=headers).status_code == 200
        assert error(ask("PUT", url, data=b"second", headers=headers)) == (412, "IfNoneMatchFailed")
        assert native.content("once") == b"first"
        assert ask("PUT", url, data=b"third").status_code == 200

    def test_a_digest(self, native: NativeStorage) -> None:
        url, headers = native.par("ObjectWrite", "digest").full_path, {"Content-MD5": "eB5eJF1ptWaXm4bijSPyxw=="}
        assert ask("PUT", url, data=b"0123456789", headers=headers).status_code == 200
        assert error(ask("PUT", url, data=b"012345678", headers=headers)) == (400, "UnmatchedContentMD5")


class TestPrefix:
    """A PAR for any object is for those below its prefix."""

    def test_reading(self, native: NativeStorage) -> None:
        native.storage.put_object(BUCKET, "film/1/a.ts", b"segment")
        url = native.par("AnyObjectRead", "film/").full_path
        assert ask("GET", f"{url}film/1/a.ts").content == b"segment"
        assert error(ask("GET", f"{url}a.txt")) == WRONG
        assert error(ask("GET", f"{url}film")) == WRONG
        assert error(ask("PUT", f"{url}film/b", data=b"x")) == WRONG

    def test_writing(self, native: NativeStorage) -> None:
        url = native.par("AnyObjectWrite", "inbox/").full_path
        assert ask("PUT", f"{url}inbox/a", data=b"x").status_code == 200
        assert error(ask("PUT", f"{url}a.txt", data=b"x")) == WRONG
        assert error(ask("GET", f"{url}inbox/a")) == WRONG
        assert native.content("inbox/a") == b"x"

    def test_a_whole_bucket(self, native: NativeStorage) -> None:
        url = native.par("AnyObjectReadWrite", None).full_path
        assert ask("GET", f"{url}a.txt").content == b"0123456789"


class TestListing:
    """A PAR that allows listing lists the objects below its prefix."""

    @pytest.fixture
    def url(self, native: NativeStorage) -> str:
        for key in ("film/b", "film/a", "film/x/1", "film/x/2", "film/ü", "secret"):
            native.storage.put_object(BUCKET, key, key.encode())
        par = native.par("AnyObjectRead", "film/", bucket_listing_action="ListObjects")
        return str(par.full_path)

    def names(self, url: str, **parameters: str) -> list[str]:
        return [found["name"] for found in ask("GET", url, params=parameters).json()["objects"]]

    def test_all(self, url: str) -> None:
        assert ask("GET", url, params={"prefix": "film/"}).json() == {
            "objects": [{"name": name} for name in ("film/a", "film/b", "film/x/1", "film/x/2", "film/ü")]
        }

    def test_folders(self, url: str) -> None:
        found = ask("GET", url, params={"prefix": "film/", "delimiter": "/"}).json()
        assert found == {
            "objects": [{"name": "film/a"}, {"name": "film/b"}, {"name": "film/ü"}],
            "prefixes": ["film/x/"],
        }

    def test_page_by_page(self, url: str) -> None:
        pages, start = [], ""
        while True:
            parameters = {"prefix": "film/", "delimiter": "/", "limit": "2", "start": start}
            page = ask("GET", url, params=parameters).json()
            pages.append([*(found["name"] for found in page["objects"]), *page["prefixes"]])
            start = page.get("nextStartWith", "")
            if not start:
                break
        assert pages == [["film/a", "film/b"], ["film/ü", "film/x/"]]

    def test_from_and_to(self, url: str) -> None:
        assert self.names(url, prefix="film/", start="film/b", end="film/x/2") == ["film/b", "film/x/1"]
        assert self.names(url, prefix="film/", startAfter="film/x/1") == ["film/x/2", "film/ü"]

    def test_fields(self, url: str) -> None:
        parameters = {"prefix": "film/a", "fields": "name,size,md5,etag,timeCreated,timeModified,storageTier"}
        (found,) = ask("GET", url, params=parameters).json()["objects"]
        assert (found["name"], found["size"], found["md5"]) == ("film/a", 6, "rjm7iDKqVHMV4U+G7+VFXQ==")
        assert sorted(found) == ["etag", "md5", "name", "size", "storageTier", "timeCreated", "timeModified"]

    @pytest.mark.parametrize("prefix", ["", "film", "secret"])
    def test_another_prefix(self, url: str, prefix: str) -> None:
        assert error(ask("GET", url, params={"prefix": prefix})) == WRONG

    @pytest.mark.parametrize(
        "parameters",
        [
            {"limit": "0"},
            {"limit": "1001"},
            {"limit": "x"},
            {"delimiter": "-"},
            {"fields": "owner"},
            {"limit": "9" * 3000},
        ],
    )
    def test_invalid_parameters(self, url: str, parameters: dict[str, str]) -> None:
        assert error(ask("GET", url, params={"prefix": "film/", **parameters})) == (400, "InvalidParameter")

    @pytest.mark.parametrize("action", [None, "Deny"])
    def test_not_allowed(self, native: NativeStorage, action: str | None) -> None:
        par = native.par("AnyObjectRead", "film/", bucket_listing_action=action)
        assert error(ask("GET", par.full_path, params={"prefix": "film/"})) == WRONG


class TestMultipart:
    """A PAR for writing begins a multipart upload, whose access URI takes the parts."""

    def begin(self, native: NativeStorage, key: str = "d/ü b.bin", **headers: str) -> str:
        url = native.par("ObjectWrite", key).full_path
        answer = ask("PUT", url, headers={"opc-multipart": "true", **headers})
        assert answer.status_code == 200
        document = answer.json()
        assert (document["namespace"], document["bucket"], document["object"]) == (NAMESPACE, BUCKET, key)
        token = document["accessUri"].split("/")[2]
        assert token not in url
        assert document["accessUri"].endswith(f"/id/{document['uploadId']}/")
        return f"{native.server.url}{document['accessUri']}"

    def test_an_object_of_three_parts(self, native: NativeStorage) -> None:
        url = self.begin(native, **{"Content-Type": "video/mp4", "opc-meta-owner": "ada"})
        for number, content in ((3, b"end"), (1, PART), (2, PART[::-1])):
            answer = ask("PUT", f"{url}{number}", data=content)
            assert answer.status_code == 200
            assert answer.headers["etag"]
        assert native.content("d/ü b.bin") is None
        answer = ask("POST", url)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["opc-multipart-md5"].endswith("==-3")
        found = ask("GET", native.par("ObjectRead", "d/ü b.bin").full_path)
        assert found.content == PART + PART[::-1] + b"end"
        assert (found.headers["Content-Type"], found.headers["opc-meta-owner"]) == ("video/mp4", "ada")
        assert found.headers["opc-multipart-md5"] == answer.headers["opc-multipart-md5"]
        assert found.headers["etag"] == answer.headers["etag"]

    def test_a_part_again(self, native: NativeStorage) -> None:
        url = self.begin(native, "again")
        etags = {ask("PUT", f"{url}1", data=content).headers["etag"] for content in (b"first", b"second")}
        assert len(etags) == 2
        assert ask("POST", url).status_code == 200
        assert native.content("again") == b"second"

    def test_aborted(self, native: NativeStorage) -> None:
        url = self.begin(native, "aborted")
        ask("PUT", f"{url}1", data=b"x")
        assert ask("DELETE", url).status_code == 204
        for method, target in (("PUT", f"{url}1"), ("POST", url), ("DELETE", url)):
            assert error(ask(method, target, data=b"x")) == (404, "NoSuchUpload")
        assert native.content("aborted") is None

    def test_committed_once(self, native: NativeStorage) -> None:
        url = self.begin(native, "once")
        ask("PUT", f"{url}1", data=b"x")
        assert ask("POST", url).status_code == 200
        assert error(ask("POST", url)) == (404, "NoSuchUpload")

    def test_requests_that_oracle_does_not_document(self, native: NativeStorage) -> None:
        url = self.begin(native, "documented")
        for method, target in (("GET", url), ("HEAD", f"{url}1"), ("POST", f"{url}1"), ("DELETE", f"{url}1")):
            assert ask(method, target).status_code == 404

    def test_part_numbers(self, native: NativeStorage) -> None:
        url = self.begin(native, "numbers")
        assert ask("PUT", f"{url}10000", data=b"x").status_code == 200
        for number in ("0", "10001", "-1", "a", "1/2", "9" * 3000):
            assert error(ask("PUT", f"{url}{number}", data=b"x")) == (400, "InvalidUploadPart")

    def test_a_part_that_is_too_small(self, native: NativeStorage) -> None:
        url = self.begin(native, "small")
        ask("PUT", f"{url}1", data=PART[1:])
        ask("PUT", f"{url}2", data=b"end")
        assert error(ask("POST", url)) == (400, "InvalidUploadPart")

    def test_no_parts(self, native: NativeStorage) -> None:
        assert error(ask("POST", self.begin(native, "empty"))) == (400, "InvalidUploadPart")

    def test_only_if_it_does_not_exist(self, native: NativeStorage) -> None:
        headers = {"opc-multipart": "true", "If-None-Match": "*"}
        assert error(ask("PUT", native.par("ObjectWrite").full_path, headers=headers)) == (412, "IfNoneMatchFailed")
        url = self.begin(native, "race")
        ask("PUT", f"{url}1", data=b"mine")
        native.storage.put_object(BUCKET, "race", b"theirs")
        assert error(ask("POST", url, headers={"If-None-Match": "*"})) == (412, "IfNoneMatchFailed")
        assert native.content("race") == b"theirs"

    def test_another_token_or_upload(self, native: NativeStorage) -> None:
        url, other = self.begin(native, "one"), self.begin(native, "two")
        assert error(ask("PUT", f"{url.replace('/one/', '/two/')}1", data=b"x")) == WRONG
        token, other_token = url.split("/")[4], other.split("/")[4]
        assert error(ask("PUT", f"{url.replace(token, other_token)}1", data=b"x")) == WRONG
        assert error(ask("PUT", f"{url.replace(token, 'x')}1", data=b"x")) == (401, "NotAuthenticated")

    def test_a_par_for_reading_begins_none(self, native: NativeStorage) -> None:
        answer = ask("PUT", native.par("ObjectRead").full_path, headers={"opc-multipart": "true"})
        assert error(answer) == WRONG

    def test_the_s3_api_does_not_know_the_upload(self, native: NativeStorage) -> None:
        upload_id = told(native.do("POST", "create_multipart_upload", Key="s3"), "UploadId")
        url = self.begin(native, "s3")
        used = url.split("/id/")[1].strip("/")
        assert error(ask("PUT", f"{url.replace(used, str(upload_id))}1", data=b"x")) == WRONG


class TestEnd:
    """A PAR ends when it expires or is deleted."""

    def test_deleted(self, native: NativeStorage) -> None:
        par = native.par()
        assert ask("GET", par.full_path).status_code == 200
        native.sdk.delete_preauthenticated_request(NAMESPACE, BUCKET, par.id)
        answer = ask("GET", par.full_path, headers=ORIGIN)
        assert error(answer) == (401, "NotAuthenticated")
        assert answer.headers["access-control-allow-origin"] == "*"

    def test_expired(self, native: NativeStorage) -> None:
        par = native.par(seconds=0.3)
        wait_until(lambda: ask("GET", par.full_path).status_code != 200)
        assert error(ask("GET", par.full_path)) == WRONG
        assert [listed.id for listed in native.sdk.list_preauthenticated_requests(NAMESPACE, BUCKET).data] == [par.id]

    def test_an_upload_that_was_begun_before_can_be_committed(self, native: NativeStorage) -> None:
        """Oracle does not document this; the local store takes the case that is worse for security."""
        par = native.par("ObjectWrite", "begun")
        access_uri = ask("PUT", par.full_path, headers={"opc-multipart": "true"}).json()["accessUri"]
        native.sdk.delete_preauthenticated_request(NAMESPACE, BUCKET, par.id)
        assert ask("PUT", f"{native.server.url}{access_uri}1", data=b"x").status_code == 200
        assert ask("POST", f"{native.server.url}{access_uri}").status_code == 200


class TestCors:
    """Pages of all origins may use PARs, without any setting of the bucket."""

    def test_a_preflight(self, native: NativeStorage) -> None:
        wanted = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type,opc-meta-a"}
        answer = ask("OPTIONS", native.par("ObjectWrite").full_path, headers={**ORIGIN, **wanted})
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-methods"] == "POST,PUT,GET,HEAD,DELETE,OPTIONS"
        assert answer.headers["access-control-allow-headers"] == "content-type,opc-meta-a"

    def test_an_answer(self, native: NativeStorage) -> None:
        headers = ask("GET", native.par().full_path, headers=ORIGIN).headers
        assert headers["access-control-allow-origin"] == "*"
        assert headers["access-control-allow-credentials"] == "true"
        exposed = headers["access-control-expose-headers"].split(",")
        assert {"etag", "content-length", "opc-multipart-md5", "opc-request-id"} <= set(exposed)
        assert "access-control-allow-headers" not in headers

    def test_an_error(self, native: NativeStorage) -> None:
        answer = ask("DELETE", native.par().full_path, headers=ORIGIN)
        assert answer.headers["access-control-allow-origin"] == "*"

    def test_the_s3_api_has_none(self, native: NativeStorage) -> None:
        answer = native.do("GET", "get_object", headers=ORIGIN)
        assert answer == (200, b"0123456789")
        assert "access-control-allow-origin" not in answer.headers


def test_a_fault_befalls_one_api(native: NativeStorage) -> None:
    par = native.par()
    native.storage.fault = Fault(status=503, api="par")
    answer = ask("GET", par.full_path, headers=ORIGIN)
    assert error(answer) == (503, "Fault")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert native.sdk.get_namespace().data == NAMESPACE
