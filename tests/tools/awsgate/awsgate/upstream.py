"""The server behind the gate. It checks nothing; the gate speaks to it in its own name where it must know more."""

import datetime
import http.client
import urllib.parse
import xml.etree.ElementTree as ElementTree

from .answers import Answer

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "host", "expect",
              "content-length", "proxy-connection"}


class Upstream:
    def __init__(self, url):
        self.url = url.rstrip("/")
        parts = urllib.parse.urlsplit(url)
        self._host, self._port = parts.hostname, parts.port

    def send(self, method, target, headers, body=b""):
        connection = http.client.HTTPConnection(self._host, self._port, timeout=60)
        try:
            named = {name: value for name, value in headers if name.lower() not in HOP_BY_HOP}
            if body or method in ("PUT", "POST"):
                named["Content-Length"] = str(len(body))
            connection.request(method, target, body if body or method in ("PUT", "POST") else None, named)
            response = connection.getresponse()
            content = response.read()
            kept = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP]
            if method == "HEAD":
                kept += [(n, v) for n, v in response.getheaders() if n.lower() == "content-length"]
            return Answer(response.status, kept, content)
        finally:
            connection.close()

    @staticmethod
    def credential(service, region="us-east-1"):
        """The server looks at the scope alone, to know which service is meant."""
        today = datetime.date.today().strftime("%Y%m%d")
        return ("Authorization", f"AWS4-HMAC-SHA256 Credential=gate/{today}/{region}/{service}/aws4_request, "
                                 "SignedHeaders=host, Signature=0")

    def s3(self, method, target, headers=(), body=b""):
        return self.send(method, target, [*headers, self.credential("s3")], body)

    def tags_of(self, resource, region):
        form = urllib.parse.urlencode({"Action": "DescribeTags", "Version": "2016-11-15",
                                       "Filter.1.Name": "resource-id", "Filter.1.Value.1": resource})
        answer = self.send("POST", "/", [("Content-Type", "application/x-www-form-urlencoded"),
                                         self.credential("ec2", region)], form.encode())
        tags = {}
        for item in ElementTree.fromstring(answer.body).iter() if answer.status == 200 else ():
            if item.tag.endswith("}item"):
                fields = {child.tag.rpartition("}")[2]: child.text or "" for child in item}
                tags[fields["key"]] = fields.get("value", "")
        return tags
