"""The gate: an HTTP server that lets a request through to the one behind it only if AWS would have taken it."""

import datetime
import http.server
import json
import re
import socket
import threading
import time
import urllib.parse

from . import payload, sigv4
from .answers import Answer, assumed_role, caller_identity, refusal
from .buckets import Buckets
from .calls import Call, permissions
from .iam import Request
from .oidc import InvalidToken
from .state import State
from .upstream import Upstream

CONTROL = "/_awsgate/"


class Gate:
    def __init__(self, upstream_url, state=None):
        self.state = state or State()
        self.upstream = Upstream(upstream_url)
        self.buckets = Buckets(self.state, self.upstream)

    def serve(self, method, target, headers, body):
        """An Answer, or the kind of fault that breaks the connection."""
        path, _, query = target.partition("?")
        named = {name.lower(): value for name, value in headers}
        service = "s3"
        try:
            signature = sigv4.read(method, path, query, named)
            service = self._service_of(signature, named)
            region = signature.region if signature else "us-east-1"
            trailer = {}
            data = body
            if service == "s3":
                data, trailer = payload.unwrap(named, body)
            call = Call(service, region, method, path, query, {**named, **trailer}, data)
            fault = self.state.faults.choose(f"{method} {urllib.parse.unquote(target)} {call.action}")
            if fault is not None:
                broken = self._fault(fault, service)
                if broken is not None:
                    return broken
            if service == "sts" and call.action == "AssumeRoleWithWebIdentity":
                return self._assume(call)
            identity = self._authenticate(signature, call, target, named, body)
            if service == "sts":
                return caller_identity(identity, self.state.account)
            if service == "s3":
                payload.check(call.headers, data)
            self._authorize(call, identity)
            return self._pass_on(call, identity, target, headers, data)
        except sigv4.Refused as refused:
            return refusal(service, refused.code, str(refused))
        except InvalidToken as refused:
            return refusal(service, refused.code, str(refused))

    def _service_of(self, signature, headers):
        if signature is not None:
            return signature.service
        # Only STS takes a call without a signature, and its form says so.
        return "sts" if "x-www-form-urlencoded" in headers.get("content-type", "") else "s3"

    def _assume(self, call):
        form = call.form
        key, identity, until, subject = self.state.assume_with_token(
            form.get("RoleArn", ""), form.get("RoleSessionName", ""), form.get("WebIdentityToken", "")
        )
        return assumed_role(key, identity, until, subject)

    def _authenticate(self, signature, call, target, headers, body):
        if signature is None:
            raise sigv4.Refused("AccessDenied", "Anonymous access is forbidden")
        identity = self.state.identity_of(signature, call.service)
        path, _, query = target.partition("?")
        if signature.presigned:
            hashed = sigv4.UNSIGNED
        else:
            hashed = payload.hash_for_signature(headers, body, call.service)
        now = datetime.datetime.now(datetime.timezone.utc)
        sigv4.check(signature, identity.secret, call.method, path, query, headers, hashed, now)
        return identity

    def _authorize(self, call, identity):
        def tags_of(resource):
            return self.upstream.tags_of(resource, call.region)

        for request in permissions(call, self.state.account, tags_of, self.state.tags_everywhere):
            self.state.authorize(identity, request, call.bucket if call.service == "s3" else "")

    def _pass_on(self, call, identity, target, headers, data):
        if call.service != "s3":
            return self.upstream.send(call.method, target, headers, data)
        own = self.buckets.answer_itself(call)
        if own is not None:
            return own
        self.buckets.before(call, identity)
        path, _, query = target.partition("?")
        kept = [pair for pair in urllib.parse.parse_qsl(query, keep_blank_values=True)
                if not pair[0].startswith("X-Amz-")]
        presigned = "X-Amz-Signature" in query
        target = path + ("?" + urllib.parse.urlencode(kept) if kept else "") if presigned else target
        sent = [(name, value) for name, value in headers
                if not presigned or name.lower() != "authorization"]
        if presigned:
            sent.append(self.upstream.credential("s3", call.region))
        if call.headers.get("x-amz-content-sha256", "").startswith(payload.STREAMING):
            dropped = ("content-encoding", "x-amz-content-sha256", "x-amz-decoded-content-length", "x-amz-trailer")
            sent = [(name, value) for name, value in sent if name.lower() not in dropped]
        answer = self.upstream.send(call.method, target, sent, data)
        if answer.status == 404 and call.key and call.method in ("GET", "HEAD"):
            # Whether an object is there is itself worth a permission.
            listing = Request("s3:ListBucket", f"arn:aws:s3:::{call.bucket}")
            if not self.state.may(identity, listing, call.bucket):
                raise sigv4.Refused(
                    "AccessDenied",
                    f"User: {identity.principal} is not authorized to perform: s3:ListBucket on resource: "
                    f"{listing.resource} because no identity-based policy allows the s3:ListBucket action",
                )
        self.buckets.after(call, answer)
        return answer

    def _fault(self, kind, service):
        if kind == "500":
            return refusal(service, "InternalError", "We encountered an internal error. Please try again.")
        if kind == "503":
            code = "SlowDown" if service == "s3" else "RequestLimitExceeded" if service == "ec2" else "Unavailable"
            return refusal(service, code, "Please reduce your request rate.")
        if kind == "expired":
            self.state.revoke_sessions()
            return None
        if kind in ("reset", "truncate"):
            return kind
        match = re.fullmatch(r"stall:([0-9.]+)", kind)
        if match:
            time.sleep(float(match.group(1)))
            return None
        code, _, message = kind.partition(":")
        return refusal(service, code, message or "injected by the gate")

    def control(self, name, settings):
        """The test's own door."""
        if name == "configure":
            self.state.configure(settings)
        elif name == "advance":
            self.state.advance(settings["seconds"])
            self.buckets.catch_up()
        elif name == "revoke":
            self.state.revoke_sessions()
        elif name == "token":
            return {"token": self.state.issuer.token(
                settings["subject"], self.state.now(), settings.get("lifetime", 3600),
                settings.get("audience", "sts.amazonaws.com"))}
        elif name == "log":
            with self.state.lock:
                log = list(self.state.log)
                if settings.get("clear"):
                    self.state.log.clear()
            return {"log": log}
        else:
            raise KeyError(name)
        return {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gate = None

    def _body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _serve(self):
        body = self._body()
        if self.path.startswith(CONTROL):
            answer = self._control(body)
        else:
            answer = self.gate.serve(self.command, self.path, self.headers.items(), body)
        if answer == "reset":
            # Without a goodbye: the peer sees a reset, not an end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
            self.connection.close()
            return
        if answer == "truncate":
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(b"x" * 1000)
            self.close_connection = True
            return
        self._answer(answer)

    def _answer(self, answer):
        self.send_response(answer.status)
        named = False
        for name, value in answer.headers:
            named = named or name.lower() == "content-length"
            self.send_header(name, value)
        if not named:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _control(self, body):
        name = self.path[len(CONTROL):]
        try:
            result = self.gate.control(name, json.loads(body or b"{}"))
        except (KeyError, ValueError) as problem:
            return Answer(400, [], f"{type(problem).__name__}: {problem}".encode())
        return Answer(200, [("Content-Type", "application/json")], json.dumps(result).encode())

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):  # a peer that went away
        pass


def start(gate, port=0):
    """A server on loopback and in its own thread; its address is server_address."""
    handler = type("GateHandler", (Handler,), {"gate": gate})
    server = Server(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
