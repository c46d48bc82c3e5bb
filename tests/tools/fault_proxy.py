#!/usr/bin/env python3
"""A proxy on loopback that spoils chosen requests on their way to an object store.

    fault_proxy.py http://127.0.0.1:PORT

Prints its URL, then obeys lines of JSON on its standard input, answering each with one line, until that ends:
    {"rules": [{"method": "PUT", "match": "partNumber=2", "do": "reset", "times": 1}]}    sets the rules: "ok"
    {"seen": true}                                                                       the requests since then
`match` is a piece of the request line; `times` how often (0: always); `skip` how many to let pass before. `do`:
    500, 503, slowdown, expired     an answer of that kind, without asking the store
    reset                           the connection is reset before the store hears of it
    lost                            the store does it, the answer is lost by a reset
    truncate                        half of the answer, then the end
    stall                           half of the answer, then nothing
    deaf                            the request is never read to its end, and not answered
    error200                        the answer to a completion: 200, and an error inside
    flip                            a byte of the answer's body is another
"""
import http.client
import http.server
import json
import socket
import struct
import sys
import threading
import urllib.parse

LOCK = threading.Lock()
RULES = []
SEEN = []
STALLED = threading.Event()
UPSTREAM = urllib.parse.urlsplit(sys.argv[1])
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


def error_xml(code: str, message: str) -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


ANSWERS = {
    "500": (500, error_xml("InternalError", "We encountered an internal error.")),
    "503": (503, error_xml("ServiceUnavailable", "Please try again.")),
    "slowdown": (503, error_xml("SlowDown", "Please reduce your request rate.")),
    "expired": (400, error_xml("ExpiredToken", "The provided token has expired.")),
    "error200": (200, error_xml("InternalError", "We encountered an internal error.")),
}


def fault_for(method: str, target: str) -> str:
    with LOCK:
        SEEN.append(f"{method} {target}")
        for rule in RULES:
            if rule.get("method") not in (None, method) or rule.get("match", "") not in target:
                continue
            if rule.get("skip", 0) > 0:
                rule["skip"] -= 1
                continue
            if rule.get("times", 1) == 0:
                return rule["do"]
            if rule["left"] > 0:
                rule["left"] -= 1
                return rule["do"]
    return ""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def ask(self, body: bytes):
        upstream = http.client.HTTPConnection(UPSTREAM.hostname, UPSTREAM.port, timeout=60)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in HOP:
                upstream.putheader(name, value)
        upstream.putheader("Content-Length", str(len(body)))
        upstream.endheaders(body)
        answer = upstream.getresponse()
        content = answer.read()
        headers = [(n, v) for n, v in answer.getheaders() if n.lower() not in HOP]
        length = answer.getheader("Content-Length") or str(len(content))
        if self.command != "HEAD":
            length = str(len(content))
        upstream.close()
        return answer.status, headers, length, content

    def head(self, status: int, headers, length: str) -> bytes:
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, '')}"]
        lines += [f"{n}: {v}" for n, v in headers] + [f"Content-Length: {length}", "", ""]
        return "\r\n".join(lines).encode("latin-1")

    def serve(self):
        do = fault_for(self.command, self.path)
        if do == "reset":
            return self.reset()
        if do == "deaf":
            STALLED.wait(60)
            return self.reset()
        body = self.read_body()
        if do in ANSWERS:
            status, content = ANSWERS[do]
            if self.command == "HEAD":
                content = b""
            self.wfile.write(self.head(status, [("Content-Type", "application/xml")], str(len(content))) + content)
            return None
        status, headers, length, content = self.ask(body)
        if do == "lost":
            return self.reset()
        if do == "flip" and content:
            content = bytes([content[0] ^ 1]) + content[1:]
        whole = self.head(status, headers, length) + content
        if do in ("truncate", "stall"):
            # Half of the body; of an answer without one, half of its head.
            keep = len(whole) - len(content) + len(content) // 2 if len(content) > 1 else len(whole) // 2
            self.wfile.write(whole[:keep])
            if do == "stall":
                STALLED.wait(60)
            self.close_connection = True
            return None
        self.wfile.write(whole)
        return None

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = serve


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # clients go when their test wants them to


def main() -> None:
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        with LOCK:
            if "rules" in order:
                RULES[:] = order["rules"]
                for rule in RULES:
                    rule["left"] = rule.get("times", 1)
                SEEN.clear()
                answer = "ok"
            else:
                answer = json.dumps(SEEN)
        print(answer, flush=True)
    STALLED.set()


if __name__ == "__main__":
    main()
