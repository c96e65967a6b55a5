"""Our registry answers as the distribution specification says, over real connections."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator

import pytest
from tests.support.protocol import EMPTY, Talk, digest_of, manifest
from tests.support.registries import RunningRegistry, own_registry

from dockyard.oci.image import INDEX, MANIFEST

CONTENT = os.urandom(300_000)
DIGEST = digest_of(CONTENT)
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with own_registry(tmp_path_factory.mktemp("own")) as running:
        yield running


@pytest.fixture
def talk(registry: RunningRegistry) -> Talk:
    return Talk(registry.host)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A repository of the test's own."""
    words = request.node.name.removeprefix("test_").partition("[")[0]
    return f"tests/{words.replace('_', '-')}-{os.urandom(3).hex()}"


def test_a_registry_says_that_it_is_one(talk: Talk) -> None:
    answer = talk.ask("GET", "/v2/")

    assert answer.status == 200
    assert answer.headers["docker-distribution-api-version"] == "registry/2.0"
    assert talk.ask("HEAD", "/v2/").body == b""


# Uploads


def test_a_blob_is_sent_at_once_by_two_requests(talk: Talk, name: str) -> None:
    answer = talk.ask("PUT", f"{talk.start(name)}?digest={DIGEST}", CONTENT)

    assert answer.status == 201
    assert answer.headers["location"] == f"/v2/{name}/blobs/{DIGEST}"
    assert talk.ask("GET", answer.headers["location"]).body == CONTENT


def test_a_blob_is_sent_by_one_request(talk: Talk, name: str) -> None:
    answer = talk.ask("POST", f"/v2/{name}/blobs/uploads/?digest={DIGEST}", CONTENT)

    assert answer.status == 201
    assert talk.ask("GET", f"/v2/{name}/blobs/{DIGEST}").body == CONTENT


def test_a_blob_is_sent_in_chunks(talk: Talk, name: str) -> None:
    place = talk.start(name)
    for start in range(0, len(CONTENT), 100_000):
        chunk = CONTENT[start : start + 100_000]
        end = start + len(chunk) - 1
        answer = talk.ask("PATCH", place, chunk, Content_Range=f"{start}-{end}")
        assert (answer.status, answer.headers["range"]) == (202, f"0-{end}")
        place = answer.headers["location"]
        looked = talk.ask("GET", place)
        assert (looked.status, looked.headers["range"]) == (204, f"0-{end}")

    assert talk.ask("PUT", f"{place}?digest={DIGEST}").status == 201
    assert talk.ask("GET", f"/v2/{name}/blobs/{DIGEST}").body == CONTENT


def test_the_last_chunk_may_come_with_the_end(talk: Talk, name: str) -> None:
    place = talk.start(name)
    talk.ask("PATCH", place, CONTENT[:1000], Content_Range="0-999")

    answer = talk.ask("PUT", f"{place}?digest={DIGEST}", CONTENT[1000:],
                      Content_Range=f"1000-{len(CONTENT) - 1}")  # fmt: skip

    assert answer.status == 201


def test_a_blob_of_unknown_length_is_streamed(talk: Talk, name: str) -> None:
    place = talk.start(name)
    blocks = (CONTENT[start : start + 7000] for start in range(0, len(CONTENT), 7000))

    answer = talk.ask("PATCH", place, blocks)

    assert (answer.status, answer.headers["range"]) == (202, f"0-{len(CONTENT) - 1}")
    assert talk.ask("PUT", f"{place}?digest={DIGEST}").status == 201


@pytest.mark.parametrize("span", ["500-999", "2000-2499", "0-499"])
def test_a_chunk_out_of_order_is_refused_with_what_there_is(
    talk: Talk, name: str, span: str
) -> None:
    place = talk.start(name)
    talk.ask("PATCH", place, CONTENT[:1000], Content_Range="0-999")

    answer = talk.ask("PATCH", place, CONTENT[:500], Content_Range=span)

    assert (answer.status, answer.codes) == (416, ["BLOB_UPLOAD_INVALID"])
    assert answer.headers["range"] == "0-999"
    assert answer.headers["location"] == place


def test_what_does_not_have_the_digest_is_refused_and_gone(talk: Talk, name: str) -> None:
    place = talk.start(name)

    answer = talk.ask("PUT", f"{place}?digest={DIGEST}", b"something else")

    assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"])
    assert talk.ask("HEAD", f"/v2/{name}/blobs/{DIGEST}").status == 404
    assert talk.ask("GET", place).codes == ["BLOB_UPLOAD_UNKNOWN"]


def test_an_upload_that_was_canceled_is_gone(talk: Talk, name: str) -> None:
    place = talk.start(name)

    assert talk.ask("DELETE", place).status == 204
    assert talk.ask("DELETE", place).codes == ["BLOB_UPLOAD_UNKNOWN"]


def test_a_blob_may_be_empty(talk: Talk, name: str) -> None:
    digest = talk.push_blob(name, b"")

    answer = talk.ask("GET", f"/v2/{name}/blobs/{digest}")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")


def test_a_blob_may_have_a_sha512(talk: Talk, name: str) -> None:
    digest = talk.push_blob(name, CONTENT, "sha512")

    answer = talk.ask("GET", f"/v2/{name}/blobs/{digest}")
    assert answer.body == CONTENT
    assert answer.headers["docker-content-digest"] == digest


@pytest.mark.parametrize("source", ["&from={name}", ""])
def test_a_blob_is_mounted_from_another_repository(talk: Talk, name: str, source: str) -> None:
    content = os.urandom(100)
    digest = talk.push_blob(name, content)
    path = f"/v2/{name}-2/blobs/uploads/?mount={digest}{source.format(name=name)}"

    answer = talk.ask("POST", path)

    assert answer.status == 201
    assert answer.headers["location"] == f"/v2/{name}-2/blobs/{digest}"
    assert talk.ask("GET", answer.headers["location"]).body == content


def test_what_can_not_be_mounted_is_to_be_sent(talk: Talk, name: str) -> None:
    digest = digest_of(os.urandom(10))

    answer = talk.ask("POST", f"/v2/{name}/blobs/uploads/?mount={digest}&from=nowhere/x")

    assert answer.status == 202
    assert "/blobs/uploads/" in answer.headers["location"]


# Blobs


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=100-", 100, 300_000),
        ("bytes=-10", 299_990, 300_000),
        ("bytes=-400000", 0, 300_000),
        ("bytes=299999-400000", 299_999, 300_000),
    ],
)
def test_a_part_of_a_blob_can_be_had(
    talk: Talk, name: str, wanted: str, start: int, end: int
) -> None:
    talk.push_blob(name, CONTENT)

    answer = talk.ask("GET", f"/v2/{name}/blobs/{DIGEST}", Range=wanted)

    assert (answer.status, answer.body) == (206, CONTENT[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/300000"


@pytest.mark.parametrize("wanted", ["bytes=300000-", "bytes=300000-300001", "bytes=-0"])
def test_a_range_past_the_end_is_refused(talk: Talk, name: str, wanted: str) -> None:
    talk.push_blob(name, CONTENT)

    answer = talk.ask("GET", f"/v2/{name}/blobs/{DIGEST}", Range=wanted)

    assert answer.status == 416
    assert answer.headers["content-range"] == "bytes */300000"


def test_a_blob_is_there_only_where_it_was_sent(talk: Talk, name: str) -> None:
    talk.push_blob(name, CONTENT)

    head = talk.ask("HEAD", f"/v2/{name}/blobs/{DIGEST}")
    assert (head.status, head.headers["content-length"], head.body) == (200, "300000", b"")
    other = talk.ask("GET", f"/v2/{name}-2/blobs/{DIGEST}")
    assert (other.status, other.codes) == (404, ["BLOB_UNKNOWN"])


def test_a_blob_is_removed(talk: Talk, name: str) -> None:
    talk.push_blob(name, CONTENT)

    assert talk.ask("DELETE", f"/v2/{name}/blobs/{DIGEST}").status == 202
    assert talk.ask("DELETE", f"/v2/{name}/blobs/{DIGEST}").codes == ["BLOB_UNKNOWN"]


def test_a_blob_of_a_manifest_is_not_removed(talk: Talk, name: str) -> None:
    talk.push_image(name, "1", CONTENT)

    assert talk.ask("DELETE", f"/v2/{name}/blobs/{DIGEST}").status == 405
    assert talk.ask("HEAD", f"/v2/{name}/blobs/{DIGEST}").status == 200


# Manifests


@pytest.mark.parametrize("media_type", [MANIFEST, DOCKER])
def test_a_manifest_comes_back_byte_for_byte(talk: Talk, name: str, media_type: str) -> None:
    document = talk.image(name, b"layer") | {"mediaType": media_type}
    data = json.dumps(document, indent=7).encode() + b"\n\n"

    digest = talk.push_manifest(name, "1", data, media_type)

    assert digest == digest_of(data)
    for reference in ("1", digest, digest.replace(":", "%3A")):
        answer = talk.ask("GET", f"/v2/{name}/manifests/{reference}")
        assert (answer.status, answer.body) == (200, data)
        assert answer.headers["content-type"] == media_type
        head = talk.ask("HEAD", f"/v2/{name}/manifests/{reference}")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == str(len(data))
        assert head.headers["docker-content-digest"] == digest


def test_a_manifest_may_be_named_by_sha512(talk: Talk, name: str) -> None:
    data = json.dumps(talk.image(name, b"layer")).encode()
    digest = f"sha512:{hashlib.sha512(data).hexdigest()}"

    assert talk.push_manifest(name, digest, data) == digest
    assert talk.ask("GET", f"/v2/{name}/manifests/{digest}").body == data


def test_a_manifest_needs_its_blobs(talk: Talk, name: str) -> None:
    document = talk.image(name)
    lacking = manifest((DIGEST, len(CONTENT)))

    answer = talk.ask("PUT", f"/v2/{name}/manifests/1", json.dumps(lacking).encode(),
                      Content_Type=MANIFEST)  # fmt: skip

    assert document
    assert (answer.status, answer.codes) == (404, ["MANIFEST_BLOB_UNKNOWN"])
    assert talk.ask("GET", f"/v2/{name}/manifests/1").codes == ["MANIFEST_UNKNOWN"]


def test_a_manifest_has_the_digest_that_names_it(talk: Talk, name: str) -> None:
    data = json.dumps(talk.image(name)).encode()

    answer = talk.ask("PUT", f"/v2/{name}/manifests/{DIGEST}", data, Content_Type=MANIFEST)

    assert (answer.status, answer.codes) == (400, ["DIGEST_INVALID"])


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"{}", b'{"schemaVersion": 1}', b"[" * 100_000,
     b'{"schemaVersion":2,"config":{"digest":"sha256:../../x","size":1},"layers":[]}',
     b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}',
     b'{"schemaVersion":2,"manifests":[],"config":{"digest":"' + EMPTY.encode() + b'","size":2}}'],
)  # fmt: skip
def test_what_is_no_manifest_is_refused(talk: Talk, name: str, data: bytes) -> None:
    answer = talk.ask("PUT", f"/v2/{name}/manifests/1", data, Content_Type=MANIFEST)

    assert answer.status == 400
    assert answer.codes in (["MANIFEST_INVALID"], ["DIGEST_INVALID"])


def test_a_manifest_of_four_megabytes_is_taken_and_no_more(talk: Talk, name: str) -> None:
    document = talk.image(name)
    room = (4 << 20) - len(json.dumps(document | {"annotations": {"a": ""}}))
    largest = json.dumps(document | {"annotations": {"a": "x" * room}}).encode()
    assert len(largest) == 4 << 20

    digest = talk.push_manifest(name, "large", largest)

    assert talk.ask("GET", f"/v2/{name}/manifests/{digest}").body == largest
    answer = talk.ask("PUT", f"/v2/{name}/manifests/1", largest + b" ", Content_Type=MANIFEST)
    assert (answer.status, answer.codes) == (413, ["SIZE_INVALID"])


def test_indexes_may_be_nested(talk: Talk, name: str) -> None:
    child = talk.push_image(name, "child", b"layer")
    size = int(talk.ask("HEAD", f"/v2/{name}/manifests/child").headers["content-length"])
    index: dict[str, object] = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": MANIFEST, "digest": child, "size": size}]}  # fmt: skip
    inner = talk.push_manifest(name, "inner", index, INDEX)
    outer = index | {"manifests": [{"mediaType": INDEX, "digest": inner, "size": 1}]}

    digest = talk.push_manifest(name, "outer", outer, INDEX)

    answer = talk.ask("GET", f"/v2/{name}/manifests/{digest}")
    assert answer.headers["content-type"] == INDEX
    missing = index | {"manifests": [{"mediaType": MANIFEST, "digest": DIGEST, "size": 1}]}
    refused = talk.ask("PUT", f"/v2/{name}/manifests/x", json.dumps(missing).encode(),
                       Content_Type=INDEX)  # fmt: skip
    assert refused.codes == ["MANIFEST_BLOB_UNKNOWN"]


def test_a_manifest_may_have_no_layers_and_embedded_data(talk: Talk, name: str) -> None:
    talk.push_blob(name, b"{}")
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": EMPTY, "size": 2}
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.x",
                "config": config | {"data": "e30="}, "layers": []}  # fmt: skip
    bare = {key: value for key, value in document.items() if key != "layers"}

    assert talk.push_manifest(name, "1", document)
    assert talk.push_manifest(name, "2", bare)

    lying = json.dumps(document | {"config": config | {"data": "W10="}}).encode()
    refused = talk.ask("PUT", f"/v2/{name}/manifests/3", lying, Content_Type=MANIFEST)
    assert refused.codes == ["MANIFEST_INVALID"]


def test_a_tag_moves_and_the_old_manifest_stays(talk: Talk, name: str) -> None:
    first = talk.push_image(name, "latest", b"1")
    second = talk.push_image(name, "latest", b"2")

    head = talk.ask("HEAD", f"/v2/{name}/manifests/latest")
    assert head.headers["docker-content-digest"] == second
    assert talk.ask("HEAD", f"/v2/{name}/manifests/{first}").status == 200


def test_a_tag_is_removed_alone_and_a_manifest_with_its_tags(talk: Talk, name: str) -> None:
    digest = talk.push_image(name, "a", b"layer")
    talk.push_image(name, "b", b"layer")

    assert talk.ask("DELETE", f"/v2/{name}/manifests/a").status == 202
    assert talk.ask("GET", f"/v2/{name}/tags/list").json()["tags"] == ["b"]
    assert talk.ask("DELETE", f"/v2/{name}/manifests/{digest}").status == 202
    assert talk.ask("GET", f"/v2/{name}/manifests/b").status == 404
    assert talk.ask("DELETE", f"/v2/{name}/manifests/{digest}").codes == ["MANIFEST_UNKNOWN"]
    assert talk.ask("GET", f"/v2/{name}/tags/list").json()["tags"] == []


# Referrers


def test_what_refers_to_a_subject_is_listed(talk: Talk, name: str) -> None:
    subject = talk.push_image(name, "1", b"layer")
    pointer = {"mediaType": MANIFEST, "digest": subject, "size": 1}
    for kind in ("application/vnd.sig", "application/vnd.sbom"):
        data = json.dumps(talk.image(name, subject=pointer, artifactType=kind,
                                     annotations={"kind": kind})).encode()  # fmt: skip
        answer = talk.ask("PUT", f"/v2/{name}/manifests/{digest_of(data)}", data,
                          Content_Type=MANIFEST)  # fmt: skip
        assert (answer.status, answer.headers["oci-subject"]) == (201, subject)

    listed = talk.ask("GET", f"/v2/{name}/referrers/{subject}")
    found = {one["artifactType"]: one for one in listed.json()["manifests"]}
    assert listed.headers["content-type"] == INDEX
    assert found.keys() == {"application/vnd.sig", "application/vnd.sbom"}
    assert found["application/vnd.sig"]["annotations"] == {"kind": "application/vnd.sig"}
    assert "oci-filters-applied" not in listed.headers

    one = talk.ask("GET", f"/v2/{name}/referrers/{subject}?artifactType=application/vnd.sig")
    assert [each["artifactType"] for each in one.json()["manifests"]] == ["application/vnd.sig"]
    assert one.headers["oci-filters-applied"] == "artifactType"


def test_a_subject_may_be_missing_and_its_type_is_its_configuration(talk: Talk, name: str) -> None:
    subject = digest_of(os.urandom(8))
    document = talk.image(name, subject={"mediaType": MANIFEST, "digest": subject, "size": 1})

    talk.push_manifest(name, "1", document)

    (one,) = talk.ask("GET", f"/v2/{name}/referrers/{subject}").json()["manifests"]
    assert one["artifactType"] == "application/vnd.oci.image.config.v1+json"


def test_nothing_refers_to_what_is_not_there(talk: Talk, name: str) -> None:
    answer = talk.ask("GET", f"/v2/{name}/referrers/{DIGEST}")

    assert (answer.status, answer.json()["manifests"]) == (200, [])
    assert talk.ask("GET", f"/v2/{name}/referrers/sha256:xyz").codes == ["DIGEST_INVALID"]


# Lists


def test_tags_come_sorted_and_in_pages(talk: Talk, name: str) -> None:
    for tag in ("b", "a10", "a9", "B", "_x"):
        talk.push_image(name, tag, b"layer")
    path = f"/v2/{name}/tags/list"

    assert talk.ask("GET", path).json() == {"name": name, "tags": ["B", "_x", "a10", "a9", "b"]}
    first = talk.ask("GET", f"{path}?n=2")
    assert first.json()["tags"] == ["B", "_x"]
    link = first.headers["link"]
    assert link == f'<{path}?n=2&last=_x>; rel="next"'
    second = talk.ask("GET", link[1 : link.index(">")])
    assert second.json()["tags"] == ["a10", "a9"]
    last = talk.ask("GET", f"{path}?n=2&last=a9")
    assert (last.json()["tags"], "link" in last.headers) == (["b"], False)
    assert talk.ask("GET", f"{path}?n=0").json()["tags"] == []
    assert "link" not in talk.ask("GET", f"{path}?n=5").headers
    assert talk.ask("GET", f"{path}?n=x").status == 400


def test_an_unknown_repository_has_no_tags(talk: Talk, name: str) -> None:
    answer = talk.ask("GET", f"/v2/{name}/tags/list")

    assert (answer.status, answer.codes) == (404, ["NAME_UNKNOWN"])


def test_repositories_are_listed(talk: Talk, name: str) -> None:
    talk.push_blob(name, b"x")

    assert name in talk.ask("GET", "/v2/_catalog").json()["repositories"]
    page = talk.ask("GET", "/v2/_catalog?n=1")
    assert len(page.json()["repositories"]) == 1


@pytest.mark.parametrize(("method", "path"), [
    ("PUT", "/v2/"), ("POST", "/v2/a/manifests/1"), ("PATCH", f"/v2/a/blobs/{digest_of(b'')}"),
    ("DELETE", "/v2/a/tags/list"), ("OPTIONS", "/v2/a/tags/list"),
])  # fmt: skip
def test_other_methods_are_unsupported(talk: Talk, method: str, path: str) -> None:
    answer = talk.ask(method, path)

    assert (answer.status, answer.codes) == (405, ["UNSUPPORTED"])
