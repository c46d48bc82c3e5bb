#!/usr/bin/env python3
"""A gate between a program and all that it can change: an API server, and a bucket of S3. It counts the changes, and
at the one it is told to it shuts: that change is held, and every later one, until their program is dead.

    step_gate.py KUBECONFIG S3_URL /BUCKET      what is not below /BUCKET goes to the API server

Prints its URL, then obeys lines of JSON on its standard input, answering each with one line, until that ends:
    {"shut": N, "when": "before"}   counts from 0 again, and shuts at the N-th change (0: never), before it is passed on
                                    or (after) when it was done and before its answer is passed on
    {"state": true}                 {"count": 7, "held": "PUT /lateen/backups/..."}; null: not shut
What many programs do at any time is not counted: Leases, Events, the status of backup storage locations.
"""
import base64
import http.client
import http.server
import json
import ssl
import sys
import tempfile
import threading
import urllib.parse

import yaml

LOCK = threading.Lock()
OPENED = threading.Condition(LOCK)
STATE = {"count": 0, "shut": 0, "when": "before", "held": None, "round": 0}
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
NOT_COUNTED = ("/leases", "/events", "/backupstoragelocations", "/downloadrequests", "/serverstatusrequests")
STREAM_END = b"0\r\n\r\n"


def hold_if_shut(method: str, path: str, when: str, number: int) -> bool:
    """Whether the change was held; it is for nobody then, for its program has been killed."""
    with LOCK:
        began = STATE["round"]
        if not STATE["shut"]:
            return False
        mine = number == STATE["shut"] and when == STATE["when"]
        later = number > STATE["shut"] and when == "before"
        if not mine and not later:
            return False
        if mine:
            STATE["held"] = f"{method} {path}"
        while STATE["round"] == began:
            OPENED.wait()
        return True


def number_of(method: str, path: str) -> int:
    plain = path.split("?")[0]
    if method in ("GET", "HEAD") or any(part in plain for part in NOT_COUNTED):
        return 0
    with LOCK:
        STATE["count"] += 1
        return STATE["count"]


class Upstreams:
    def __init__(self, kubeconfig: str, s3: str, bucket: str):
        with open(kubeconfig, encoding="utf-8") as file:
            config = yaml.safe_load(file)
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.api = urllib.parse.urlsplit(cluster["server"])
        self.s3 = urllib.parse.urlsplit(s3)
        self.bucket = bucket
        self.tls = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        with tempfile.NamedTemporaryFile("wb") as pem:
            pem.write(base64.b64decode(user["client-certificate-data"]) + b"\n")
            pem.write(base64.b64decode(user["client-key-data"]))
            pem.flush()
            self.tls.load_cert_chain(pem.name)

    def is_s3(self, path: str) -> bool:
        return path.startswith(self.bucket)

    def connect(self, s3: bool) -> http.client.HTTPConnection:
        if s3:
            return http.client.HTTPConnection(self.s3.hostname, self.s3.port)
        return http.client.HTTPSConnection(self.api.hostname, self.api.port, context=self.tls)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    upstreams: Upstreams

    def setup(self):
        super().setup()
        self.kept = {}

    def finish(self):
        for connection in self.kept.values():
            connection.close()
        super().finish()

    def log_message(self, *args):
        pass

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def ask(self, body: bytes) -> http.client.HTTPResponse:
        s3 = self.upstreams.is_s3(self.path)
        if s3 not in self.kept:
            self.kept[s3] = self.upstreams.connect(s3)
        connection = self.kept[s3]
        connection.putrequest(self.command, self.path, skip_host=s3, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP and (s3 or name.lower() != "host"):
                connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        return connection.getresponse()

    def pass_back(self, answer: http.client.HTTPResponse):
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        bare = self.command == "HEAD" or answer.status in (204, 304)
        if answer.length is not None or bare:
            content = answer.read()
            self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while piece := answer.read1(65536):
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
        self.wfile.write(STREAM_END)

    def serve(self):
        body = self.read_body()
        number = number_of(self.command, self.path)
        if number and hold_if_shut(self.command, self.path, "before", number):
            self.close_connection = True
            return
        answer = self.ask(body)
        if number and hold_if_shut(self.command, self.path, "after", number):
            answer.read()
            self.close_connection = True
            return
        self.pass_back(answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = serve


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # programs are killed here


def main() -> None:
    Handler.upstreams = Upstreams(*sys.argv[1:4])
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        with LOCK:
            if "shut" in order:
                STATE.update(count=0, shut=order["shut"], when=order.get("when", "before"), held=None)
                STATE["round"] += 1
                OPENED.notify_all()
                answer = "ok"
            else:
                answer = json.dumps({"count": STATE["count"], "held": STATE["held"]})
        print(answer, flush=True)


if __name__ == "__main__":
    main()
