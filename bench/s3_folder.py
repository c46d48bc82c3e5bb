#!/usr/bin/env python3
"""Serves a folder as S3, to be read only: bucket = the first folder of the path. For bench/history.sh, whose hundred
backups are hard links of a few. Checks no signatures; knows ListObjectsV2 (prefix, start-after, delimiter), HEAD, and GET with a range.
    s3_folder.py ROOT PORT_FILE     the port that it got is written to PORT_FILE; counts requests on GET /-/count"""
import bisect
import http.server
import itertools
import os
import pathlib
import re
import sys
import urllib.parse
from xml.sax.saxutils import escape

ROOT = pathlib.Path(sys.argv[1])
COUNT = itertools.count()
KEYS = {}


def keys_of(bucket):
    if bucket not in KEYS:
        top = ROOT / bucket
        found = (os.path.join(at, name) for at, _, names in os.walk(top) for name in names)
        KEYS[bucket] = sorted(os.path.relpath(path, top) for path in found)
    return KEYS[bucket]


def listing(bucket, query):
    prefix, after = query.get("prefix", ""), query.get("continuation-token") or query.get("start-after", "")
    delimiter, most = query.get("delimiter", ""), int(query.get("max-keys", 1000))
    keys, out, seen, last = keys_of(bucket), [], set(), ""
    at = bisect.bisect_right(keys, after) if after > prefix else bisect.bisect_left(keys, prefix)
    more = False
    for key in keys[at:]:
        if not key.startswith(prefix):
            break
        if len(out) == most:
            more = True
            break
        rest = key[len(prefix):]
        if delimiter and delimiter in rest:
            below = prefix + rest[:rest.index(delimiter) + 1]
            if below not in seen:
                seen.add(below)
                out.append(f"<CommonPrefixes><Prefix>{escape(below)}</Prefix></CommonPrefixes>")
        else:
            size = (ROOT / bucket / key).stat().st_size
            out.append(f"<Contents><Key>{escape(key)}</Key><Size>{size}</Size>"
                       "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>")
        last = key
    token = f"<NextContinuationToken>{escape(last)}</NextContinuationToken>" if more else ""
    return (f'<?xml version="1.0"?><ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>'
            f'{token}<KeyCount>{len(out)}</KeyCount>{"".join(out)}</ListBucketResult>').encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/-/count":
            return self.answer(200, str(next(COUNT)).encode())
        next(COUNT)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        bucket, _, key = urllib.parse.unquote(url.path).lstrip("/").partition("/")
        if not key:
            return self.answer(200, listing(bucket, query), [("Content-Type", "application/xml")])
        path = ROOT / bucket / key
        if ".." in key or not path.is_file():
            return self.answer(404, b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>')
        return self.send_object(path)

    do_HEAD = do_GET

    def send_object(self, path):
        size = path.stat().st_size
        begin, end, status = 0, size, 200
        headers = [("ETag", '"0"'), ("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")]
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted:
            begin, end = int(wanted[1]), min(size, int(wanted[2]) + 1 if wanted[2] else size)
            if begin >= size:
                return self.answer(416, b'<?xml version="1.0"?><Error><Code>InvalidRange</Code></Error>')
            status = 206
            headers.append(("Content-Range", f"bytes {begin}-{end - 1}/{size}"))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(end - begin))
        self.end_headers()
        if self.command == "HEAD":
            return self.wfile.flush()
        self.wfile.flush()
        with open(path, "rb") as file:
            while begin < end:
                begin += os.sendfile(self.connection.fileno(), file.fileno(), begin, end - begin)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
pathlib.Path(sys.argv[2]).write_text(str(server.server_address[1]))
server.serve_forever()
