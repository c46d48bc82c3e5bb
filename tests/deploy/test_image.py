"""tools/image.py: the same bytes each time, an OCI layout whose digests fit, and a program that starts in it."""

import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[2]
BINARY = os.environ.get("LATEEN_BINARY", "")
SYSTEM_LIBRARIES = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
CARRIED_LIBRARIES = {"libsimdjson.so.14", "libisal.so.2", "libdate-tz.so.3", "libprometheus-cpp-core.so.1.0"}


def output(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=True).stdout


def is_release():
    """Whether the program carries its libraries; one of a developer's build takes the machine's."""
    return "$ORIGIN/lib" in output("readelf", "-d", BINARY)


def container(root, arguments):
    """An OCI run-time bundle's configuration, as Kubernetes would have the server: not root, nothing writable but /tmp."""
    config = {
        "ociVersion": "1.0.2",
        "process": {"user": {"uid": 65532, "gid": 65532}, "args": arguments, "env": ["PATH=/", "HOME=/tmp"], "cwd": "/",
                    "capabilities": {"bounding": [], "effective": [], "permitted": []}, "noNewPrivileges": True},
        "root": {"path": str(root), "readonly": True},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                   {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"]}],
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]},
    }
    if os.geteuid() != 0:  # rootless: the one user that there is
        config["process"]["user"] = {"uid": 0, "gid": 0}
        config["linux"]["namespaces"].append({"type": "user"})
        config["linux"]["uidMappings"] = [{"containerID": 0, "hostID": os.getuid(), "size": 1}]
        config["linux"]["gidMappings"] = [{"containerID": 0, "hostID": os.getgid(), "size": 1}]
    return config


@unittest.skipUnless(BINARY, "LATEEN_BINARY names no program; ctest sets it")
class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.archives = []
        for name in ("one.tar", "two.tar"):
            path = pathlib.Path(cls.folder.name) / name
            subprocess.run([ROOT / "tools/image.py", "--binary", BINARY, "--output", path, "--name", "lateen/lateen:test"],
                           env=dict(os.environ, SOURCE_DATE_EPOCH="1700000000"), check=True, capture_output=True)
            cls.archives.append(path)
        with tarfile.open(cls.archives[0]) as archive:
            cls.files = {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def blob(self, described):
        data = self.files["blobs/" + described["digest"].replace(":", "/")]
        self.assertEqual(described["size"], len(data))
        self.assertEqual(described["digest"], "sha256:" + hashlib.sha256(data).hexdigest())
        return data

    def test_two_builds_are_one(self):
        self.assertEqual(*(hashlib.sha256(path.read_bytes()).hexdigest() for path in self.archives))

    def test_digests_fit_and_the_program_runs_unprivileged_without_a_shell(self):
        self.assertEqual(json.loads(self.files["oci-layout"]), {"imageLayoutVersion": "1.0.0"})
        index = json.loads(self.files["index.json"])
        manifest = json.loads(self.blob(index["manifests"][0]))
        config = json.loads(self.blob(manifest["config"]))
        self.assertEqual(config["config"]["User"], "65532:65532")
        self.assertEqual(config["config"]["Entrypoint"], ["/lateen"])
        layer = tarfile.open(fileobj=io.BytesIO(self.blob(manifest["layers"][0])))
        names = {member.name for member in layer}
        self.assertFalse(names & {"bin/sh", "usr/bin/sh", "usr/bin/dpkg"})
        self.assertIn("etc/ssl/certs/ca-certificates.crt", names)
        self.assertIn("usr/share/zoneinfo/Europe/Berlin", names)
        self.assertFalse(any(member.mode & 0o6000 for member in layer), "a set-user-id file")

        root = pathlib.Path(self.folder.name) / "root"
        layer.extractall(root)
        if subprocess.run(["unshare", "-Ur", "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("this machine allows no user namespaces: the image was not started")
        for program in ("/lateen", "/velero"):
            run = subprocess.run(["unshare", "-Ur", "chroot", root, program, "version", "--client-only"],
                                 env={"HOME": "/", "PATH": os.environ["PATH"] + ":/usr/sbin"}, capture_output=True, text=True, check=False)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertIn("Version:", run.stdout)

    def test_runs_in_a_container_with_a_read_only_root(self):
        engine = shutil.which("runc", path=os.environ["PATH"] + ":/usr/sbin") or shutil.which("crun")
        if not engine:
            self.skipTest("neither runc nor crun is installed")
        index = json.loads(self.files["index.json"])
        manifest = json.loads(self.blob(index["manifests"][0]))
        bundle = pathlib.Path(self.folder.name) / "bundle"
        root = bundle / "root"
        with tarfile.open(fileobj=io.BytesIO(self.blob(manifest["layers"][0]))) as layer:
            layer.extractall(root)
        (root / "proc").mkdir()
        (bundle / "config.json").write_text(json.dumps(container(root, ["/lateen", "version", "--client-only"])))
        run = subprocess.run([engine, "--root", pathlib.Path(self.folder.name) / "engine", "run", "-b", bundle, f"lateen-{os.getpid()}"],
                             capture_output=True, text=True, check=False, timeout=60)
        if run.returncode != 0 and re.search("cgroup|not permitted|[Pp]ermission denied|mounting", run.stderr):
            self.skipTest(f"this machine starts no containers: {run.stderr.strip()[:200]}")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("Version:", run.stdout)

    def test_the_sbom_names_the_libraries(self):
        sbom = json.loads(self.archives[0].with_suffix(".spdx.json").read_text())
        names = {package["name"] for package in sbom["packages"]}
        self.assertLessEqual({"lateen", "libc6", "ca-certificates", "tzdata"}, names)
        related = {kind: {one["relatedSpdxElement"].removeprefix("SPDXRef-") for one in sbom["relationships"]
                          if one["relationshipType"] == kind} for kind in ("STATIC_LINK", "DYNAMIC_LINK")}
        self.assertLessEqual({"libc6", "libsimdjson14", "libisal2"}, related["DYNAMIC_LINK"])
        if is_release():
            self.assertLessEqual({"libssl-dev", "libgrpc-dev", "libcurl4-openssl-dev", "libprotobuf-dev"}, related["STATIC_LINK"])
        else:
            self.assertLessEqual({"libssl3"}, related["DYNAMIC_LINK"])
        self.assertTrue(all(package["versionInfo"] for package in sbom["packages"]))
        sources = {package["name"]: package["externalRefs"][0]["referenceLocator"] for package in sbom["packages"] if "externalRefs" in package}
        self.assertTrue(sources["libc6"].endswith("?upstream=glibc"), sources["libc6"])


@unittest.skipUnless(BINARY and is_release(), "only a release build carries its libraries")
class Release(unittest.TestCase):
    def test_asks_a_system_for_nothing_that_it_may_not_have(self):
        needed = set(re.findall(r"NEEDED.*\[(.*)\]", output("readelf", "-d", BINARY)))
        self.assertLessEqual(needed, SYSTEM_LIBRARIES | CARRIED_LIBRARIES)

    def test_runs_with_the_glibc_and_libstdcxx_of_ubuntu_22_04(self):
        carried = [line.split()[2] for line in output("ldd", BINARY).splitlines() if line.split()[0] in CARRIED_LIBRARIES]
        self.assertEqual(len(carried), len(CARRIED_LIBRARIES))
        for path in [BINARY, *carried]:
            asked = output("objdump", "-T", path)
            for symbol, newest in (("GLIBC", (2, 35)), ("GLIBCXX", (3, 4, 30)), ("CXXABI", (1, 3, 13))):
                for found in set(re.findall(rf"\b{symbol}_([0-9.]+)", asked)):
                    self.assertLessEqual(tuple(int(part) for part in found.split(".")), newest, f"{path} wants {symbol}_{found}")

    def test_a_packed_release_finds_its_libraries_beside_itself(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([ROOT / "tools/dist.py", "--binary", BINARY, "--output", folder],
                           env=dict(os.environ, SOURCE_DATE_EPOCH="1700000000"), check=True, capture_output=True)
            packed = list(pathlib.Path(folder).glob("*.tar.gz"))
            with tarfile.open(packed[0]) as archive:
                archive.extractall(folder)
            program = next(pathlib.Path(folder).glob("lateen-*/lateen"))
            libraries = {line.split()[0]: line.split()[2] for line in output("ldd", program).splitlines() if "=>" in line}
            for name in CARRIED_LIBRARIES:
                self.assertEqual(pathlib.Path(libraries[name]).parent, program.parent / "lib")
            self.assertIn("Version:", output(program.with_name("velero"), "version", "--client-only"))


if __name__ == "__main__":
    unittest.main()
