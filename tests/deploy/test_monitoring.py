"""deploy/prometheus and deploy/grafana: every alert has its page, every metric is one that the programs have."""

import json
import pathlib
import re
import shutil
import subprocess
import unittest

import yaml

ROOT = pathlib.Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus/lateen-rules.yaml"
DASHBOARD = ROOT / "deploy/grafana/lateen.json"
METRIC = re.compile(r"\b(?:lateen|velero|podVolume)_[a-zA-Z_]+\b")


def known_metrics():
    """The names in the sources. One with {} in it stands for those with a word there."""
    text = "".join(path.read_text() for room in ("server", "agent") for path in (ROOT / "src" / room).rglob("*.cc"))
    names = set(re.findall(r'"((?:lateen|velero|podVolume)_[a-zA-Z_{}]+)"', text))
    return re.compile("|".join(re.escape(name).replace(r"\{\}", "[a-z_]+") for name in names))


class Monitoring(unittest.TestCase):
    def setUp(self):
        self.alerts = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]

    def assert_known(self, expression):
        known = known_metrics()
        for name in METRIC.findall(expression):
            self.assertTrue(known.fullmatch(re.sub(r"_(bucket|sum|count)$", "", name)) or known.fullmatch(name), name)

    def test_every_alert_has_a_section_of_the_runbook(self):
        page = (ROOT / "docs/runbooks/alerts.md").read_text()
        sections = {heading.lower() for heading in re.findall(r"^## (\w+)$", page, re.M)}
        self.assertEqual({alert["alert"].lower() for alert in self.alerts}, sections)
        for alert in self.alerts:
            self.assertEqual(alert["annotations"]["runbook"], f"docs/runbooks/alerts.md#{alert['alert'].lower()}")

    def test_alerts_ask_for_metrics_that_there_are(self):
        for alert in self.alerts:
            with self.subTest(alert=alert["alert"]):
                self.assertTrue(METRIC.findall(alert["expr"]))
                self.assert_known(alert["expr"])

    def test_the_dashboard_asks_for_metrics_that_there_are(self):
        panels = json.loads(DASHBOARD.read_text())["panels"]
        self.assertGreater(len(panels), 8)
        for panel in panels:
            for target in panel.get("targets", []):
                with self.subTest(panel=panel["title"]):
                    self.assert_known(target["expr"])

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not on the PATH")
    def test_rules_fire_when_they_should_and_only_then(self):
        run = subprocess.run(["promtool", "test", "rules", "lateen-rules.test.yaml"], cwd=RULES.parent,
                             capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()
