"""Answers of the gate itself, in the form of each service."""

import base64
import json
import uuid
from xml.sax.saxutils import escape

STATUS = {
    "AccessDenied": 403,
    "InvalidAccessKeyId": 403,
    "SignatureDoesNotMatch": 403,
    "RequestTimeTooSkewed": 403,
    "InvalidClientTokenId": 403,
    "UnauthorizedOperation": 403,
    "AuthFailure": 401,
    "InvalidObjectState": 403,
    "NoSuchBucketPolicy": 404,
    "InternalError": 500,
    "SlowDown": 503,
    "RequestLimitExceeded": 503,
    "Unavailable": 503,
}


class Answer:
    def __init__(self, status, headers=(), body=b""):
        self.status, self.headers, self.body = status, list(headers), body


def refusal(service, code, message):
    request = str(uuid.uuid4())
    if service == "ec2" and code == "AccessDenied":
        code = "UnauthorizedOperation"
        encoded = base64.urlsafe_b64encode(json.dumps({"reason": message}).encode()).decode()
        message = f"You are not authorized to perform this operation. {message}. Encoded authorization failure message: {encoded}"
    status = STATUS.get(code, 400)
    if service == "s3":
        text = (f"<Error><Code>{code}</Code><Message>{escape(message)}</Message>"
                f"<RequestId>{request}</RequestId><HostId>awsgate</HostId></Error>")
    elif service == "ec2":
        text = (f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error></Errors>"
                f"<RequestID>{request}</RequestID></Response>")
    elif service == "kms":
        return Answer(status, [("Content-Type", "application/x-amz-json-1.1")],
                      json.dumps({"__type": code, "message": message}).encode())
    else:
        text = (f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
                f"<Code>{code}</Code><Message>{escape(message)}</Message></Error>"
                f"<RequestId>{request}</RequestId></ErrorResponse>")
    headers = [("Content-Type", "application/xml"), ("x-amz-request-id", request)]
    return Answer(status, headers, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode())


def assumed_role(key, identity, until, subject):
    request = str(uuid.uuid4())
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <SubjectFromWebIdentityToken>{escape(subject)}</SubjectFromWebIdentityToken>
    <AssumedRoleUser><Arn>{identity.principal}</Arn><AssumedRoleId>AROATEST:session</AssumedRoleId></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{key}</AccessKeyId>
      <SecretAccessKey>{identity.secret}</SecretAccessKey>
      <SessionToken>{identity.token}</SessionToken>
      <Expiration>{until}</Expiration>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>
"""
    return Answer(200, [("Content-Type", "text/xml")], text.encode())


def caller_identity(identity, account):
    text = (f'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"<Arn>{identity.principal}</Arn><UserId>TEST</UserId><Account>{account}</Account>"
            f"</GetCallerIdentityResult></GetCallerIdentityResponse>")
    return Answer(200, [("Content-Type", "text/xml")], text.encode())
