"""Asserts what an S3 server must do, through boto3. Needs nothing but an empty-enough server.

Takes S4_ENDPOINT, S4_REGION, S4_ACCESS_KEY_ID and S4_SECRET_ACCESS_KEY from the environment, makes buckets of its
own and removes them. Prints "N passed, 0 failed"; exits non-zero if any case failed.
"""

import base64
import concurrent.futures
import hashlib
import http.client
import os
import sys
import time
import traceback
import urllib.parse
import uuid
import zlib

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

ENDPOINT = os.environ["S4_ENDPOINT"]
REGION = os.environ["S4_REGION"]
KEY_ID = os.environ["S4_ACCESS_KEY_ID"]
SECRET = os.environ["S4_SECRET_ACCESS_KEY"]
MIB = 1024 * 1024


def client(key_id=KEY_ID, secret=SECRET, **config):
    settings = dict(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, max_pool_connections=50)
    settings.update(config)
    return boto3.client(
        "s3",
        endpoint_url=ENDPOINT,
        region_name=REGION,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(**settings),
    )


s3 = client()
PLAIN = f"plain-{uuid.uuid4().hex[:8]}"
KEPT = f"kept-{uuid.uuid4().hex[:8]}"
CASES = []


def case(function):
    CASES.append(function)
    return function


def refused(code, status, call, *args, **kwargs):
    try:
        answer = call(*args, **kwargs)
    except ClientError as error:
        found = (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
        # An answer to HEAD has no document, so all it says is the status.
        assert found[1] == status, f"expected {status}, got {found}"
        assert found[0] in (code, str(status)), f"expected {code}, got {found}"
        return error.response
    raise AssertionError(f"expected {code}, got {answer['ResponseMetadata']['HTTPStatusCode']}")


def put(key, body=b"", bucket=None, **kwargs):
    return s3.put_object(Bucket=bucket or PLAIN, Key=key, Body=body, **kwargs)


def get(key, bucket=None, **kwargs):
    return s3.get_object(Bucket=bucket or PLAIN, Key=key, **kwargs)


def read(key, bucket=None, **kwargs):
    return get(key, bucket, **kwargs)["Body"].read()


def keys(prefix="", bucket=None, **kwargs):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket or PLAIN, Prefix=prefix, **kwargs)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def md5(body):
    return hashlib.md5(body).hexdigest()


def pattern(size, seed=1):
    block = hashlib.sha256(str(seed).encode()).digest() * 1024
    return (block * (size // len(block) + 1))[:size]


def crc32(body):
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


def raw(method, path, body=b"", headers=None, key_id=KEY_ID, secret=SECRET, tamper=None):
    """Sends one signed request as it is, without what boto3 would add; returns (status, headers, body)."""
    url = urllib.parse.urlsplit(ENDPOINT)
    request = AWSRequest(method=method, url=ENDPOINT + path, data=body, headers=dict(headers or {}))
    if "x-amz-content-sha256" not in request.headers:
        request.headers["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()
    signer = SigV4Auth(Credentials(key_id, secret), "s3", REGION)
    signer.payload = lambda signed: signed.headers["x-amz-content-sha256"]
    signer.add_auth(request)
    sent = dict(request.headers.items())
    if tamper:
        tamper(sent)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    connection.request(method, path, body=body, headers=sent)
    answer = connection.getresponse()
    found = (answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    connection.close()
    return found


# Buckets


@case
def buckets_are_made_listed_and_removed():
    name = f"made-{uuid.uuid4().hex[:8]}"
    refused("NoSuchBucket", 404, s3.head_bucket, Bucket=name)
    s3.create_bucket(Bucket=name)
    refused("BucketAlreadyOwnedByYou", 409, s3.create_bucket, Bucket=name)
    assert s3.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == REGION
    assert name in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == (None if REGION == "us-east-1" else REGION)
    s3.put_object(Bucket=name, Key="a", Body=b"1")
    refused("BucketNotEmpty", 409, s3.delete_bucket, Bucket=name)
    s3.delete_object(Bucket=name, Key="a")
    s3.delete_bucket(Bucket=name)
    refused("NoSuchBucket", 404, s3.get_object, Bucket=name, Key="a")
    refused("NoSuchBucket", 404, s3.put_object, Bucket=name, Key="a", Body=b"x" * 100_000)
    refused("NoSuchBucket", 404, s3.list_objects_v2, Bucket=name)


@case
def a_bucket_of_two_letters():
    # The default bucket of a server is called s4.
    try:
        s3.create_bucket(Bucket="z9")
    except ClientError:
        pass
    s3.put_object(Bucket="z9", Key="a", Body=b"1")
    s3.copy_object(Bucket="z9", Key="b", CopySource={"Bucket": "z9", "Key": "a"})
    assert read("b", "z9") == b"1"
    s3.delete_objects(Bucket="z9", Delete={"Objects": [{"Key": "a"}, {"Key": "b"}]})
    s3.delete_bucket(Bucket="z9")


# Objects


@case
def objects_come_back_as_they_were():
    for size in (0, 1, 65_536, 65_537, 3 * MIB + 7):
        body = pattern(size)
        answer = put(f"size/{size}", body)
        assert answer["ETag"] == f'"{md5(body)}"', answer["ETag"]
        assert read(f"size/{size}") == body
        head = s3.head_object(Bucket=PLAIN, Key=f"size/{size}")
        assert head["ContentLength"] == size and head["ETag"] == answer["ETag"]
        assert abs(time.time() - head["LastModified"].timestamp()) < 60
        assert "VersionId" not in head and "VersionId" not in answer


@case
def headers_and_metadata_come_back():
    put(
        "described",
        b"x",
        ContentType="text/plain; charset=utf-8",
        CacheControl="no-cache",
        ContentDisposition="attachment",
        ContentLanguage="de",
        ContentEncoding="gzip",
        Expires=2_000_000_000,
        Metadata={"mtime": "1.5", "name": "abc"},
    )
    for found in (get("described"), s3.head_object(Bucket=PLAIN, Key="described")):
        assert found["ContentType"] == "text/plain; charset=utf-8"
        assert found["CacheControl"] == "no-cache"
        assert found["ContentDisposition"] == "attachment"
        assert found["ContentLanguage"] == "de"
        assert found["ContentEncoding"] == "gzip"
        assert found["Expires"].timestamp() == 2_000_000_000
        assert found["Metadata"] == {"mtime": "1.5", "name": "abc"}
    put("plain", b"x")
    assert get("plain")["ContentType"] == "binary/octet-stream"
    refused("MetadataTooLarge", 400, put, "large", b"", Metadata={"a": "x" * 2048})


@case
def missing_objects():
    refused("NoSuchKey", 404, get, "missing")
    refused("404", 404, s3.head_object, Bucket=PLAIN, Key="missing")
    assert s3.delete_object(Bucket=PLAIN, Key="missing")["ResponseMetadata"]["HTTPStatusCode"] == 204


@case
def ranges():
    for key, size in (("range-small", 1000), ("range-large", 2 * MIB)):
        body = pattern(size)
        put(key, body)
        for text, start, end in (
            ("bytes=0-0", 0, 1),
            ("bytes=10-19", 10, 20),
            ("bytes=10-", 10, size),
            ("bytes=-10", size - 10, size),
            (f"bytes=0-{size * 2}", 0, size),
            (f"bytes=-{size * 2}", 0, size),
        ):
            answer = get(key, Range=text)
            assert answer["Body"].read() == body[start:end], text
            assert answer["ContentRange"] == f"bytes {start}-{end - 1}/{size}", answer["ContentRange"]
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
            assert "ChecksumCRC64NVME" not in answer and "ChecksumCRC32" not in answer
        response = refused("InvalidRange", 416, get, key, Range=f"bytes={size}-")
        assert response["ResponseMetadata"]["HTTPHeaders"]["content-range"] == f"bytes */{size}"
    head = s3.head_object(Bucket=PLAIN, Key="range-large", Range="bytes=5-9")
    assert head["ContentLength"] == 5 and head["ContentRange"] == f"bytes 5-9/{2 * MIB}"


@case
def large_objects_are_read_in_parallel():
    body = pattern(20 * MIB, "parallel")
    put("parallel", body)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        pieces = pool.map(lambda at: read("parallel", Range=f"bytes={at}-{at + MIB - 1}"), range(0, len(body), MIB))
        assert b"".join(pieces) == body


# Conditions


@case
def conditions_of_reading():
    etag = put("read", b"1")["ETag"]
    modified = get("read")["LastModified"]
    before, after = modified.timestamp() - 10, modified.timestamp() + 10
    assert read("read", IfMatch=etag) == b"1"
    assert read("read", IfMatch="*") == b"1"
    refused("PreconditionFailed", 412, get, "read", IfMatch='"0"')
    response = refused("304", 304, get, "read", IfNoneMatch=etag)
    assert response["ResponseMetadata"]["HTTPHeaders"]["etag"] == etag
    refused("304", 304, get, "read", IfNoneMatch="*")
    assert read("read", IfNoneMatch='"0"') == b"1"
    refused("304", 304, get, "read", IfModifiedSince=modified)
    refused("304", 304, get, "read", IfModifiedSince=after)
    assert read("read", IfModifiedSince=before) == b"1"
    assert read("read", IfUnmodifiedSince=modified) == b"1"
    refused("PreconditionFailed", 412, get, "read", IfUnmodifiedSince=before)
    assert read("read", IfMatch=etag, IfUnmodifiedSince=before) == b"1"
    refused("412", 412, s3.head_object, Bucket=PLAIN, Key="read", IfMatch='"0"')
    refused("304", 304, s3.head_object, Bucket=PLAIN, Key="read", IfNoneMatch=etag)
    # The connection is still in order after an answer without a body.
    assert read("read") == b"1"


@case
def conditions_of_put():
    refused("NoSuchKey", 404, put, "write", b"0", IfMatch='"0"')
    etag = put("write", b"1", IfNoneMatch="*")["ETag"]
    refused("PreconditionFailed", 412, put, "write", b"2", IfNoneMatch="*")
    refused("PreconditionFailed", 412, put, "write", b"2", IfMatch='"0"')
    refused("PreconditionFailed", 412, put, "write", pattern(200_000), IfMatch='"0"')
    assert read("write") == b"1"
    etag = put("write", b"2", IfMatch=etag)["ETag"]
    put("write", b"3", IfMatch=etag.strip('"'))
    assert read("write") == b"3"


@case
def conditions_of_delete():
    refused("NoSuchKey", 404, s3.delete_object, Bucket=PLAIN, Key="gone", IfMatch="*")
    etag = put("gone", b"1")["ETag"]
    refused("PreconditionFailed", 412, s3.delete_object, Bucket=PLAIN, Key="gone", IfMatch='"0"')
    assert read("gone") == b"1"
    s3.delete_object(Bucket=PLAIN, Key="gone", IfMatch=etag)
    refused("NoSuchKey", 404, get, "gone")


@case
def conditions_of_delete_in_a_versioned_bucket():
    first = put("gone", b"1", KEPT)["ETag"]
    second = put("gone", b"2", KEPT)["ETag"]
    refused("PreconditionFailed", 412, s3.delete_object, Bucket=KEPT, Key="gone", IfMatch=first)
    s3.delete_object(Bucket=KEPT, Key="gone", IfMatch=second)
    refused("PreconditionFailed", 412, s3.delete_object, Bucket=KEPT, Key="gone", IfMatch=second)
    put("gone", b"3", KEPT, IfNoneMatch="*")
    assert read("gone", KEPT) == b"3"


@case
def conditions_of_many_deletes():
    etag = put("many/a", b"1")["ETag"]
    put("many/b", b"2")
    answer = s3.delete_objects(
        Bucket=PLAIN,
        Delete={"Objects": [{"Key": "many/a", "ETag": etag}, {"Key": "many/b", "ETag": '"0"'}, {"Key": "many/c"}]},
    )
    assert sorted(entry["Key"] for entry in answer["Deleted"]) == ["many/a", "many/c"]
    assert [(entry["Key"], entry["Code"]) for entry in answer["Errors"]] == [("many/b", "PreconditionFailed")]
    assert keys("many/") == ["many/b"]


def copy(key, source, bucket=None, **kwargs):
    return s3.copy_object(Bucket=bucket or PLAIN, Key=key, CopySource=source, **kwargs)


@case
def copies():
    body = pattern(300_000)
    etag = put("from", body, ContentType="text/x-a", Metadata={"a": "1"})["ETag"]
    source = {"Bucket": PLAIN, "Key": "from"}
    assert copy("to", source)["CopyObjectResult"]["ETag"] == etag
    assert read("to") == body
    assert get("to")["Metadata"] == {"a": "1"} and get("to")["ContentType"] == "text/x-a"
    copy("to", source, MetadataDirective="REPLACE", Metadata={"b": "2"}, ContentType="text/x-b")
    assert get("to")["Metadata"] == {"b": "2"} and get("to")["ContentType"] == "text/x-b"
    refused("InvalidRequest", 400, copy, "from", source)
    copy("from", source, MetadataDirective="REPLACE", Metadata={"c": "3"})
    assert read("from") == body and get("from")["Metadata"] == {"c": "3"}
    s3.delete_object(Bucket=PLAIN, Key="from")
    assert read("to") == body
    refused("NoSuchKey", 404, copy, "to", source)
    refused("NoSuchBucket", 404, copy, "to", {"Bucket": "no-such-bucket", "Key": "from"})


@case
def conditions_of_copy():
    etag = put("copy/from", b"1")["ETag"]
    source = {"Bucket": PLAIN, "Key": "copy/from"}
    copy("copy/to", source, CopySourceIfMatch=etag, CopySourceIfNoneMatch='"0"')
    refused("PreconditionFailed", 412, copy, "copy/to", source, CopySourceIfMatch='"0"')
    refused("PreconditionFailed", 412, copy, "copy/to", source, CopySourceIfNoneMatch=etag)
    refused("PreconditionFailed", 412, copy, "copy/to", source, CopySourceIfUnmodifiedSince=1_000_000_000)
    # The destination's conditions are headers that older clients have no names for.
    header = {"x-amz-copy-source": f"{PLAIN}/copy/from"}
    path = f"/{PLAIN}/copy/to"
    assert raw("PUT", path, headers={**header, "if-none-match": "*"})[0] == 412
    assert raw("PUT", path, headers={**header, "if-match": '"0"'})[0] == 412
    assert raw("PUT", path, headers={**header, "if-match": etag})[0] == 200
    assert raw("PUT", f"{path}2", headers={**header, "if-match": etag})[0] == 404
    assert raw("PUT", f"{path}2", headers={**header, "if-none-match": "*"})[0] == 200
    assert raw("PUT", f"{path}2", headers={**header, "if-none-match": "*"})[0] == 412


# Races


def race(attempt, count=20):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return sum(pool.map(attempt, range(count)))


def wins(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
        return 1
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (404, 412), error
        return 0


@case
def one_of_many_creates_wins():
    for turn in range(3):
        for size in (10, 100_000):
            key = f"race/{turn}/{size}"
            assert race(lambda n: wins(put, key, bytes([n]) * size, IfNoneMatch="*")) == 1
            assert len(read(key)) == size


@case
def one_of_many_replacements_wins():
    for bucket in (PLAIN, KEPT):
        etag = put("race-replace", b"0", bucket)["ETag"]
        assert race(lambda n: wins(put, "race-replace", bytes([n + 1]), bucket, IfMatch=etag)) == 1


@case
def one_of_many_deletes_wins():
    for bucket in (PLAIN, KEPT):
        etag = put("race-delete", b"0", bucket)["ETag"]
        assert race(lambda n: wins(s3.delete_object, Bucket=bucket, Key="race-delete", IfMatch=etag)) == 1


@case
def one_of_many_completions_wins():
    def prepare(n):
        upload = s3.create_multipart_upload(Bucket=PLAIN, Key="race-complete")["UploadId"]
        return upload, send_part("race-complete", upload, 1, bytes([n]) * 100)

    uploads = [prepare(n) for n in range(20)]
    assert race(lambda n: wins(finish, "race-complete", uploads[n][0], [uploads[n][1]], IfNoneMatch="*")) == 1
    for upload, _ in uploads:
        try:
            s3.abort_multipart_upload(Bucket=PLAIN, Key="race-complete", UploadId=upload)
        except ClientError:
            pass


@case
def one_of_many_copies_wins():
    put("race-from", b"0")
    header = {"x-amz-copy-source": f"{PLAIN}/race-from", "if-none-match": "*"}
    statuses = []
    race(lambda n: statuses.append(raw("PUT", f"/{PLAIN}/race-copy", headers=header)[0]) or 0)
    assert sorted(statuses) == [200] + [412] * 19, statuses


# Listings


@case
def listings_are_in_the_order_of_bytes():
    names = ["a", "a-b", "a/b", "a/c/d", "a0", "b", "ä", "z", "\U0001f600"]
    for name in reversed(names):
        put(f"list/{name}", b"1")
    found = keys("list/")
    assert found == sorted((f"list/{name}" for name in names), key=str.encode), found
    assert keys("list/", PaginationConfig={"PageSize": 2}) == found
    assert keys("list/", StartAfter="list/a/b") == found[3:]
    answer = s3.list_objects_v2(Bucket=PLAIN, Prefix="list/", Delimiter="/")
    assert [entry["Prefix"] for entry in answer["CommonPrefixes"]] == ["list/a/"]
    assert len(answer["Contents"]) == 7 and answer["KeyCount"] == 8
    assert s3.list_objects_v2(Bucket=PLAIN, Prefix="list/", MaxKeys=0)["KeyCount"] == 0
    assert s3.list_objects_v2(Bucket=PLAIN, Prefix="list/", MaxKeys=5000)["MaxKeys"] == 1000
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=PLAIN, Prefix="list/", Delimiter="/", PaginationConfig={"PageSize": 1}
    )
    entries = [e.get("Key") or e["Prefix"] for p in pages for e in p.get("Contents", []) + p.get("CommonPrefixes", [])]
    assert entries == ["list/a", "list/a-b", "list/a/", "list/a0", "list/b", "list/z", "list/ä", "list/\U0001f600"]


@case
def the_old_listing_pages_too():
    for n in range(7):
        put(f"old/{n // 2}/{n}", b"1")
    pages = s3.get_paginator("list_objects").paginate(Bucket=PLAIN, Prefix="old/", PaginationConfig={"PageSize": 2})
    assert [e["Key"] for page in pages for e in page["Contents"]] == [f"old/{n // 2}/{n}" for n in range(7)]
    pages = s3.get_paginator("list_objects").paginate(
        Bucket=PLAIN, Prefix="old/", Delimiter="/", PaginationConfig={"PageSize": 1}
    )
    assert [e["Prefix"] for page in pages for e in page["CommonPrefixes"]] == [f"old/{n}/" for n in range(4)]


@case
def wrong_tokens_are_refused():
    refused("InvalidArgument", 400, s3.list_objects_v2, Bucket=PLAIN, ContinuationToken="nonsense")


# Keys


@case
def any_key_that_s3_allows():
    names = [
        "a//b", "/a", "//", "a/", "a", "a/b", "../x", "a/../../b", "./.", "..", " ", "a b", "a+b", "a%20b", "a%2Fb",
        "\x01\x02\x1f\x7f", "tab\tline\nreturn\r", "quote\"'`$&<>;", "\\", "C:\\x", "?x=y", "#", "*", "ä", "\u0061\u0308",
        "\U0001f600", "\u200b", "\ufffd", "x" * 1024, "ö" * 512, "nul", "CON", "a.", "versionId=1", "?versionId=null",
    ]
    prefix = "odd-"
    bucket = f"{prefix}{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    for n, name in enumerate(names):
        s3.put_object(Bucket=bucket, Key=name, Body=str(n).encode())
    for n, name in enumerate(names):
        assert read(name, bucket) == str(n).encode(), repr(name)
        assert s3.head_object(Bucket=bucket, Key=name)["ContentLength"] == len(str(n))
    assert keys("", bucket) == sorted(names, key=str.encode)
    assert keys("", bucket, PaginationConfig={"PageSize": 3}) == sorted(names, key=str.encode)
    for n, name in enumerate(names):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": name})
        assert read("copy", bucket) == str(n).encode(), repr(name)
        upload = s3.create_multipart_upload(Bucket=bucket, Key=name)["UploadId"]
        listed = s3.list_multipart_uploads(Bucket=bucket, EncodingType="url")["Uploads"]
        assert [urllib.parse.unquote(entry["Key"]) for entry in listed] == [name]
        part = s3.upload_part(Bucket=bucket, Key=name, UploadId=upload, PartNumber=1, Body=b"p")
        s3.complete_multipart_upload(
            Bucket=bucket, Key=name, UploadId=upload,
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
        )
        assert read(name, bucket) == b"p"
    refused("KeyTooLongError", 400, s3.put_object, Bucket=bucket, Key="x" * 1025, Body=b"")
    for name in names[:10]:
        s3.delete_object(Bucket=bucket, Key=name)
    answer = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": name} for name in [*names[10:], "copy"]], "Quiet": True}
    )
    assert "Errors" not in answer, answer
    assert keys("", bucket) == []
    s3.delete_bucket(Bucket=bucket)


# Versions


def versions(bucket, prefix=""):
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": 2}
    )
    pages = list(pages)
    return (
        [(e["Key"], e["VersionId"], e["IsLatest"]) for page in pages for e in page.get("Versions", [])],
        [(e["Key"], e["VersionId"], e["IsLatest"]) for page in pages for e in page.get("DeleteMarkers", [])],
    )


@case
def versions_are_kept():
    ids = [put("v", str(n).encode(), KEPT)["VersionId"] for n in range(3)]
    assert len(set(ids)) == 3
    for n, version in enumerate(ids):
        answer = get("v", KEPT, VersionId=version)
        assert answer["Body"].read() == str(n).encode() and answer["VersionId"] == version
    assert read("v", KEPT) == b"2"
    marker = s3.delete_object(Bucket=KEPT, Key="v")
    assert marker["DeleteMarker"] is True
    response = refused("NoSuchKey", 404, get, "v", KEPT)
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    refused("MethodNotAllowed", 405, get, "v", KEPT, VersionId=marker["VersionId"])
    refused("NoSuchVersion", 404, get, "v", KEPT, VersionId="nonsense")
    assert keys("v", KEPT) == []
    assert versions(KEPT, "v") == (
        [("v", version, False) for version in reversed(ids)],
        [("v", marker["VersionId"], True)],
    )
    assert s3.delete_object(Bucket=KEPT, Key="v", VersionId=marker["VersionId"])["DeleteMarker"] is True
    assert read("v", KEPT) == b"2"
    s3.delete_object(Bucket=KEPT, Key="v", VersionId=ids[2])
    assert read("v", KEPT) == b"1" and keys("v", KEPT) == ["v"]
    source = {"Bucket": KEPT, "Key": "v", "VersionId": ids[0]}
    answer = copy("v", source, KEPT)
    assert read("v", KEPT) == b"0" and answer["CopySourceVersionId"] == ids[0]
    assert s3.head_object(Bucket=KEPT, Key="v", VersionId=ids[1])["ContentLength"] == 1


@case
def versioning_is_switched_on_and_suspended():
    bucket = f"switch-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    put("a", b"off", bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    on = put("a", b"on", bucket)["VersionId"]
    assert read("a", bucket, VersionId="null") == b"off"
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert put("a", b"suspended", bucket)["VersionId"] == "null"
    assert read("a", bucket, VersionId="null") == b"suspended"
    assert versions(bucket) == ([("a", "null", True), ("a", on, False)], [])
    marker = s3.delete_object(Bucket=bucket, Key="a")
    assert marker["VersionId"] == "null"
    assert versions(bucket) == ([("a", on, False)], [("a", "null", True)])
    s3.delete_object(Bucket=bucket, Key="a", VersionId="null")
    assert read("a", bucket) == b"on"
    empty(bucket)


@case
def versions_are_listed_with_a_delimiter():
    for key in ("d/a/1", "d/a/2", "d/b", "d/c/1"):
        put(key, b"1", KEPT)
        put(key, b"2", KEPT)
    answer = s3.list_object_versions(Bucket=KEPT, Prefix="d/", Delimiter="/")
    assert [entry["Prefix"] for entry in answer["CommonPrefixes"]] == ["d/a/", "d/c/"]
    assert [entry["Key"] for entry in answer["Versions"]] == ["d/b", "d/b"]


# Uploads in parts


def send_part(key, upload, number, body, bucket=None, **kwargs):
    answer = s3.upload_part(
        Bucket=bucket or PLAIN, Key=key, UploadId=upload, PartNumber=number, Body=body, **kwargs
    )
    return {"PartNumber": number, "ETag": answer["ETag"]}


def finish(key, upload, parts, bucket=None, **kwargs):
    return s3.complete_multipart_upload(
        Bucket=bucket or PLAIN, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **kwargs
    )


def start(key, bucket=None, **kwargs):
    return s3.create_multipart_upload(Bucket=bucket or PLAIN, Key=key, **kwargs)["UploadId"]


@case
def an_object_of_parts():
    upload = start("parts", ContentType="text/x-p", Metadata={"p": "1"})
    bodies = [pattern(5 * MIB, 1), pattern(5 * MIB, 2), pattern(100, 3)]
    parts = [send_part("parts", upload, number, body) for number, body in enumerate(bodies, 1)]
    listed = s3.list_parts(Bucket=PLAIN, Key="parts", UploadId=upload, MaxParts=2)
    assert [part["Size"] for part in listed["Parts"]] == [5 * MIB, 5 * MIB] and listed["IsTruncated"]
    more = s3.list_parts(
        Bucket=PLAIN, Key="parts", UploadId=upload, PartNumberMarker=listed["NextPartNumberMarker"]
    )
    assert [part["PartNumber"] for part in more["Parts"]] == [3]
    refused("NoSuchKey", 404, get, "parts")
    etag = finish("parts", upload, parts)["ETag"]
    whole = hashlib.md5(b"".join(bytes.fromhex(md5(body)) for body in bodies)).hexdigest()
    assert etag == f'"{whole}-3"', etag
    found = get("parts")
    assert found["Body"].read() == b"".join(bodies)
    assert found["ContentType"] == "text/x-p" and found["Metadata"] == {"p": "1"}
    joint = read("parts", Range=f"bytes={5 * MIB - 3}-{5 * MIB + 2}")
    assert joint == bodies[0][-3:] + bodies[1][:3]
    second = get("parts", PartNumber=2)
    assert second["Body"].read() == bodies[1] and second["PartsCount"] == 3
    refused("NoSuchUpload", 404, finish, "parts", upload, parts)


@case
def unused_and_repeated_parts():
    upload = start("repeat")
    send_part("repeat", upload, 1, b"old")
    parts = [send_part("repeat", upload, 1, b"new")]
    send_part("repeat", upload, 2, b"unused")
    finish("repeat", upload, parts)
    assert read("repeat") == b"new"


@case
def wrong_completions_change_nothing():
    put("wrong", b"before")
    upload = start("wrong")
    parts = [send_part("wrong", upload, 1, pattern(5 * MIB)), send_part("wrong", upload, 2, b"small")]
    parts.append(send_part("wrong", upload, 3, b"last"))
    refused("EntityTooSmall", 400, finish, "wrong", upload, parts)
    refused("InvalidPartOrder", 400, finish, "wrong", upload, [parts[2], parts[0]])
    refused("InvalidPart", 400, finish, "wrong", upload, [parts[0], {"PartNumber": 9, "ETag": parts[2]["ETag"]}])
    refused("InvalidPart", 400, finish, "wrong", upload, [parts[0], {"PartNumber": 3, "ETag": parts[0]["ETag"]}])
    refused("PreconditionFailed", 412, finish, "wrong", upload, [parts[0], parts[2]], IfNoneMatch="*")
    refused("PreconditionFailed", 412, finish, "wrong", upload, [parts[0], parts[2]], IfMatch='"0"')
    refused("NoSuchUpload", 404, finish, "wrong", "0" * 32, parts)
    refused("NoSuchUpload", 404, send_part, "wrong", "0" * 32, 1, b"")
    refused("InvalidArgument", 400, send_part, "wrong", upload, 10_001, b"")
    assert read("wrong") == b"before"
    finish("wrong", upload, [parts[0], parts[2]], IfMatch=f'"{md5(b"before")}"')
    assert read("wrong") == pattern(5 * MIB) + b"last"


@case
def uploads_are_listed_and_given_up():
    names = [f"up/{n}" for n in range(3) for _ in range(2)]
    uploads = [(name, start(name)) for name in names]
    send_part(*uploads[0], 1, b"x" * 1000)
    pages = s3.get_paginator("list_multipart_uploads").paginate(
        Bucket=PLAIN, Prefix="up/", PaginationConfig={"PageSize": 2}
    )
    assert [(e["Key"], e["UploadId"]) for page in pages for e in page.get("Uploads", [])] == uploads
    for name, upload in uploads:
        s3.abort_multipart_upload(Bucket=PLAIN, Key=name, UploadId=upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=PLAIN, Prefix="up/")
    refused("NoSuchUpload", 404, s3.abort_multipart_upload, Bucket=PLAIN, Key=names[0], UploadId=uploads[0][1])


@case
def parts_are_copied_from_objects():
    for key, size in (("base", 12 * MIB), ("tiny", 100)):
        put(key, pattern(size, key), KEPT)
    upload = start("patched", KEPT)
    base = {"Bucket": KEPT, "Key": "base"}
    etag = s3.head_object(Bucket=KEPT, Key="base")["ETag"]

    def part(number, source, **kwargs):
        answer = s3.upload_part_copy(
            Bucket=KEPT, Key="patched", UploadId=upload, PartNumber=number, CopySource=source, **kwargs
        )
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}

    parts = [
        part(1, base, CopySourceRange=f"bytes=0-{6 * MIB - 1}", CopySourceIfMatch=etag),
        send_part("patched", upload, 2, pattern(5 * MIB, "new"), KEPT),
        part(3, base, CopySourceRange=f"bytes={6 * MIB + 1}-{12 * MIB - 1}"),
        part(4, {"Bucket": KEPT, "Key": "tiny"}),
    ]
    refused("PreconditionFailed", 412, part, 5, base, CopySourceIfMatch='"0"')
    refused("InvalidRange", 416, part, 5, base, CopySourceRange=f"bytes=0-{12 * MIB}")
    refused("InvalidArgument", 400, part, 5, base, CopySourceRange="bytes=5-")
    refused("NoSuchKey", 404, part, 5, {"Bucket": KEPT, "Key": "no-such"})
    finish("patched", upload, parts, KEPT)
    body = pattern(12 * MIB, "base")
    expected = body[: 6 * MIB] + pattern(5 * MIB, "new") + body[6 * MIB + 1 :] + pattern(100, "tiny")
    s3.delete_object(Bucket=KEPT, Key="base")
    assert read("patched", KEPT) == expected
    answer = get("patched", KEPT, Range=f"bytes={6 * MIB - 2}-{11 * MIB + 1}")
    assert answer["Body"].read() == expected[6 * MIB - 2 : 11 * MIB + 2]


# Checksums


@case
def checksums_are_kept_and_shown():
    body = b"checked"
    for algorithm, field in (("CRC32", "ChecksumCRC32"), ("SHA1", "ChecksumSHA1"), ("SHA256", "ChecksumSHA256")):
        sent = put("sum", body, ChecksumAlgorithm=algorithm)
        for found in (get("sum", ChecksumMode="ENABLED"), s3.head_object(Bucket=PLAIN, Key="sum", ChecksumMode="ENABLED")):
            assert found[field] == sent[field], (algorithm, found)
            assert found["ChecksumType"] == "FULL_OBJECT"
    assert sent["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(body).digest()).decode()
    raw("PUT", f"/{PLAIN}/sum", b"123456789")
    found = s3.head_object(Bucket=PLAIN, Key="sum", ChecksumMode="ENABLED")
    assert found["ChecksumCRC64NVME"] == base64.b64encode(bytes.fromhex("ae8b14860a799888")).decode()
    assert "ChecksumCRC64NVME" not in client(response_checksum_validation="when_required").head_object(
        Bucket=PLAIN, Key="sum"
    )


@case
def wrong_checksums_are_refused():
    path = f"/{PLAIN}/never"
    body = b"body"
    wrong = {
        "content-md5": (base64.b64encode(hashlib.md5(b"other").digest()).decode(), "BadDigest"),
        "x-amz-checksum-crc32": (crc32(b"other"), "BadDigest"),
        "x-amz-checksum-crc32c": ("AAAAAA==", "BadDigest"),
        "x-amz-checksum-crc64nvme": ("AAAAAAAAAAA=", "BadDigest"),
        "x-amz-checksum-sha1": (base64.b64encode(bytes(20)).decode(), "BadDigest"),
        "x-amz-checksum-sha256": (base64.b64encode(bytes(32)).decode(), "BadDigest"),
        "x-amz-sdk-checksum-algorithm": ("CRC32", "InvalidRequest"),
    }
    for name, (value, code) in wrong.items():
        status, _, text = raw("PUT", path, body, {name: value})
        assert status == 400 and f"<Code>{code}</Code>".encode() in text, (name, status, text)
    for name, value in (("content-md5", "AAAA"), ("x-amz-checksum-crc32", "AAAA"), ("x-amz-checksum-sha256", "?")):
        assert raw("PUT", path, body, {name: value})[0] == 400, name
    both = {"x-amz-checksum-crc32": crc32(body), "x-amz-checksum-sha1": base64.b64encode(bytes(20)).decode()}
    assert raw("PUT", path, body, both)[0] == 400
    refused("NoSuchKey", 404, get, "never")
    right = {"content-md5": base64.b64encode(hashlib.md5(body).digest()).decode(), "x-amz-checksum-crc32": crc32(body)}
    assert raw("PUT", path, body, right)[0] == 200


def chunked(body, trailer):
    framed = b"%x\r\n%s\r\n0\r\n%s\r\n\r\n" % (len(body), body, trailer)
    return framed, {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-trailer": "x-amz-checksum-crc32",
        "x-amz-decoded-content-length": str(len(body)),
        "content-encoding": "aws-chunked",
    }


@case
def checksums_after_the_body():
    for body in (b"trailer", pattern(200_000)):
        framed, headers = chunked(body, b"x-amz-checksum-crc32:" + crc32(body).encode())
        assert raw("PUT", f"/{PLAIN}/trailer", framed, headers)[0] == 200
        found = get("trailer", ChecksumMode="ENABLED")
        assert found["Body"].read() == body and found["ChecksumCRC32"] == crc32(body)
        assert "ContentEncoding" not in found, found["ContentEncoding"]
        framed, headers = chunked(body, b"x-amz-checksum-crc32:" + crc32(b"other").encode())
        status, _, text = raw("PUT", f"/{PLAIN}/trailer2", framed, headers)
        assert status == 400 and b"BadDigest" in text, (status, text)
    refused("NoSuchKey", 404, get, "trailer2")


@case
def checksums_of_the_whole_at_completion():
    # CRC64NVME of "123456789", which a full object's check is worth more than its parts'.
    good, bad = base64.b64encode(bytes.fromhex("ae8b14860a799888")).decode(), "AAAAAAAAAAA="
    upload = start("whole", ChecksumAlgorithm="CRC64NVME", ChecksumType="FULL_OBJECT")
    answer = raw("PUT", f"/{PLAIN}/whole?partNumber=1&uploadId={upload}", b"123456789")
    assert answer[0] == 200, answer
    parts = [{"PartNumber": 1, "ETag": answer[1]["etag"]}]
    refused("BadDigest", 400, finish, "whole", upload, parts, ChecksumCRC64NVME=bad, ChecksumType="FULL_OBJECT")
    refused("NoSuchKey", 404, get, "whole")
    refused("InvalidRequest", 400, finish, "whole", upload, parts, MpuObjectSize=10)
    done = finish("whole", upload, parts, ChecksumCRC64NVME=good, ChecksumType="FULL_OBJECT", MpuObjectSize=9)
    assert done["ChecksumCRC64NVME"] == good
    assert s3.head_object(Bucket=PLAIN, Key="whole", ChecksumMode="ENABLED")["ChecksumCRC64NVME"] == good


@case
def checksums_of_parts():
    for kind in ("COMPOSITE", "FULL_OBJECT"):
        bodies = [pattern(5 * MIB, 1), b"last"]
        upload = start("summed", ChecksumAlgorithm="CRC32", ChecksumType=kind)
        parts = []
        for number, body in enumerate(bodies, 1):
            answer = s3.upload_part(
                Bucket=PLAIN, Key="summed", UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32"
            )
            assert answer["ChecksumCRC32"] == crc32(body)
            parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32": answer["ChecksumCRC32"]})
        wrong = [{**parts[0], "ChecksumCRC32": crc32(b"other")}, parts[1]]
        refused("InvalidPart", 400, finish, "summed", upload, wrong)
        done = finish("summed", upload, parts)
        whole = crc32(b"".join(bodies))
        of_parts = crc32(b"".join(base64.b64decode(part["ChecksumCRC32"]) for part in parts)) + "-2"
        assert done["ChecksumCRC32"] == (whole if kind == "FULL_OBJECT" else of_parts), done
        assert done["ChecksumType"] == kind
        assert read("summed", ChecksumMode="ENABLED") == b"".join(bodies)
    refused("InvalidRequest", 400, start, "summed", ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT")


@case
def boto3_transfers_in_parts():
    import io

    body = pattern(30 * MIB, "transfer")
    s3.upload_fileobj(io.BytesIO(body), PLAIN, "transfer")
    found = io.BytesIO()
    s3.download_fileobj(PLAIN, "transfer", found)
    assert found.getvalue() == body
    s3.copy({"Bucket": PLAIN, "Key": "transfer"}, PLAIN, "transfer2")
    assert read("transfer2") == body


# Signatures


@case
def wrong_signatures_are_refused():
    refused("SignatureDoesNotMatch", 403, client(secret="wrong").list_buckets)
    refused("InvalidAccessKeyId", 403, client(key_id="WRONG").list_buckets)
    refused("SignatureDoesNotMatch", 403, client(secret="wrong").put_object, Bucket=PLAIN, Key="never2", Body=b"x")
    assert raw("PUT", f"/{PLAIN}/never2", b"x", tamper=lambda headers: headers.pop("Authorization"))[0] == 403
    source = {"x-amz-copy-source": f"{PLAIN}/never"}
    assert raw("PUT", f"/{PLAIN}/never2", b"", source, tamper=lambda headers: headers.pop("Authorization"))[0] == 403
    assert raw("PUT", f"/{PLAIN}/never2", b"", source, secret="wrong")[0] == 403
    other = {"if-none-match": "*"}
    assert raw("PUT", f"/{PLAIN}/never2", b"x", other, tamper=lambda headers: headers.update({"if-none-match": "x"}))[0] == 403
    refused("NoSuchKey", 404, get, "never2")


@case
def other_payloads_are_refused():
    hashed = {"x-amz-content-sha256": hashlib.sha256(b"other").hexdigest()}
    for size in (4, 200_000):
        status, _, text = raw("PUT", f"/{PLAIN}/never3", b"x" * size, hashed)
        assert status == 400 and b"XAmzContentSHA256Mismatch" in text, (status, text)
    refused("NoSuchKey", 404, get, "never3")
    put("kept", b"1")
    document = b"<Delete><Object><Key>kept</Key></Object></Delete>"
    status, _, text = raw("POST", f"/{PLAIN}?delete", document, hashed)
    assert status == 400 and b"XAmzContentSHA256Mismatch" in text, (status, text)
    wrong = {"content-md5": base64.b64encode(hashlib.md5(b"other").digest()).decode()}
    status, _, text = raw("POST", f"/{PLAIN}?delete", document, wrong)
    assert status == 400 and b"BadDigest" in text, (status, text)
    status, _, text = raw("POST", f"/{PLAIN}?delete", document, {"x-amz-checksum-crc32": crc32(b"other")})
    assert status == 400 and b"BadDigest" in text, (status, text)
    assert read("kept") == b"1"
    assert raw("POST", f"/{PLAIN}?delete", document, {"x-amz-checksum-crc32": crc32(document)})[0] == 200
    refused("NoSuchKey", 404, get, "kept")


@case
def presigned_urls():
    import urllib.error
    import urllib.request

    put("presigned", b"1")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": PLAIN, "Key": "presigned"}, ExpiresIn=60)
    assert urllib.request.urlopen(url).read() == b"1"
    url = client(signature_version="s3v4").generate_presigned_url(
        "put_object", Params={"Bucket": PLAIN, "Key": "presigned2"}, ExpiresIn=60
    )
    urllib.request.urlopen(urllib.request.Request(url, data=b"2", method="PUT", headers={"content-type": ""}))
    assert read("presigned2") == b"2"
    try:
        urllib.request.urlopen(url.replace("presigned2", "presigned3"))
        raise AssertionError("a changed URL was accepted")
    except urllib.error.HTTPError as error:
        assert error.code == 403, error.code


# The rest


@case
def what_is_not_done_is_said():
    refused("NotImplemented", 501, s3.get_bucket_policy, Bucket=PLAIN)
    refused("NotImplemented", 501, s3.get_bucket_cors, Bucket=PLAIN)
    refused("NotImplemented", 501, s3.put_object_acl, Bucket=PLAIN, Key="a", ACL="public-read")
    refused("NotImplemented", 501, put, "never4", b"", ACL="public-read")
    refused("NotImplemented", 501, put, "never4", b"", ServerSideEncryption="AES256")
    refused("NotImplemented", 501, put, "never4", b"", Tagging="a=b")
    refused("NotImplemented", 501, put, "never4", b"", StorageClass="GLACIER")
    form = {"content-type": "multipart/form-data; boundary=x"}
    assert raw("POST", f"/{PLAIN}", b"--x--", form)[0] == 501
    refused("NoSuchKey", 404, get, "never4")
    put("standard", b"", StorageClass="STANDARD", ACL="private")


@case
def every_answer_has_a_number():
    first = put("number", b"1")["ResponseMetadata"]["RequestId"]
    second = put("number", b"1")["ResponseMetadata"]["RequestId"]
    assert first and second and first != second


def empty(bucket):
    for upload in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
        s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    for page in pages:
        found = page.get("Versions", []) + page.get("DeleteMarkers", [])
        objects = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in found]
        if objects:
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
            assert "Errors" not in answer, answer
    s3.delete_bucket(Bucket=bucket)


def main():
    chosen = sys.argv[1:]
    s3.create_bucket(Bucket=PLAIN)
    s3.create_bucket(Bucket=KEPT)
    s3.put_bucket_versioning(Bucket=KEPT, VersioningConfiguration={"Status": "Enabled"})
    passed, failed = 0, []
    for function in CASES:
        if chosen and function.__name__ not in chosen:
            continue
        try:
            function()
            passed += 1
        except Exception:
            failed.append(function.__name__)
            print(f"FAILED {function.__name__}", file=sys.stderr)
            traceback.print_exc()
    empty(PLAIN)
    empty(KEPT)
    print(f"{passed} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
