"""A proxy on loopback that holds back every request of HTTP for a while, as a distant store would, and counts them. Bodies go
through the kernel (splice), so that the proxy takes next to nothing of the machine that is being measured.

    proxy = DelayProxy("http://127.0.0.1:9000", delay=0.03)
    ... use proxy.url ...
    proxy.take_counts()     -> {"GET": 12, "PUT": 3}; bytes as "up" and "down"; counts anew from here
"""
import collections
import os
import socket
import threading
import time
import urllib.parse

CHUNK = 1 << 20


class Peer:
    """One side of a connection: what was read ahead of a body, then the body itself."""

    def __init__(self, connection: socket.socket):
        self.socket = connection
        self.ahead = b""
        self.pipe = None

    def head(self):
        """The next request or answer, up to its empty line; nothing at the end."""
        while b"\r\n\r\n" not in self.ahead:
            more = self.socket.recv(65536)
            if not more:
                return None
            self.ahead += more
        head, self.ahead = self.ahead.split(b"\r\n\r\n", 1)
        return head + b"\r\n\r\n"

    def move(self, to: socket.socket, length: int) -> None:
        first = self.ahead[:length]
        self.ahead = self.ahead[len(first):]
        to.sendall(first)
        length -= len(first)
        if length <= 0:
            return
        if self.pipe is None:
            self.pipe = os.pipe()
        while length > 0:
            got = os.splice(self.socket.fileno(), self.pipe[1], min(length, CHUNK))
            if got == 0:
                raise ConnectionError("the peer closed within a body")
            length -= got
            while got > 0:
                got -= os.splice(self.pipe[0], to.fileno(), got)

    def move_chunked(self, to: socket.socket) -> int:
        total = 0
        while True:
            while b"\r\n" not in self.ahead:
                more = self.socket.recv(65536)
                if not more:
                    raise ConnectionError("the peer closed within a body")
                self.ahead += more
            size = int(self.ahead.split(b"\r\n", 1)[0].split(b";")[0], 16)
            line = len(self.ahead.split(b"\r\n", 1)[0]) + 2
            self.move(to, line + size + 2)
            total += size
            if size == 0:
                return total

    def close(self):
        for fd in self.pipe or ():
            os.close(fd)
        self.socket.close()


def header(head: bytes, name: bytes):
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None


class DelayProxy:
    def __init__(self, upstream: str, delay: float):
        parts = urllib.parse.urlsplit(upstream)
        self.upstream = (parts.hostname, parts.port or 80)
        self.delay = delay
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.requests = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def take_counts(self):
        with self.lock:
            counts, self.counts = dict(self.counts), collections.Counter()
            self.last, self.requests = self.requests, []
        return counts

    def note(self, request: bytes) -> str:
        method, target = request.split(b"\r\n", 1)[0].decode("latin-1").split(" ")[:2]
        with self.lock:
            self.counts[method] += 1
            self.requests.append(f"{method} {target} {(header(request, b'range') or b'').decode()}")
        return method

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket):
        client, store = Peer(connection), None
        try:
            store = Peer(socket.create_connection(self.upstream))
            for one in (client, store):
                one.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self.exchange(client, store):
                pass
        except (OSError, ConnectionError):
            pass  # either side went: the other one's connection ends too
        finally:
            client.close()
            if store:
                store.close()

    def exchange(self, client: Peer, store: Peer) -> bool:
        request = client.head()
        if request is None:
            return False
        method = self.note(request)
        time.sleep(self.delay)
        store.socket.sendall(request)
        up = int(header(request, b"content-length") or 0)
        if (header(request, b"expect") or b"").lower() == b"100-continue":
            client.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if header(request, b"transfer-encoding"):
            up = client.move_chunked(store.socket)
        else:
            client.move(store.socket, up)
        answer = store.head()
        while answer is not None and answer.split(b" ", 2)[1].startswith(b"1"):
            answer = store.head()
        if answer is None:
            return False
        client.socket.sendall(answer)
        status = int(answer.split(b" ", 2)[1])
        down = 0
        if method != "HEAD" and status not in (204, 304):
            if header(answer, b"transfer-encoding"):
                down = store.move_chunked(client.socket)
            else:
                down = int(header(answer, b"content-length") or 0)
                store.move(client.socket, down)
        with self.lock:
            self.counts["up"] += up
            self.counts["down"] += down
        closing = b"close" in ((header(answer, b"connection") or b"") + (header(request, b"connection") or b"")).lower()
        return not closing
