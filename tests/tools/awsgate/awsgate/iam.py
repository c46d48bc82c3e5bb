"""Evaluates IAM policies: who may do what to which resource, under which conditions. Pure.

    decision = evaluate([policy], Request("ec2:DeleteSnapshot", "arn:aws:ec2:eu-west-1::snapshot/snap-1",
                                          {"aws:ResourceTag/velero.io/backup": "true"}))
    decision.allowed, decision.reason

A context's value is a text, or a list of texts for keys of several values (aws:TagKeys). Keys compare without case,
but for the tag's own name behind aws:RequestTag/ and aws:ResourceTag/.
"""

import datetime
import ipaddress
import re
from dataclasses import dataclass, field


@dataclass
class Request:
    action: str
    resource: str
    context: dict = field(default_factory=dict)
    principal: str = ""


@dataclass
class Decision:
    allowed: bool
    explicit_deny: bool
    reason: str
    statement: dict | None = None


def evaluate(policies, request):
    """An explicit deny wins; what nothing allows is denied."""
    allowed_by = None
    for policy in policies:
        for statement in _statements(policy):
            if not applies(statement, request):
                continue
            if statement.get("Effect") == "Deny":
                return Decision(False, True, f"an explicit deny ({statement.get('Sid', 'no Sid')})", statement)
            allowed_by = allowed_by or statement
    if allowed_by is not None:
        return Decision(True, False, allowed_by.get("Sid", ""), allowed_by)
    return Decision(False, False, f"no identity-based policy allows the {request.action} action")


def applies(statement, request):
    return (
        _principal_matches(statement, request)
        and _action_matches(statement, request.action)
        and _resource_matches(statement, request)
        and conditions_hold(statement.get("Condition", {}), request.context)
    )


def conditions_hold(conditions, context):
    """All operators and all their keys must hold."""
    return all(
        _operator_holds(operator, key, _listed(wanted), context)
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _statements(policy):
    return _listed(policy.get("Statement", []))


def _listed(value):
    return value if isinstance(value, list) else [value]


def _matches(pattern, text, ignore_case=False):
    """* and ?, and nothing else: brackets are letters, unlike in fnmatch."""
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    translated = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(translated, text, flags) is not None


def _principal_matches(statement, request):
    if "Principal" not in statement and "NotPrincipal" not in statement:
        return True
    negated = "NotPrincipal" in statement
    principal = statement.get("NotPrincipal" if negated else "Principal")
    names = ["*"] if principal == "*" else _listed(principal.get("AWS", [])) if isinstance(principal, dict) else []
    account = request.principal.split(":")[4] if request.principal.count(":") >= 5 else ""
    found = any(
        name == "*" or name == request.principal or name == account or name == f"arn:aws:iam::{account}:root"
        for name in names
    )
    return found != negated


def _action_matches(statement, action):
    if "NotAction" in statement:
        return not any(_matches(one, action, True) for one in _listed(statement["NotAction"]))
    return any(_matches(one, action, True) for one in _listed(statement.get("Action", [])))


def _resource_matches(statement, request):
    def any_matches(patterns):
        return any(_matches(_with_variables(one, request.context), request.resource) for one in _listed(patterns))

    if "NotResource" in statement:
        return not any_matches(statement["NotResource"])
    # The policy of an identity must have it; without one a statement is about the resource it hangs on.
    return any_matches(statement["Resource"]) if "Resource" in statement else True


def _with_variables(text, context):
    def value(match):
        name = match.group(1)
        if name in "*?$":
            return name
        found = _value_of(context, name)
        return found[0] if found else match.group(0)

    return re.sub(r"\$\{([^}]+)\}", value, text)


def _value_of(context, key):
    """None when the key is absent, else the list of its values."""
    prefix, _, tag = key.partition("/")
    for name, value in context.items():
        other, _, other_tag = name.partition("/")
        if other.lower() == prefix.lower() and other_tag == tag:
            return [str(one) for one in _listed(value)]
    return None


def _operator_holds(operator, key, wanted, context):
    quantifier, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    values = _value_of(context, key)
    if name == "Null":
        return any((values is None) == (str(one).lower() == "true") for one in wanted)
    if values is None or (quantifier and not values):
        if quantifier == "ForAllValues":
            return True
        if quantifier == "ForAnyValue":
            return False
        return if_exists or _is_negated(name)
    wanted = [_with_variables(str(one), context) for one in wanted]
    holds = [_compare(name, value, wanted) for value in values]
    if quantifier == "ForAllValues":
        return all(holds)
    return any(holds) if quantifier == "ForAnyValue" or not _is_negated(name) else all(holds)


def _is_negated(name):
    return "Not" in name


def _compare(name, value, wanted):
    """Whether one value satisfies the operator against any of those wanted (for a negated one: none of them)."""
    if _is_negated(name):
        positive = name.replace("Not", "", 1)
        positive = {"IpAddressess": "IpAddress"}.get(positive, positive)
        return not _compare(positive, value, wanted)
    return any(_compare_one(name, value, one) for one in wanted)


def _compare_one(name, value, wanted):
    if name == "StringEquals":
        return value == wanted
    if name == "StringEqualsIgnoreCase":
        return value.lower() == wanted.lower()
    if name == "StringLike":
        return _matches(wanted, value)
    if name in ("ArnLike", "ArnEquals"):
        ours, theirs = value.split(":", 5), wanted.split(":", 5)
        return len(ours) == len(theirs) and all(_matches(b, a) for a, b in zip(ours, theirs))
    if name == "Bool":
        return value.lower() == wanted.lower()
    if name == "IpAddress":
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    for kind, read in (("Numeric", float), ("Date", _instant)):
        if name.startswith(kind):
            return _ordered(name.removeprefix(kind), read(value), read(wanted))
    raise ValueError(f"condition operator {name} is not known")


def _instant(text):
    if re.fullmatch(r"\d+", text):
        return float(text)
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _ordered(relation, a, b):
    return {
        "Equals": a == b,
        "LessThan": a < b,
        "LessThanEquals": a <= b,
        "GreaterThan": a > b,
        "GreaterThanEquals": a >= b,
    }[relation]


__all__ = ["Request", "Decision", "evaluate", "applies", "conditions_hold"]
