"""A test issuer of OIDC tokens, as a cluster is for its ServiceAccounts, and the check that STS makes of them."""

import base64
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


class InvalidToken(Exception):
    """`code` is STS' own word."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def _encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Issuer:
    def __init__(self, url="https://oidc.eks.test/id/TEST"):
        self.url = url
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def token(self, subject, now, lifetime=3600, audience="sts.amazonaws.com", **claims):
        header = {"alg": "RS256", "kid": "test", "typ": "JWT"}
        body = {"iss": self.url, "sub": subject, "aud": [audience], "iat": int(now), "nbf": int(now),
                "exp": int(now) + lifetime, **claims}
        signed = ".".join(_encode(json.dumps(part).encode()) for part in (header, body))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encode(signature)}"

    def claims(self, token, now):
        """Of a token that this issuer signed and that is good now."""
        try:
            signed, _, signature = token.rpartition(".")
            body = json.loads(_decode(signed.split(".")[1]))
            header = json.loads(_decode(signed.split(".")[0]))
        except (ValueError, IndexError):
            raise InvalidToken("InvalidIdentityToken", "The web identity token that was passed is not a JWT") from None
        if header.get("alg") != "RS256":
            raise InvalidToken("InvalidIdentityToken", "The token's algorithm is not RS256")
        if body.get("iss") != self.url:
            raise InvalidToken(
                "InvalidIdentityToken",
                f"No OpenIDConnect provider found in your account for {body.get('iss')}",
            )
        try:
            self._key.public_key().verify(_decode(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            raise InvalidToken("InvalidIdentityToken", "Couldn't verify the signature of the token") from None
        if now >= body.get("exp", 0):
            raise InvalidToken("ExpiredTokenException", f"Token expired: current date/time {int(now)} must be "
                                                        f"before the expiration date/time {body.get('exp')}")
        if now < body.get("nbf", 0):
            raise InvalidToken("InvalidIdentityToken", "The token is not valid yet")
        return body
