"""deploy/helm/lateen. Where helm is on the PATH it is rendered, and held against what Velero's chart 7.2.1 gives for the
same values (tests/testdata/helm). The differences on purpose are listed here."""

import pathlib
import re
import shutil
import subprocess
import unittest

import yaml

ROOT = pathlib.Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/lateen"
DATA = ROOT / "tests/testdata/helm"

# Paths in an object, as "Kind.path": theirs is left out, ours is another, or there is one more.
ON_PURPOSE = [
    r".*\.labels\.helm\.sh/chart", r".*\.containers\[0\]\.image",
    # Theirs is empty.
    r"(Deployment|DaemonSet)\.spec\.template\.metadata\.annotations", r"DaemonSet\..*\.(securityContext|lifecycle)",
    # The job runs the program itself, needs no kubectl, and has no use for the cloud's role.
    r"Job\.spec\.template\.spec\.(initContainers|volumes|containers\[0\]\.(args|command|volumeMounts))(\[\d+\])?",
    r"ClusterRole\.rules\[0\]\.verbs", r"ClusterRole(Binding)?\.metadata\.labels\.app\.kubernetes\.io/component",
    r"ServiceAccount\.metadata\.(annotations|labels)\..*",
    # Theirs asks the pods for labels that only the DaemonSet has, and so selects none.
    r"PodMonitor\.spec\.selector\.matchLabels\.tier",
]


def objects(text):
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text) if one}


def differences(theirs, ours, path):
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted({*theirs, *ours}):
            yield from differences(theirs.get(key), ours.get(key), f"{path}.{key}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        texts = all(isinstance(one, str) for one in theirs)
        for n, pair in enumerate(zip(*(sorted(one) if texts else one for one in (theirs, ours)))):
            yield from differences(*pair, f"{path}[{n}]")
    elif theirs != ours:
        yield path, theirs, ours


class Static(unittest.TestCase):
    def test_every_value_that_a_template_reads_is_in_values_yaml(self):
        values = yaml.safe_load((CHART / "values.yaml").read_text())
        old_names = {"securityContext", "revisionHistoryLimit"}  # of Velero's chart, read when they are set
        for path in (CHART / "templates").iterdir():
            for name in re.findall(r"\.Values\.(\w+)", path.read_text()):
                self.assertTrue(name in values or name in old_names, f"{path.name}: {name}")


    def test_the_image_is_the_one_that_the_program_names(self):
        version = re.search(r'kVersion = "([^"]+)"', (ROOT / "src/base/version.h").read_text())[1]
        self.assertEqual(yaml.safe_load((CHART / "values.yaml").read_text())["image"]["tag"], version)
        self.assertEqual("v" + yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"], version)


@unittest.skipUnless(shutil.which("helm"), "helm is not on the PATH")
class Rendered(unittest.TestCase):
    def helm(self, *words):
        return subprocess.run(["helm", *words], capture_output=True, text=True, timeout=60, check=False)

    def render(self, *words):
        return self.helm("template", "velero", str(CHART), "-n", "velero", "--api-versions", "monitoring.coreos.com/v1", *words)

    def test_gives_what_veleros_chart_gives(self):
        for values in sorted(DATA.glob("values-*.yaml")):
            run = self.render("-f", str(values))
            self.assertEqual(run.returncode, 0, run.stderr)
            theirs = objects((DATA / values.name.replace("values", "velero")).read_text())
            ours = objects(run.stdout)
            self.assertEqual(set(theirs), set(ours))
            for key, one in theirs.items():
                for path, there, here in differences(one, ours[key], key[0]):
                    with self.subTest(values=values.name, path=path):
                        known = any(re.fullmatch(pattern, path) for pattern in ON_PURPOSE)
                        self.assertTrue(known, f"{there!r} there, {here!r} here")

    def test_what_the_voyage_applies_is_what_helm_gives_today(self):
        """tests/voyages/install_test.cc applies it with kubectl, where there is no helm."""
        run = self.helm("template", "velero", str(CHART), "-n", "velero", "-f", str(DATA / "sandbox-values.yaml"))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual((DATA / "sandbox-rendered.yaml").read_text(), run.stdout)

    def test_without_administrators_rights_reads_all_and_writes_what_it_must(self):
        bucket = ("--set", "configuration.backupStorageLocation[0].bucket=b,configuration.backupStorageLocation[0].provider=aws")
        run = self.render(*bucket, "--set", "rbac.clusterAdministrator=false,rbac.restore=false")
        self.assertEqual(run.returncode, 0, run.stderr)
        made = objects(run.stdout)
        rules = made["ClusterRole", "velero-server-backup"]["rules"]
        self.assertIn({"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}, rules)
        self.assertNotIn(("ClusterRole", "velero-server-restore"), made)
        for rule in rules[1:]:
            self.assertNotIn("*", rule.get("resources", []) + rule["verbs"])

    def test_the_role_of_restores_is_bound_by_the_server_while_one_runs(self):
        values = ("configuration.backupStorageLocation[0].bucket=b,configuration.backupStorageLocation[0].provider=aws,"
                  "rbac.clusterAdministrator=false")

        def arguments(made):
            return made["Deployment", "velero"]["spec"]["template"]["spec"]["containers"][0]["args"]

        run = self.render("--set", values)
        self.assertEqual(run.returncode, 0, run.stderr)
        made = objects(run.stdout)
        self.assertIn(("ClusterRole", "velero-server-restore"), made)
        self.assertNotIn(("ClusterRoleBinding", "velero-server-restore"), made)
        self.assertIn("--restore-role=velero-server-restore", arguments(made))
        self.assertIn("--service-account=velero-server", arguments(made))
        bind = [rule for rule in made["ClusterRole", "velero-server-backup"]["rules"] if "bind" in rule["verbs"]]
        self.assertEqual([rule["resourceNames"] for rule in bind], [["velero-server-restore"]])

        run = self.render("--set", values + ",rbac.restoreAlways=true")
        self.assertEqual(run.returncode, 0, run.stderr)
        made = objects(run.stdout)
        self.assertIn(("ClusterRoleBinding", "velero-server-restore"), made)
        self.assertFalse([word for word in arguments(made) if word.startswith("--restore-role")])

    def test_bad_values_are_named(self):
        for words, said in (
            ((), "default has no bucket"),
            (("--set", "cleanUpCRDs=true"), "lateen uninstall"),
            (("--set", "configuration.uploaderType=tar"), "configuration.uploaderType"),
            (("--set", "configuration.defaultBackupTTL=soon"), "configuration.defaultBackupTTL"),
            (("--set", "schedules.s.template.ttl=1h"), "schedule is required"),
        ):
            bucket = () if not words else ("--set", "configuration.backupStorageLocation[0].bucket=b")
            run = self.render(*bucket, *words)
            self.assertNotEqual(run.returncode, 0)
            self.assertIn(said, run.stderr)

    def test_lint_has_nothing_to_say(self):
        run = self.helm("lint", str(CHART), "--strict", "--set", "configuration.backupStorageLocation[0].bucket=b")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()
