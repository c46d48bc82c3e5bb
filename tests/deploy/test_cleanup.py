"""deploy/terraform/cleanup-pre-destroy.sh with AWS' own command line, on moto."""

import ctypes
import logging
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import boto3
from moto.server import ThreadedMotoServer

SCRIPT = pathlib.Path(__file__).parents[2] / "deploy/terraform/cleanup-pre-destroy.sh"
BINARY = os.environ.get("LATEEN_BINARY", "")
PR_SET_PDEATHSIG = 1


class Served:
    """A sandbox with Lateen's server over the bucket "served"."""

    def __init__(self, folder, environment):
        self.folder = pathlib.Path(folder)
        self.running = []
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "lateen").symlink_to(BINARY)
        self.environment = {**environment, "PATH": f"{programs}:{environment['PATH']}", "HOME": folder,
                            "KUBECONFIG": str(self.folder / "cluster/kubeconfig"), "AWS_REGION": "us-east-1"}

    def run(self, *words):
        run = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=200, check=False)
        assert run.returncode == 0, f"{words}: {run.stdout}{run.stderr}"
        return run.stdout

    def lateen(self, *words):
        return self.run(BINARY, *words)

    def kubectl(self, *words):
        return self.run("kubectl", *words)

    def start(self, *words):
        """A program that ends with this one, however that ends."""
        with open(self.folder / f"{words[1]}.log", "w", encoding="utf-8") as log:
            self.running.append(subprocess.Popen(words, env=self.environment, stdout=log, stderr=subprocess.STDOUT,
                                                 preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)))

    def wait(self, what, holds):
        end = time.monotonic() + 150
        while not holds():
            assert time.monotonic() < end, what + "".join(path.read_text() for path in self.folder.glob("*.log"))
            time.sleep(0.2)

    def __enter__(self):
        cluster = str(self.folder / "cluster")
        self.start(BINARY, "sandbox", "start", "--dir", cluster, "--foreground")
        try:
            self.wait("the sandbox answers", lambda: subprocess.run(
                ["kubectl", "get", "--raw", "/readyz"], env=self.environment, capture_output=True, check=False).returncode == 0)
            self.lateen("install", "--crds-only")
            self.kubectl("create", "namespace", "velero")
            self.lateen("backup-location", "create", "default", "--provider", "aws", "--bucket", "served", "--default", "--config",
                        f"region=us-east-1,s3ForcePathStyle=true,s3Url={self.environment['AWS_ENDPOINT_URL']}")
            self.start(BINARY, "server", "--backup-sync-period", "1h", "--metrics-address", "127.0.0.1:0")
            self.wait("the location is Available", lambda: self.kubectl(
                "-n", "velero", "get", "backupstoragelocation", "default", "-o", "jsonpath={.status.phase}") == "Available")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for program in reversed(self.running):
            program.terminate()
            program.wait(100)


class Cleanup(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        cls.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        cls.server.start()
        host, port = cls.server.get_host_and_port()
        cls.url = f"http://{host}:{port}"
        cls.environment = {
            "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": cls.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        }
        cls.s3 = boto3.client("s3", endpoint_url=cls.url, region_name="us-east-1",
                              aws_access_key_id="test", aws_secret_access_key="test")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def make_bucket(self, name, **options):
        self.s3.create_bucket(Bucket=name, **options)
        self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def run_script(self, *words):
        return subprocess.run([str(SCRIPT), *words], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=250, check=False)

    def left_in(self, bucket):
        found = self.s3.list_object_versions(Bucket=bucket)
        uploads = self.s3.list_multipart_uploads(Bucket=bucket)
        return len(found.get("Versions", [])) + len(found.get("DeleteMarkers", [])) + len(uploads.get("Uploads", []))

    def test_lists_then_deletes_versions_markers_and_uploads(self):
        self.make_bucket("full")
        # More than one request deletes, and names that a shell or a text table would cut apart.
        for n in range(1010):
            self.s3.put_object(Bucket="full", Key=f"kopia/shop/p{n}", Body=b"x")
        for key in ("backups/one/velero-backup.json", "backups/a key/with\tblanks 'and' \"quotes\""):
            self.s3.put_object(Bucket="full", Key=key, Body=b"one")
            self.s3.put_object(Bucket="full", Key=key, Body=b"two")
            self.s3.delete_object(Bucket="full", Key=key)
        self.s3.create_multipart_upload(Bucket="full", Key="backups/un finished")

        listed = self.run_script("full", "--no-cluster")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn("1014 object versions (1022 bytes), 2 delete markers, 1 unfinished uploads", listed.stdout)
        self.assertIn("Nothing was deleted", listed.stdout)
        self.assertGreater(self.left_in("full"), 0)

        deleted = self.run_script("full", "--no-cluster", "--yes")
        self.assertEqual(deleted.returncode, 0, deleted.stderr)
        self.assertEqual(self.left_in("full"), 0)

        again = self.run_script("full", "--no-cluster", "--yes")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.s3.delete_bucket(Bucket="full")
        gone = self.run_script("full", "--no-cluster", "--yes")
        self.assertEqual(gone.returncode, 0, gone.stderr)
        self.assertIn("nothing to do", gone.stdout)

    def test_refuses_what_object_lock_holds(self):
        self.make_bucket("locked", ObjectLockEnabledForBucket=True)
        self.s3.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 7}}})
        self.s3.put_object(Bucket="locked", Key="backups/b", Body=b"x")
        refused = self.run_script("locked", "--no-cluster", "--yes")
        self.assertEqual(refused.returncode, 3, refused.stdout + refused.stderr)
        self.assertIn("object lock (COMPLIANCE, 7 days) holds 1 versions", refused.stderr)
        self.assertEqual(self.left_in("locked"), 1)

    def test_does_nothing_when_the_cluster_does_not_answer(self):
        self.make_bucket("kept")
        self.s3.put_object(Bucket="kept", Key="backups/b", Body=b"x")
        environment = dict(self.environment, KUBECONFIG="/dev/null", HOME="/nonexistent")
        refused = subprocess.run([str(SCRIPT), "kept", "--yes"], env=environment, stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True, timeout=250, check=False)
        self.assertEqual(refused.returncode, 1, refused.stdout)
        self.assertIn("--no-cluster, if it is gone", refused.stderr)
        self.assertEqual(self.left_in("kept"), 1)

    @unittest.skipUnless(BINARY and shutil.which("kubectl"), "neither a built lateen ($LATEEN_BINARY) nor kubectl")
    def test_deletes_backups_through_the_api_first(self):
        self.make_bucket("served")
        with tempfile.TemporaryDirectory() as folder, Served(folder, self.environment) as cluster:
            cluster.kubectl("create", "configmap", "c", "--from-literal=a=b")
            for name in ("one", "two"):
                cluster.lateen("backup", "create", name, "--include-namespaces", "default", "--wait")
            cluster.lateen("schedule", "create", "nightly", "--schedule", "0 2 * * *")

            def clean(*words):
                return subprocess.run([str(SCRIPT), "served", "--timeout", "200", *words], env=cluster.environment,
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=250, check=False)

            listed = clean()
            self.assertEqual(listed.returncode, 0, listed.stderr)
            self.assertIn("Cluster: 2 backups in namespace velero.\n  backup.velero.io/one\n  backup.velero.io/two\n", listed.stdout)
            self.assertIn("Nothing was deleted", listed.stdout)
            self.assertEqual(cluster.kubectl("-n", "velero", "get", "backups.velero.io", "-o", "name").count("\n"), 2)

            deleted = clean("--yes")
            self.assertEqual(deleted.returncode, 0, deleted.stdout + deleted.stderr)
            self.assertIn("Paused schedule.velero.io/nightly.", deleted.stdout)
            self.assertIn("All backups are deleted.", deleted.stdout)
            self.assertEqual(cluster.kubectl("-n", "velero", "get", "backups.velero.io", "-o", "name"), "")
            paused = cluster.kubectl("-n", "velero", "get", "schedule.velero.io/nightly", "-o", "jsonpath={.spec.paused}")
            self.assertEqual(paused, "true")
            self.assertIn("The bucket served is empty", deleted.stdout)

    def test_bad_usage_says_what_it_takes(self):
        for words in ((), ("a", "b"), ("a", "--frob")):
            wrong = self.run_script(*words)
            self.assertEqual(wrong.returncode, 2)
            self.assertIn("cleanup-pre-destroy.sh BUCKET", wrong.stderr)


if __name__ == "__main__":
    unittest.main()
