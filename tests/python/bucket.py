"""Does what it is told to a bucket, by boto3: reads steps as JSON, answers each with JSON.

Bodies travel as the text whose code points are the bytes.
"""

import concurrent.futures
import hashlib
import json
import sys

import boto3
from botocore.config import Config

PART = 5 * 1024 * 1024


class Prefix:
    """A bucket and a prefix in it."""

    def __init__(self, bucket, prefix):
        self.client = boto3.client("s3", config=Config(max_pool_connections=8))
        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""

    def create(self):
        self.client.create_bucket(Bucket=self.bucket)

    def remove(self):
        self.client.delete_bucket(Bucket=self.bucket)

    def put(self, path, body, metadata=None):
        self.client.put_object(
            Bucket=self.bucket, Key=self.prefix + path, Body=body.encode("latin-1"), Metadata=metadata or {}
        )

    def put_in_parts(self, path, body):
        where = {"Bucket": self.bucket, "Key": self.prefix + path}
        content = body.encode("latin-1")
        upload = self.client.create_multipart_upload(**where)["UploadId"]
        parts = []
        for number, start in enumerate(range(0, len(content), PART), 1):
            part = content[start : start + PART]
            reply = self.client.upload_part(**where, UploadId=upload, PartNumber=number, Body=part)
            parts.append({"PartNumber": number, "ETag": reply["ETag"]})
        self.client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})

    def delete(self, path):
        self.client.delete_object(Bucket=self.bucket, Key=self.prefix + path)

    def sha256(self, path):
        body = self.client.get_object(Bucket=self.bucket, Key=self.prefix + path)["Body"]
        digest = hashlib.sha256()
        for piece in body.iter_chunks(1 << 20):
            digest.update(piece)
        return digest.hexdigest()

    def uploads(self):
        reply = self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=self.prefix)
        return len(reply.get("Uploads", []))

    def dump(self):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            return dict(zip((key[len(self.prefix) :] for key in keys), pool.map(self.read, keys)))

    def read(self, key):
        reply = self.client.get_object(Bucket=self.bucket, Key=key)
        return {
            "body": reply["Body"].read().decode("latin-1"),
            "metadata": reply["Metadata"],
            "etag": reply["ETag"],
            "content_type": reply["ContentType"],
        }


def main():
    question = json.load(sys.stdin)
    prefix = Prefix(question["bucket"], question["prefix"])
    answers = []
    for step in question["steps"]:
        action = getattr(prefix, step.pop("do").replace("-", "_"))
        answers.append(action(**step))
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
