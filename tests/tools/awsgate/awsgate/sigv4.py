"""Checks AWS Signature Version 4: in the Authorization header and in a presigned URL. Written from AWS' description
of the algorithm, for the other side than src/net/aws/sigv4.*. Pure."""

import datetime
import hashlib
import hmac
import re
import urllib.parse
from dataclasses import dataclass

MAX_SKEW = datetime.timedelta(minutes=15)
UNSIGNED = "UNSIGNED-PAYLOAD"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


class Refused(Exception):
    """`code` is AWS' own word."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


@dataclass
class Signature:
    access_key: str
    date: str
    region: str
    service: str
    signed_headers: list
    signature: str
    amz_date: str
    presigned: bool
    expires: int = 0
    token: str = ""


def read(method, path, query, headers):
    """What the request says of its signature; None if it is not signed. `query` is the raw text; header names are in
    lower case."""
    authorization = headers.get("authorization", "")
    if authorization:
        match = re.fullmatch(
            r"AWS4-HMAC-SHA256 +Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, *"
            r"SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})",
            authorization.strip(),
        )
        if not match:
            raise Refused("IncompleteSignature", "the Authorization header cannot be read")
        key, date, region, service, signed, signature = match.groups()
        return Signature(
            key, date, region, service, signed.split(";"), signature, headers.get("x-amz-date", ""), False,
            token=headers.get("x-amz-security-token", ""),
        )
    values = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
    if "X-Amz-Signature" not in values:
        return None
    credential = values.get("X-Amz-Credential", "").split("/")
    if len(credential) != 5 or values.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256":
        raise Refused("AuthorizationQueryParametersError", "the query's signature cannot be read")
    return Signature(
        credential[0], credential[1], credential[2], credential[3], values["X-Amz-SignedHeaders"].split(";"),
        values["X-Amz-Signature"], values.get("X-Amz-Date", ""), True, int(values.get("X-Amz-Expires", "0")),
        values.get("X-Amz-Security-Token", ""),
    )


def check(signature, secret, method, path, query, headers, payload_hash, now):
    """Raises Refused unless `secret` made this signature, for this request, not long ago."""
    try:
        signed_at = datetime.datetime.strptime(signature.amz_date, "%Y%m%dT%H%M%SZ").replace(
            tzinfo=datetime.timezone.utc
        )
    except ValueError:
        raise Refused("AccessDenied", "X-Amz-Date is missing or cannot be read") from None
    if signature.presigned:
        if not 1 <= signature.expires <= 604800:
            raise Refused("AuthorizationQueryParametersError", "X-Amz-Expires must be 1 to 604800 seconds")
        if now > signed_at + datetime.timedelta(seconds=signature.expires):
            raise Refused("AccessDenied", "Request has expired")
    elif abs(now - signed_at) > MAX_SKEW:
        raise Refused(
            "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."
        )
    if not signature.amz_date.startswith(signature.date):
        raise Refused("SignatureDoesNotMatch", "the credential's date is not the request's")
    if "host" not in signature.signed_headers:
        raise Refused("SignatureDoesNotMatch", "the host must be signed")
    unsigned = [
        name for name in headers
        if name.startswith("x-amz-") and name not in signature.signed_headers and not signature.presigned
    ]
    if unsigned:
        raise Refused("AccessDenied", f"There were headers present in the request which were not signed: {unsigned}")
    wanted = signature_for(signature, secret, method, path, query, headers, payload_hash)
    if not hmac.compare_digest(wanted, signature.signature):
        raise Refused(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
        )


def signature_for(signature, secret, method, path, query, headers, payload_hash):
    canonical = canonical_request(
        method, path, query, headers, signature.signed_headers, payload_hash, signature.service == "s3"
    )
    scope = f"{signature.date}/{signature.region}/{signature.service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{signature.amz_date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + secret).encode()
    for part in (signature.date, signature.region, signature.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def canonical_request(method, path, query, headers, signed_headers, payload_hash, is_s3):
    lines = [method, _canonical_path(path, is_s3), _canonical_query(query)]
    lines += [f"{name}:{re.sub(' +', ' ', headers.get(name, '').strip())}" for name in signed_headers]
    return "\n".join(lines + ["", ";".join(signed_headers), payload_hash])


def _canonical_path(path, is_s3):
    once = urllib.parse.quote(urllib.parse.unquote(path), safe="/-_.~")
    # Every service but S3 escapes what is escaped already.
    return once or "/" if is_s3 else urllib.parse.quote(once or "/", safe="/-_.~")


def _canonical_query(query):
    pairs = []
    for part in query.split("&") if query else []:
        name, _, value = part.partition("=")
        name, value = urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(value)
        if name != "X-Amz-Signature":
            pairs.append((urllib.parse.quote(name, safe="-_.~"), urllib.parse.quote(value, safe="-_.~")))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
