"""Runs the commands of the documents in a sandbox, page by page, and holds what they print against what the pages say.

The first page is the quickstart: what it leaves running is where the others' commands run. LATEEN_PAGES="docs/how-to/history.md …" runs these alone
(after the quickstart), LATEEN_BINARY names the program.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from tests.documents.page import ROOT, Page, missing_lines, pages
from tests.documents.shell import Shell

FIRST = "docs/tutorials/quickstart.md"
SHOP = ROOT / "tests/testdata/documents/shop.yaml"

# Stops every sandbox below the folder and removes it, as soon as the test has gone, however it went.
GUARD = """
read -r _
find "$1" -name sandbox.json -not -path '*/pods/*' | while read -r file; do "$2" sandbox stop --dir "$(dirname "$file")"; done
rm -rf "$1"
"""


def binary():
    return pathlib.Path(os.environ.get("LATEEN_BINARY", ROOT / "build/lateen")).absolute()


class Harbour:
    """A home, a folder to work in, and the program on the PATH."""

    def __init__(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="lateen-docs-"))
        for name in ("home", "bin", "tmp", "work"):
            (self.top / name).mkdir()
        (self.top / "bin/lateen").symlink_to(binary())
        self.__guard = subprocess.Popen(["bash", "-c", GUARD, "guard", self.top, binary()], stdin=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def environment(self):
        kept = {key: os.environ[key] for key in ("LANG", "TERM", "USER") if key in os.environ}
        return {**kept, "PATH": f"{self.top}/bin:{os.environ['PATH']}", "HOME": f"{self.top}/home", "TMPDIR": f"{self.top}/tmp",
                "NO_COLOR": "1", "TZ": "UTC",
                # Not 0.0.0.0: beside us other sandboxes' pods listen at :8085 of their own addresses.
                "LATEEN_LISTEN_HOST": "127.0.0.1", "TESTDATA": str(SHOP.parent), "TESTS_PYTHON": os.environ.get("TESTS_PYTHON", "python3")}

    def folder(self, page):
        folder = self.top / "work" / page.replace("/", "-").removesuffix(".md")
        folder.mkdir()
        for name in ("examples", "deploy", "docs"):
            (folder / name).symlink_to(ROOT / name)
        return folder

    def close(self):
        self.__guard.stdin.close()
        self.__guard.wait(timeout=200)


class Pages(unittest.TestCase):
    harbour = None
    tally = []

    @classmethod
    def setUpClass(cls):
        cls.harbour = Harbour()
        cls.first_failure = cls.follow(FIRST, None)
        if cls.first_failure is None:
            shell = Shell(cls.harbour.top, {**cls.harbour.environment(), "KUBECONFIG": cls.kubeconfig()})
            cls.addClassCleanup(shell.close)
            printed, code = shell.run(f"kubectl apply -f {SHOP} && kubectl -n shop wait --for=condition=Ready pod --all --timeout=200s")
            cls.first_failure = None if code == 0 else f"the shop: {printed}"

    @classmethod
    def tearDownClass(cls):
        cls.harbour.close()
        for page, ran, left_out, seconds in cls.tally:
            print(f"{page}: {ran} run, {left_out} left out, {seconds:.1f} s")

    @classmethod
    def kubeconfig(cls):
        return f"{cls.harbour.top}/home/.local/state/lateen/sandbox/kubeconfig"

    @classmethod
    def follow(cls, path, kubeconfig):
        """What is wrong with the page, or None."""
        environment = cls.harbour.environment()
        if kubeconfig is not None:
            environment["KUBECONFIG"] = kubeconfig
        began = time.monotonic()
        shell = Shell(cls.harbour.folder(path), environment)
        ran, left_out, words, failures = 0, 0, {}, []
        try:
            for step in Page(path).steps:
                if step.kind == "with":
                    words.update(pair.split("=", 1) for pair in step.text.split())
                elif step.left_out or (step.needs and not shutil.which(step.needs)):
                    left_out += step.kind in ("command", "script")
                else:
                    ran += step.kind in ("command", "script", "manifest")
                    failure = cls.take(step, shell, words)
                    failures += [f"{path}:{step.line}: {failure}"] if failure else []
                    if shell.is_gone:
                        break
        finally:
            shell.close()
            cls.tally.append((path, ran, left_out, time.monotonic() - began))
        return "\n".join(failures) or None

    @staticmethod
    def take(step, shell, words):
        text = step.text
        if step.kind in ("command", "script", "wait"):
            for word, value in words.items():
                text = text.replace(word, value)
        if step.kind == "file":
            text = f"cat >{step.name} <<'END-OF-FILE'\n{text}END-OF-FILE"
        elif step.kind == "manifest":
            text = f"kubectl apply --dry-run=server -f - <<'END-OF-FILE'\n{text}END-OF-FILE"
        elif step.kind in ("script", "hidden"):
            text = f"trap 'ended=$?; trap - ERR; return $ended' ERR\n{text}\ntrap - ERR"
        began = time.monotonic()
        printed, code = shell.wait(text) if step.kind == "wait" else shell.run(text)
        if os.environ.get("LATEEN_PAGES_TALK"):
            print(f"--- {step.line} {step.kind}: {text}\n{printed}({code}, {time.monotonic() - began:.1f} s)", flush=True)
        if code != step.exit:
            return f"ended with {code}, not {step.exit}\n$ {text}\n{printed}"
        missing = missing_lines(step.expected, printed)
        return f"does not print\n  {chr(10).join(missing)}\n$ {text}\n{printed}" if missing else None


def test_of(path):
    def test(self):
        if self.first_failure is not None:
            self.fail(self.first_failure if path == FIRST else "the quickstart failed")
        if path != FIRST:
            failure = self.follow(path, self.kubeconfig())
            if failure is not None:
                self.fail(failure)
    return test


CHOSEN = os.environ.get("LATEEN_PAGES", "").split()
for page in pages():
    if page == FIRST or ((page in CHOSEN or not CHOSEN) and Page(page).steps):
        setattr(Pages, "test_" + page.removesuffix(".md").replace("/", "_").replace("-", "_"), test_of(page))


if __name__ == "__main__":
    unittest.main()
