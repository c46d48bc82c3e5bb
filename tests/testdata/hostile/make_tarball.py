#!/usr/bin/env python3
"""Writes a backup's tarball as an enemy would: make_tarball.py FILE.tar.gz

Two honest ConfigMaps (shop/first, shop/last) stand at its beginning and its end; between them lies everything that
must not come out of it."""
import io
import json
import sys
import tarfile


def config_map(ns="shop", name="x", kind="ConfigMap", version="v1", **more):
    return json.dumps({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": ns},
                       "data": {"a": "b"}, **more})


def place(name, ns="shop", resource="configmaps"):
    return f"resources/{resource}/namespaces/{ns}/{name}.json"


def main():
    with tarfile.open(sys.argv[1], "w:gz", format=tarfile.PAX_FORMAT) as tar:
        def add(path, text, **fields):
            info = tarfile.TarInfo(path)
            content = text if isinstance(text, bytes) else text.encode()
            info.size = len(content)
            for key, value in fields.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)

        add("metadata/version", "1.1.0\n")
        add(place("first"), config_map(name="first"))
        # Names that lead elsewhere.
        add("../../../../tmp/lateen-evil.json", config_map())
        add("/tmp/lateen-evil.json", config_map())
        add("resources/configmaps/namespaces/shop/../../../../../../tmp/lateen-evil.json", config_map())
        add("resources/configmaps/namespaces/../evil.json", config_map())
        # What is no file.
        add(place("symlink"), b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add(place("hardlink"), b"", type=tarfile.LNKTYPE, linkname=place("first"))
        add(place("device"), b"", type=tarfile.CHRTYPE, devmajor=1, devminor=5)
        add(place("block"), b"", type=tarfile.BLKTYPE, devmajor=8, devminor=0)
        add(place("pipe"), b"", type=tarfile.FIFOTYPE)
        # Names that no object has.
        add(place("upper", ns="Shop"), config_map(ns="Shop", name="upper"))
        add(place("long", ns="n" * 64), config_map(ns="n" * 64, name="long"))
        add(place("line\nbreak"), config_map(name="line\nbreak"))
        add(place("percent%2fname"), config_map(name="percent%2fname"))
        add(place("x", resource="Config Maps"), config_map())
        add(place("n" * 1025), config_map(name="n" * 1025))
        # Another thing than its place says.
        add(place("elsewhere"), config_map(name="elsewhere", ns="kube-system"))
        add(place("renamed"), config_map(name="other"))
        add(place("nameless"), '{"apiVersion":"v1","kind":"ConfigMap","metadata":{}}')
        add(place("secretly"), config_map(name="secretly", kind="Secret"))
        add(place("foreign"), config_map(name="foreign", version="rbac.authorization.k8s.io/v1"))
        # What is no object.
        add(place("deep"), '{"a":' * 100_000 + "1" + "}" * 100_000)
        add(place("deeparray"), "[" * 100_000 + "]" * 100_000)
        add(place("cut"), config_map(name="cut")[:-3])
        add(place("array"), "[]")
        add(place("empty"), "")
        add(place("notutf8"), b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\xff","namespace":"shop"}}')
        # The last of two keys counts, as everywhere in Kubernetes: this one is what its place says.
        add(place("twice"), '{"apiVersion":"v1","kind":"Secret","kind":"ConfigMap","metadata":{"name":"other",'
            '"namespace":"kube-system"},"metadata":{"name":"twice","namespace":"shop"},"data":{"k":"1","k":"2"}}')
        add(place("last"), config_map(name="last"))


if __name__ == "__main__":
    main()
