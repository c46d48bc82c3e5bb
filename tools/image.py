#!/usr/bin/env python3
"""Packs the built binary into an OCI image archive, without a registry and without a container engine.

    tools/image.py [--binary build/lateen] [--output build/lateen-image.tar] [--name lateen/lateen:TAG]

The image holds the program, the few Debian libraries that are not linked into it, root certificates and time zones: no
shell, no package manager. It runs as 65532 with a read-only root; /tmp and /scratch are for volumes. The same inputs give the same
bytes: times come from SOURCE_DATE_EPOCH, else from the last commit. An SBOM (SPDX 2.3) lies beside the archive and in it.
Load it with `ctr image import`, `podman load -i`, `skopeo copy oci-archive:…`.
"""

import argparse
import datetime
import gzip
import hashlib
import io
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).parents[1]
USER = 65532
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
ZONES = "/usr/share/zoneinfo"


def fail(message):
    sys.exit(f"image: {message}")


def output_of(*words):
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        fail(f"{' '.join(words)}: {run.stderr.strip()}")
    return run.stdout


def libraries_of(binary):
    """{the path that the loader asks for: the file}. Every one must be there."""
    found = {}
    for line in output_of("ldd", str(binary)).splitlines():
        if "not found" in line:
            fail(f"{binary} needs {line.strip()}; install it, or build on the machine that has it")
        match = re.search(r"(?:=> )?(/\S+) \(0x", line)
        if match:
            found[match.group(1)] = pathlib.Path(match.group(1)).resolve()
    return found


def linked_in(binary):
    """The archives that the linker was given, as it has noted them beside a program that carries its libraries."""
    if "$ORIGIN/lib" not in output_of("readelf", "-d", str(binary)):
        return []
    notes = binary.with_name(binary.name + ".inputs")
    if not notes.exists():
        fail(f"{notes} is not there: what is linked into {binary} cannot be told; build it anew")
    words = notes.read_text().split(":", 1)[1].split("\n\n")[0].replace("\\\n", " ").split()
    return [pathlib.Path(word).resolve() for word in words if word.startswith("/usr/") and word.endswith(".a")]


def packages_of(paths):
    """{(name, version, source)} of the Debian packages that the files are from."""
    if not paths:
        return set()
    asked = [text for path in paths for text in {str(path), str(path).removeprefix("/usr")}]
    # Exit code 1: some of them are not known by that name, which is expected.
    found = subprocess.run(["dpkg", "-S", *asked], capture_output=True, text=True, check=False).stdout
    names = {line.split(": ")[0].split(",")[0].split(":")[0] for line in found.splitlines()}
    versions = output_of("dpkg-query", "-W", "-f", "${Package} ${Version} ${source:Package}\n", *sorted(names))
    return {tuple(line.split()) for line in versions.splitlines()}


def stripped(binary):
    """The program without what only debuggers read."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "lateen"
        output_of("strip", "--strip-debug", "-o", str(path), str(binary))
        return path.read_bytes()


class Layer:
    """A tar whose bytes depend on nothing but what is put in."""

    def __init__(self, time):
        self.time = time
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w", format=tarfile.GNU_FORMAT)
        self.folders = set()

    def _info(self, path, kind, mode, owner=0):
        info = tarfile.TarInfo(path.strip("/"))
        info.type, info.mode, info.mtime, info.uid, info.gid = kind, mode, self.time, owner, owner
        return info

    def folder(self, path, mode=0o755, owner=0):
        path = path.rstrip("/")
        if path in self.folders or not path:
            return
        self.folder(os.path.dirname(path))
        self.folders.add(path)
        self.tar.addfile(self._info(path, tarfile.DIRTYPE, mode, owner))

    def file(self, path, data, mode=0o644):
        self.folder(os.path.dirname(path))
        info = self._info(path, tarfile.REGTYPE, mode)
        info.size = len(data)
        self.tar.addfile(info, io.BytesIO(data))

    def link(self, path, target):
        self.folder(os.path.dirname(path))
        info = self._info(path, tarfile.SYMTYPE, 0o777)
        info.linkname = target
        self.tar.addfile(info)

    def finish(self):
        self.tar.close()
        return self.bytes.getvalue()


def zone_files():
    """Time zones by name, without the copies under posix/ and right/."""
    for path in sorted(pathlib.Path(ZONES).rglob("*")):
        relative = path.relative_to(ZONES)
        if path.is_file() and relative.parts[0] not in ("posix", "right"):
            yield f"{ZONES}/{relative}", path


def make_layer(binary, sbom, time):
    layer = Layer(time)
    layer.file("/lateen", stripped(binary), 0o755)
    layer.link("/velero", "lateen")  # what Velero's Deployments, DaemonSets and charts call
    for asked, path in sorted(libraries_of(binary).items()):
        layer.file(asked, path.read_bytes(), 0o755)
    layer.file(CERTIFICATES, pathlib.Path(CERTIFICATES).read_bytes())
    for name, path in zone_files():
        layer.file(name, path.read_bytes())
    layer.file("/etc/passwd", f"root:x:0:0::/:/\nlateen:x:{USER}:{USER}::/:/\n".encode())
    layer.file("/etc/group", f"root:x:0:\nlateen:x:{USER}:\n".encode())
    layer.file("/etc/nsswitch.conf", b"hosts: files dns\n")
    for folder in ("/tmp", "/scratch", "/plugins"):
        layer.folder(folder, 0o1777, USER)
    layer.file("/usr/share/lateen/sbom.spdx.json", sbom)
    return layer.finish()


def make_sbom(binary, version, time):
    """SPDX 2.3, as JSON bytes."""
    beside = packages_of([*libraries_of(binary).values()])
    inside = packages_of(linked_in(binary)) - beside
    data = packages_of([f"{ZONES}/UTC", "/usr/sbin/update-ca-certificates"]) - beside - inside
    digest = hashlib.sha256(binary.read_bytes()).hexdigest()
    created = datetime.datetime.fromtimestamp(time, datetime.timezone.utc)
    described = [{"SPDXID": "SPDXRef-lateen", "name": "lateen", "versionInfo": version, "downloadLocation": "NOASSERTION",
                  "licenseConcluded": "Apache-2.0", "checksums": [{"algorithm": "SHA256", "checksumValue": digest}]}]
    relations = [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-lateen"}]
    for packages, relation in ((beside, "DYNAMIC_LINK"), (inside, "STATIC_LINK"), (data, "DEPENDS_ON")):
        for name, package_version, source in sorted(packages):
            spdx_id = f"SPDXRef-{re.sub('[^A-Za-z0-9.-]', '-', name)}"
            described.append({"SPDXID": spdx_id, "name": name, "versionInfo": package_version, "downloadLocation": "NOASSERTION",
                              "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                                "referenceLocator": f"pkg:deb/debian/{name}@{package_version}?upstream={source}"}]})
            relations.append({"spdxElementId": "SPDXRef-lateen", "relationshipType": relation, "relatedSpdxElement": spdx_id})
    return json.dumps({
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"lateen-{version}",
        "documentNamespace": f"urn:lateen:sbom:{digest}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: lateen-tools-image"]},
        "packages": described, "relationships": relations,
    }, indent=1).encode() + b"\n"


def write_archive(path, layer, name, time):
    """An OCI layout in a tar. Returns the manifest's digest."""
    blobs = {}

    def put(data, media_type):
        digest = hashlib.sha256(data).hexdigest()
        blobs[digest] = data
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0) as stream:
        stream.write(layer)
    stamp = datetime.datetime.fromtimestamp(time, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    config = put(json.dumps({
        "created": stamp, "architecture": ARCHITECTURES[platform.machine()], "os": "linux",
        "config": {"User": f"{USER}:{USER}", "Entrypoint": ["/lateen"], "Env": ["PATH=/"], "WorkingDir": "/",
                   "Labels": {"org.opencontainers.image.title": "lateen", "org.opencontainers.image.licenses": "Apache-2.0"}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created": stamp, "created_by": "tools/image.py"}],
    }).encode(), "application/vnd.oci.image.config.v1+json")
    manifest = put(json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config,
        "layers": [put(packed.getvalue(), "application/vnd.oci.image.layer.v1.tar+gzip")],
    }).encode(), "application/vnd.oci.image.manifest.v1+json")
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [dict(
        manifest, platform={"architecture": ARCHITECTURES[platform.machine()], "os": "linux"},
        annotations={"org.opencontainers.image.ref.name": name.rsplit(":", 1)[-1], "io.containerd.image.name": name})]}
    outer = Layer(time)
    outer.file("/oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    outer.file("/index.json", json.dumps(index).encode())
    for digest in sorted(blobs):
        outer.file(f"/blobs/sha256/{digest}", blobs[digest])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(outer.finish())
    return manifest["digest"]


def version_of(binary):
    return output_of(str(binary), "version", "--client-only").split("Version:")[1].split()[0].removeprefix("v")


def commit_time():
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(epoch)
    return int(output_of("git", "-C", str(ROOT), "log", "-1", "--format=%ct"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "build/lateen")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build/lateen-image.tar")
    parser.add_argument("--name", default="")
    options = parser.parse_args()
    if not options.binary.exists():
        fail(f"{options.binary} is not there: `make build` first")
    if platform.machine() not in ARCHITECTURES:
        fail(f"images of {platform.machine()} are not made")
    binary = options.binary.resolve()
    version = version_of(binary)
    time = commit_time()
    sbom = make_sbom(binary, version, time)
    digest = write_archive(options.output, make_layer(binary, sbom, time), options.name or f"lateen/lateen:{version}", time)
    options.output.with_suffix(".spdx.json").write_bytes(sbom)
    print(f"{options.output}: {options.output.stat().st_size >> 20} MiB, {digest}")


if __name__ == "__main__":
    main()
