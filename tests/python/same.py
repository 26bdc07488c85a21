"""Compares folders with each other and with a bucket, byte for byte, sharing no code with S4.

Says how much is the same, or lists every difference and exits 1. `.s4` is left out on both sides: it is S4's own.
"""

import argparse
import hashlib
import os
import pathlib
import sys

import boto3


def folder_state(root):
    """Returns path -> what is there; a directory counts only while it is empty."""
    state = {}
    for at, directories, files in os.walk(root):
        here = pathlib.Path(at)
        if here == root and ".s4" in directories:
            directories.remove(".s4")
        links = [name for name in directories if (here / name).is_symlink()]
        if here != root and not directories and not files:
            state[f"{here.relative_to(root).as_posix()}/"] = ("directory", "")
        for name in files + links:
            path = here / name
            key = path.relative_to(root).as_posix()
            if path.is_symlink():
                state[key] = ("link", os.readlink(path))
            else:
                kind = "program" if os.access(path, os.X_OK) else "file"
                state[key] = (kind, hashlib.sha256(path.read_bytes()).hexdigest())
    return state


def bucket_state(client, bucket, prefix):
    """Returns the same of the objects under the prefix; a marker counts only while nothing lies under it."""
    objects = {}
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
        for entry in page.get("Contents", []):
            key = entry["Key"][len(prefix) + 1 :]
            if key and not key.startswith(".s4/"):
                objects[key] = client.get_object(Bucket=bucket, Key=entry["Key"])
    state = {}
    for key, reply in objects.items():
        body = reply["Body"].read()
        if key.endswith("/"):
            if not any(other != key and other.startswith(key) for other in objects):
                state[key] = ("directory", body.decode())
        elif "s4-symlink" in reply["Metadata"]:
            state[key] = ("link", body.decode())
        else:
            kind = "program" if "s4-mode" in reply["Metadata"] else "file"
            state[key] = (kind, hashlib.sha256(body).hexdigest())
    return state


def differences(left_name, left, right_name, right):
    for key in sorted(left.keys() | right.keys()):
        here, there = left.get(key, "nothing"), right.get(key, "nothing")
        if here != there:
            yield f"{key}: {left_name} has {here}, {right_name} has {there}"


def print_versions(client, bucket, prefix):
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
        for kind in ("Versions", "DeleteMarkers"):
            for entry in page.get(kind, []):
                if not entry["Key"].startswith(f"{prefix}/.s4/"):
                    print(kind, entry["Key"], entry["VersionId"])


def main():
    parser = argparse.ArgumentParser()
    for name in ("--endpoint", "--region", "--bucket", "--prefix"):
        parser.add_argument(name, required=True)
    parser.add_argument("--print-versions", action="store_true", help="list every version after the comparison")
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()

    client = boto3.client("s3", endpoint_url=arguments.endpoint, region_name=arguments.region)
    bucket = bucket_state(client, arguments.bucket, arguments.prefix)
    found = []
    for folder in arguments.folders:
        found += differences(str(folder), folder_state(folder), "the bucket", bucket)
    if found:
        sys.exit("\n".join(found))
    kinds = [kind for kind, _ in bucket.values()]
    files = kinds.count("file") + kinds.count("program")
    print(
        f"the bucket and {len(arguments.folders)} folders hold the same {files} files,"
        f" {kinds.count('link')} links and {kinds.count('directory')} empty directories"
    )
    if arguments.print_versions:
        print_versions(client, arguments.bucket, arguments.prefix)


if __name__ == "__main__":
    main()
