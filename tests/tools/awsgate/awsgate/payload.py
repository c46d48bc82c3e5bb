"""What a request's body must be: of the hashes and checksums that its headers name. Pure."""

import base64
import hashlib
import zlib

from .sigv4 import Refused, UNSIGNED

STREAMING = "STREAMING-"


def _crc32c_table():
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ 0x82F63B78 if value & 1 else value >> 1
        table.append(value)
    return table


_CRC32C = _crc32c_table()


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = _CRC32C[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


CHECKSUMS = {
    "x-amz-checksum-crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "x-amz-checksum-crc32c": lambda data: crc32c(data).to_bytes(4, "big"),
    "x-amz-checksum-sha1": lambda data: hashlib.sha1(data).digest(),
    "x-amz-checksum-sha256": lambda data: hashlib.sha256(data).digest(),
}


def hash_for_signature(headers, body, service):
    """What the canonical request has in its last line."""
    named = headers.get("x-amz-content-sha256")
    if service == "s3" and named:
        return named
    return hashlib.sha256(body).hexdigest()


def unwrap(headers, body):
    """The object's own bytes: those of an aws-chunked body are taken out of their chunks, and its trailing checksums
    come back as headers."""
    named = headers.get("x-amz-content-sha256", "")
    if not named.startswith(STREAMING):
        return body, {}
    data, trailer, position = b"", {}, 0
    while True:
        end = body.index(b"\r\n", position)
        size = int(body[position:end].split(b";")[0], 16)
        position = end + 2
        if size == 0:
            break
        data += body[position : position + size]
        position += size + 2
    for line in body[position:].split(b"\r\n"):
        name, colon, value = line.decode().partition(":")
        if colon:
            trailer[name.strip().lower()] = value.strip()
    return data, trailer


def check(headers, body):
    """`body` is unwrapped, and `headers` have the trailer's, too."""
    named = headers.get("x-amz-content-sha256", UNSIGNED)
    if named != UNSIGNED and not named.startswith(STREAMING) and named != hashlib.sha256(body).hexdigest():
        raise Refused(
            "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."
        )
    length = headers.get("x-amz-decoded-content-length")
    if length is not None and int(length) != len(body):
        raise Refused("IncompleteBody", "You did not provide the number of bytes specified")
    md5 = headers.get("content-md5")
    if md5 is not None and base64.b64decode(md5) != hashlib.md5(body).digest():
        raise Refused("BadDigest", "The Content-MD5 you specified did not match what we received.")
    for name, compute in CHECKSUMS.items():
        if name in headers and base64.b64decode(headers[name]) != compute(body):
            raise Refused("BadDigest", f"The {name[len('x-amz-checksum-'):].upper()} you specified did not match "
                                       "the calculated checksum.")
