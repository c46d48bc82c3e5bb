"""tools/image.py: the same bytes each time, an OCI layout whose digests fit, and a program that starts in it."""

import hashlib
import io
import json
import os
import pathlib
import subprocess
import tarfile
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[2]
BINARY = os.environ.get("LATEEN_BINARY", "")


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

    def test_the_sbom_names_the_libraries(self):
        sbom = json.loads(self.archives[0].with_suffix(".spdx.json").read_text())
        names = {package["name"] for package in sbom["packages"]}
        self.assertLessEqual({"lateen", "libssl3", "libc6", "libgrpc++1.51", "ca-certificates", "tzdata"}, names)
        self.assertTrue(all(package["versionInfo"] for package in sbom["packages"]))


if __name__ == "__main__":
    unittest.main()
