"""What the gate knows: accounts, roles, sessions, keys, buckets' settings, its clock, and what it has let through."""

import datetime
import random
import re
import secrets
import threading
import time
from dataclasses import dataclass, field

from .iam import Request, evaluate
from .oidc import InvalidToken, Issuer
from .sigv4 import Refused


@dataclass
class Identity:
    principal: str
    secret: str
    policies: list
    token: str = ""
    expires: float = float("inf")  # on the gate's clock
    revoked: bool = False
    role: str = ""


@dataclass
class Bucket:
    policy: dict | None = None
    kms_key: str = ""
    lifecycle: list = field(default_factory=list)
    replication: list = field(default_factory=list)


@dataclass
class Stored:
    """What the gate remembers of an object."""

    written: float
    kms_key: str = ""
    storage_class: str = ""
    replication: str = ""


class Faults:
    """Rules that break calls: {"match": regex, "kind": …, "skip": n, "times": n, "share": 0..1}."""

    def __init__(self, seed=0, rules=()):
        self._random = random.Random(seed)
        self._rules = [dict(rule) for rule in rules]
        self._lock = threading.Lock()

    def choose(self, line):
        with self._lock:
            for rule in self._rules:
                if not re.search(rule["match"], line) or rule.get("times", 1) <= 0:
                    continue
                if rule.get("skip", 0) > 0:
                    rule["skip"] -= 1
                elif self._random.random() < rule.get("share", 1.0):
                    rule["times"] = rule.get("times", 1) - 1
                    return rule["kind"]
        return None


class State:
    def __init__(self, account="123456789012"):
        self.account = account
        self.lock = threading.RLock()
        self.issuer = Issuer()
        self.identities = {}  # by access key
        self.roles = {}  # by ARN: {"subject", "audience", "policies"}
        self.disabled_keys = set()
        self.buckets = {}
        self.objects = {}  # by (bucket, key)
        self.replications = []  # (due, bucket, key)
        self.secure_transport = True
        self.tags_everywhere = True
        self.session_lifetime = 3600
        self.replication_lag = (60, 900)
        self.faults = Faults()
        self.log = []
        self._ahead = 0.0
        self._random = random.Random(0)

    def configure(self, settings):
        """Replaces what is named: users, roles, disabled_keys, secure_transport, tags_everywhere, session_lifetime,
        replication_lag, faults, seed, buckets (their policy)."""
        with self.lock:
            for key, user in settings.get("users", {}).items():
                principal = user.get("principal", f"arn:aws:iam::{self.account}:user/{key}")
                self.identities[key] = Identity(principal, user["secret"], user.get("policies", []))
            for arn, role in settings.get("roles", {}).items():
                self.roles[arn] = role
                for identity in self.identities.values():
                    if identity.role == arn:
                        identity.policies = role.get("policies", [])
            for name, bucket in settings.get("buckets", {}).items():
                known = self.bucket(name)
                known.policy = bucket.get("policy", known.policy)
                known.kms_key = bucket.get("kms_key", known.kms_key)
            for name in ("secure_transport", "tags_everywhere", "session_lifetime", "replication_lag"):
                if name in settings:
                    setattr(self, name, settings[name])
            if "disabled_keys" in settings:
                self.disabled_keys = set(settings["disabled_keys"])
            if "seed" in settings:
                self._random = random.Random(settings["seed"])
            if "faults" in settings:
                self.faults = Faults(settings.get("seed", 0), settings["faults"])

    def now(self):
        return time.time() + self._ahead

    def advance(self, seconds):
        with self.lock:
            self._ahead += seconds

    def bucket(self, name):
        with self.lock:
            return self.buckets.setdefault(name, Bucket())

    def lag(self):
        with self.lock:
            low, high = self.replication_lag
            return self._random.uniform(low, high)

    def identity_of(self, signature, service):
        with self.lock:
            found = self.identities.get(signature.access_key)
        if found is None:
            code = "InvalidAccessKeyId" if service == "s3" else "AuthFailure" if service == "ec2" else "InvalidClientTokenId"
            raise Refused(code, "The AWS Access Key Id you provided does not exist in our records.")
        expired = "ExpiredToken" if service in ("s3", "sts") else "RequestExpired"
        if found.token and signature.token != found.token:
            raise Refused("InvalidToken" if service == "s3" else "AuthFailure", "The provided token is malformed or otherwise invalid.")
        if found.revoked:
            raise Refused(expired, "The provided token has been revoked.")
        if self.now() >= found.expires:
            raise Refused(expired, "The provided token has expired.")
        return found

    def assume_with_token(self, role_arn, session, token):
        with self.lock:
            role = self.roles.get(role_arn)
            claims = self.issuer.claims(token, self.now())
            audience = claims.get("aud", [])
            audience = audience if isinstance(audience, list) else [audience]
            if role is None or claims.get("sub") != role.get("subject"):
                raise InvalidToken("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
            if role.get("audience", "sts.amazonaws.com") not in audience:
                raise InvalidToken("InvalidIdentityToken", "Incorrect token audience")
            key = "ASIA" + secrets.token_hex(8).upper()
            name = role_arn.rpartition("/")[2]
            identity = Identity(
                f"arn:aws:sts::{self.account}:assumed-role/{name}/{session}", secrets.token_urlsafe(30),
                role.get("policies", []), secrets.token_urlsafe(120), self.now() + self.session_lifetime, role=role_arn,
            )
            self.identities[key] = identity
            until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.session_lifetime)
            return key, identity, until.strftime("%Y-%m-%dT%H:%M:%SZ"), claims["sub"]

    def revoke_sessions(self):
        with self.lock:
            for identity in self.identities.values():
                identity.revoked = identity.revoked or bool(identity.token)

    def authorize(self, identity, request, bucket=""):
        """Raises Refused unless the identity may; every question is in the log."""
        context = {
            "aws:SecureTransport": str(self.secure_transport).lower(),
            "aws:PrincipalArn": identity.principal,
            **request.context,
        }
        request = type(request)(request.action, request.resource, context, identity.principal)
        decision = evaluate(identity.policies, request)
        policy = self.bucket(bucket).policy if bucket else None
        if policy is not None:
            by_bucket = evaluate([policy], request)
            if by_bucket.explicit_deny or (by_bucket.allowed and not decision.explicit_deny):
                decision = by_bucket
        with self.lock:
            self.log.append({"action": request.action, "resource": request.resource, "principal": identity.principal,
                             "allowed": decision.allowed, "context": context})
        if not decision.allowed:
            why = "with an explicit deny in a policy" if decision.explicit_deny else f"because {decision.reason}"
            raise Refused(
                "AccessDenied",
                f"User: {identity.principal} is not authorized to perform: {request.action} on resource: "
                f"{request.resource} {why}",
            )

    def may(self, identity, request, bucket=""):
        try:
            self.authorize(identity, request, bucket)
        except Refused:
            return False
        return True

    def check_key(self, identity, action, key):
        arn = key if key.startswith("arn:") else f"arn:aws:kms:*:{self.account}:key/{key}"
        self.authorize(identity, Request(action, arn))
        if key in self.disabled_keys:
            raise Refused("KMS.DisabledException", f"{arn} is disabled.")
