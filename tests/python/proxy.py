"""A proxy before an S3 store that counts requests and misbehaves as a file tells it to.

Usage: proxy.py FAULTS LOG. The store is $AWS_ENDPOINT_URL, the keys are in the environment too: what a fault takes out
of a request was signed, so the rest is signed again. Prints its own address once it listens.
"""

import hashlib
import hmac
import http.client
import http.server
import itertools
import json
import os
import pathlib
import re
import sys
import time
import urllib.parse

CONDITIONS = {"if-match", "if-none-match", "x-amz-copy-source-if-match", "x-amz-copy-source-if-none-match"}
TURNS = itertools.count()
REFUSED = itertools.count()
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "server"}
XML = {"content-type": "application/xml"}


def error(code):
    return f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>no</Message></Error>'.encode()


# What a fault of all requests answers.
ANSWERS = {
    "portal": (200, {"content-type": "text/html"}, b"<html><body>Welcome. Please log in.</body></html>"),
    "expired": (400, XML, error("ExpiredToken")),
    "other-region": (301, {**XML, "x-amz-bucket-region": "eu-west-9"}, error("PermanentRedirect")),
    "wrong-clock": (403, XML, error("RequestTimeTooSkewed")),
}


def read_faults():
    return json.loads(pathlib.Path(FAULTS).read_text(encoding="utf-8"))


def signature(method, target, headers, signed, scope):
    """Returns the AWS signature, version 4, of a request."""
    path, _, query = target.partition("?")
    pairs = sorted(pair if "=" in pair else pair + "=" for pair in query.split("&") if pair)
    lines = [f"{name}:{' '.join(headers[name].split())}" for name in signed]
    payload = headers["x-amz-content-sha256"]
    canonical = "\n".join([method, path, "&".join(pairs), *lines, "", ";".join(signed), payload])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, digest])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def without_conditions(method, target, headers):
    """Returns the headers of a write without its conditions, signed again."""
    kept = {name: value for name, value in headers.items() if name not in CONDITIONS}
    found = re.match(r"(.*Credential=([^/]+)/([^,]+), *SignedHeaders=)([^,]+)(, *Signature=).*", kept["authorization"])
    start, _, scope, signed, middle = found.groups()
    signed = [name for name in signed.split(";") if name not in CONDITIONS]
    mark = signature(method, target, kept, signed, scope)
    kept["authorization"] = f"{start}{';'.join(signed)}{middle}{mark}"
    return kept


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream = None

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        query = urllib.parse.parse_qs(self.path.partition("?")[2], keep_blank_values=True)
        is_list = self.command == "GET" and ("list-type" in query or "versions" in query)
        faults = self.admit(is_list, query)
        status, headers, content = self.answer(faults, is_list, query, body)
        with open(f"{LOG}-bytes", "a", encoding="utf-8") as file:
            file.write(f"{len(body)} {len(content)}\n")
        is_write = self.command in ("PUT", "POST", "DELETE")
        if is_write and faults.get("every-third") == "reply-lost" and next(TURNS) % 3 == 0:
            self.close_connection = True
            return
        if faults.get("completions") == "reply-lost" and self.completes(query) and status == 200:
            self.close_connection = True
            return
        self.send(status, headers, content, is_cut=faults.get("bodies") == "cut" and not is_list)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

    def completes(self, query):
        return self.command == "POST" and "uploadId" in query

    def admit(self, is_list, query):
        """Counts the request and returns the faults of the moment; a held request waits for other ones."""
        own = "/.s4/" in urllib.parse.unquote(self.path.partition("?")[0])
        kind = ".s4" if own else "LIST" if is_list else self.command
        if "x-amz-copy-source" in self.headers:
            kind = ".s4" if own else "COPY"
        elif "versioning" in query:
            kind = "BUCKET"
        with open(LOG, "a", encoding="utf-8") as file:
            file.write(kind + "\n")
        while (faults := read_faults()).get("hold") == kind:
            pathlib.Path(FAULTS).with_suffix(".held").touch()
            time.sleep(0.005)
        return faults

    def answer(self, faults, is_list, query, body):
        if "all" in faults:
            status, headers, content = ANSWERS[faults["all"]]
            return status, dict(headers), content
        fault = faults.get("list") if is_list else None
        if fault == "denied":
            return 403, dict(XML), error("AccessDenied")
        if fault == "broken" and "continuation-token" in query:
            return 500, dict(XML), error("InternalError")
        if self.command == "PUT" and "storm" in faults and next(REFUSED) < faults["storm"]:
            return 503, dict(XML), error("SlowDown")
        if faults.get("every-third") == "busy" and next(TURNS) % 3 == 0:
            return 503, dict(XML), error("SlowDown")
        target = self.path
        headers = {name.lower(): value for name, value in self.headers.items()}
        if fault == "broken":
            target, headers = self.first_page_only(target, headers)
        if faults.get("conditions") == "ignored" and self.command in ("PUT", "POST", "DELETE"):
            headers = without_conditions(self.command, target, headers)
        status, reply, content = self.ask(target, headers, body)
        if faults.get("checksums") == "hidden":
            reply = {name: value for name, value in reply.items() if not name.startswith("x-amz-checksum-")}
        if fault in ("empty", "short"):
            content = shortened(content, 1 if fault == "short" else 0)
        return status, reply, content

    def first_page_only(self, target, headers):
        """Makes the store answer with one entry and a token for more."""
        target = re.sub(r"&max-keys=\d+", "", target) + "&max-keys=1"
        found = re.search(r"Credential=[^/]+/([^,]+), *SignedHeaders=([^,]+)", headers["authorization"])
        mark = signature(self.command, target, headers, found[2].split(";"), found[1])
        authorization = re.sub(r"Signature=.*", f"Signature={mark}", headers["authorization"])
        return target, {**headers, "authorization": authorization}

    def ask(self, target, headers, body):
        if self.upstream is None:
            self.upstream = http.client.HTTPConnection(UPSTREAM.hostname, UPSTREAM.port)
        self.upstream.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            if name != "expect":
                self.upstream.putheader(name, value)
        self.upstream.endheaders(body)
        reply = self.upstream.getresponse()
        content = reply.read()
        kept = {name.lower(): value for name, value in reply.getheaders()}
        if self.command == "HEAD" and "content-length" in kept:
            kept["x-length"] = kept["content-length"]
        return reply.status, kept, content

    def send(self, status, headers, content, is_cut):
        length = headers.pop("x-length", str(len(content)))
        self.send_response_only(status)
        for name, value in headers.items():
            if name not in HOP_BY_HOP:
                self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("content-length", length)
        self.end_headers()
        if self.command == "HEAD":
            return
        if is_cut and len(content) > 1 and self.command == "GET":
            self.close_connection = True
            content = content[: len(content) // 2]
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def shortened(listing, entries):
    """Returns a listing that claims to be whole with its first entries only."""
    text = listing.decode()
    contents = re.findall(r"<Contents>.*?</Contents>", text, re.S)
    for entry in contents[entries:]:
        text = text.replace(entry, "", 1)
    text = re.sub(r"<KeyCount>\d+</KeyCount>", f"<KeyCount>{min(entries, len(contents))}</KeyCount>", text)
    text = re.sub(r"<NextContinuationToken>.*?</NextContinuationToken>", "", text, flags=re.S)
    return text.replace("<IsTruncated>true<", "<IsTruncated>false<").encode()


if __name__ == "__main__":
    FAULTS, LOG = sys.argv[1:]
    UPSTREAM = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
