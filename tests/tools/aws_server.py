#!/usr/bin/env python3
"""AWS' APIs in memory (moto) on a free port of loopback: S3, STS, EC2, IAM, KMS.

Prints its URL, then serves until its standard input ends: with its starter, that is.
    aws_server.py [certificate.pem key.pem]     with them, over TLS
"""
import datetime
import ssl
import sys
import threading

from moto.s3 import models, responses
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    # Kept-alive connections, as AWS has them.
    protocol_version = "HTTP/1.1"

    def log(self, *args, **kwargs):
        pass


def tell_when_uploads_began() -> None:
    """moto says of every multipart upload that it began in 2010; here it says when it did."""
    begun = {}
    make, serialize = models.FakeMultipart.__init__, responses.S3Response.serialized

    def note(self, *args, **kwargs):
        make(self, *args, **kwargs)
        begun[self.id] = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def tell(self, result):
        if self.data.get("Action") == "ListMultipartUploads":
            for upload in result.result["Uploads"]:
                upload["Initiated"] = begun[upload["UploadId"]]
        return serialize(self, result)

    models.FakeMultipart.__init__, responses.S3Response.serialized = note, tell


def main() -> None:
    tell_when_uploads_began()
    context = None
    if len(sys.argv) == 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True,
                         request_handler=Quiet, ssl_context=context)
    server.daemon_threads = True
    server.log = lambda *args: None  # a client that goes away is no trouble of ours
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http{'s' if context else ''}://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
