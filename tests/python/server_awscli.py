"""Asserts that aws-cli does its main jobs on an S3 server: large files, sync, conditions, presigned URLs.

Takes S4_ENDPOINT, S4_REGION, S4_ACCESS_KEY_ID and S4_SECRET_ACCESS_KEY from the environment, makes buckets of its
own and removes them. Prints "N passed, 0 failed"; exits non-zero if any case failed. The `aws` beside the running
Python is used.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback
import urllib.error
import urllib.request
import uuid

ENDPOINT = os.environ["S4_ENDPOINT"]
AWS = str(pathlib.Path(sys.executable).parent / "aws")
BUCKET = f"cli-{uuid.uuid4().hex[:8]}"
MIB = 1024 * 1024
CASES = []


def case(function):
    CASES.append(function)
    return function


def environment(home):
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "AWS_ACCESS_KEY_ID": os.environ["S4_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": os.environ["S4_SECRET_ACCESS_KEY"],
        "AWS_DEFAULT_REGION": os.environ["S4_REGION"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "PYTHONUTF8": "1",
    }


HOME = pathlib.Path(tempfile.mkdtemp(prefix="s4-awscli-"))
ENVIRONMENT = environment(HOME)


def aws(*arguments, stdin=b""):
    command = [AWS, "--endpoint-url", ENDPOINT, *map(str, arguments)]
    done = subprocess.run(command, env=ENVIRONMENT, input=stdin, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"{arguments}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def api(*arguments):
    text = aws("s3api", *arguments, "--output", "json")
    return json.loads(text) if text.strip() else {}


def refused(code, *arguments):
    try:
        api(*arguments)
    except RuntimeError as error:
        assert code in str(error), error
        return
    raise AssertionError(f"{arguments}: expected {code}")


def file(name, content):
    path = HOME / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def pattern(size):
    block = hashlib.sha256(b"aws-cli").digest() * 1024
    return (block * (size // len(block) + 1))[:size]


@case
def large_files_go_up_and_down():
    body = pattern(40 * MIB + 11)
    up, down = file("large", body), HOME / "large-back"
    aws("s3", "cp", up, f"s3://{BUCKET}/large", "--no-progress")
    assert "-" in api("head-object", "--bucket", BUCKET, "--key", "large")["ETag"], "it went up in parts"
    aws("s3", "cp", f"s3://{BUCKET}/large", down, "--no-progress")
    assert down.read_bytes() == body
    aws("s3", "cp", f"s3://{BUCKET}/large", f"s3://{BUCKET}/large-copy", "--no-progress")
    aws("s3", "cp", f"s3://{BUCKET}/large-copy", down, "--no-progress")
    assert down.read_bytes() == body


@case
def streams_go_up_and_down():
    body = pattern(9 * MIB)
    aws("s3", "cp", "-", f"s3://{BUCKET}/stream", stdin=body)
    assert aws("s3", "cp", f"s3://{BUCKET}/stream", "-") == body


@case
def folders_are_synced():
    names = ["a.txt", "sub/b.txt", "sub/deep/c d+e.txt", "ümläut/ß.txt", "empty"]
    for name in names:
        file(f"tree/{name}", name.encode() if name != "empty" else b"")
    aws("s3", "sync", HOME / "tree", f"s3://{BUCKET}/tree", "--no-progress")
    listed = [entry["Key"] for entry in api("list-objects-v2", "--bucket", BUCKET, "--prefix", "tree/")["Contents"]]
    assert sorted(listed) == sorted(f"tree/{name}" for name in names), listed
    assert aws("s3", "sync", HOME / "tree", f"s3://{BUCKET}/tree", "--no-progress") == b"", "nothing is left to do"
    aws("s3", "sync", f"s3://{BUCKET}/tree", HOME / "back", "--no-progress")
    for name in names:
        assert (HOME / "back" / name).read_bytes() == (HOME / "tree" / name).read_bytes(), name
    (HOME / "tree/a.txt").unlink()
    aws("s3", "sync", HOME / "tree", f"s3://{BUCKET}/tree", "--delete", "--no-progress")
    refused("404", "head-object", "--bucket", BUCKET, "--key", "tree/a.txt")
    assert aws("s3", "ls", f"s3://{BUCKET}/tree/").split() != []
    aws("s3", "mv", f"s3://{BUCKET}/tree/sub/b.txt", f"s3://{BUCKET}/tree/moved.txt")
    assert aws("s3", "cp", f"s3://{BUCKET}/tree/moved.txt", "-") == b"sub/b.txt"
    aws("s3", "rm", f"s3://{BUCKET}/tree", "--recursive")
    assert "Contents" not in api("list-objects-v2", "--bucket", BUCKET, "--prefix", "tree/")


@case
def conditions():
    one, two = file("one", b"1"), file("two", b"2")
    target = ("--bucket", BUCKET, "--key", "condition")
    etag = api("put-object", *target, "--body", one, "--if-none-match", "*")["ETag"]
    refused("PreconditionFailed", "put-object", *target, "--body", two, "--if-none-match", "*")
    refused("PreconditionFailed", "put-object", *target, "--body", two, "--if-match", '"0"')
    refused("PreconditionFailed", "get-object", *target, "--if-match", '"0"', HOME / "never")
    refused("PreconditionFailed", "delete-object", *target, "--if-match", '"0"')
    api("put-object", *target, "--body", two, "--if-match", etag)
    assert api("get-object", *target, "--range", "bytes=0-0", HOME / "got")["ContentRange"] == "bytes 0-0/1"
    assert (HOME / "got").read_bytes() == b"2"
    etag = api("head-object", *target)["ETag"]
    api("delete-object", *target, "--if-match", etag)
    refused("404", "head-object", *target)


@case
def versions():
    bucket = f"{BUCKET}-kept"
    aws("s3", "mb", f"s3://{bucket}")
    api("put-bucket-versioning", "--bucket", bucket, "--versioning-configuration", "Status=Enabled")
    assert api("get-bucket-versioning", "--bucket", bucket)["Status"] == "Enabled"
    target = ("--bucket", bucket, "--key", "v")
    first = api("put-object", *target, "--body", file("first", b"first"))["VersionId"]
    api("put-object", *target, "--body", file("second", b"second"))
    aws("s3", "rm", f"s3://{bucket}/v")
    found = api("list-object-versions", "--bucket", bucket)
    assert len(found["Versions"]) == 2 and len(found["DeleteMarkers"]) == 1
    api("get-object", *target, "--version-id", first, HOME / "got")
    assert (HOME / "got").read_bytes() == b"first"
    for entry in found["Versions"] + found["DeleteMarkers"]:
        api("delete-object", *target, "--version-id", entry["VersionId"])
    aws("s3", "rb", f"s3://{bucket}")


@case
def presigned_urls():
    file("signed", b"signed")
    aws("s3", "cp", HOME / "signed", f"s3://{BUCKET}/signed", "--no-progress")
    url = aws("s3", "presign", f"s3://{BUCKET}/signed", "--expires-in", "60").decode().strip()
    assert urllib.request.urlopen(url).read() == b"signed"
    try:
        urllib.request.urlopen(url.replace("signed?", "other?"))
        raise AssertionError("a changed URL was accepted")
    except urllib.error.HTTPError as error:
        assert error.code == 403, error.code


@case
def wrong_keys_are_refused():
    ENVIRONMENT["AWS_SECRET_ACCESS_KEY"] = "wrong"
    try:
        refused("SignatureDoesNotMatch", "list-buckets")
    finally:
        ENVIRONMENT["AWS_SECRET_ACCESS_KEY"] = os.environ["S4_SECRET_ACCESS_KEY"]


def main():
    chosen = sys.argv[1:]
    passed, failed = 0, []
    try:
        aws("s3", "mb", f"s3://{BUCKET}")
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
        aws("s3", "rb", f"s3://{BUCKET}", "--force")
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
    print(f"{passed} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
