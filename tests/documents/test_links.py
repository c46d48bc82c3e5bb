"""Links lead somewhere, every page is in the index, and what looks like a command is one."""

import re
import unittest

from tests.documents.page import ROOT, Page, pages

# An API server's object, a unit, a person's shell: what begins a line that somebody would type.
TYPED = re.compile(r"^\s*(?:\$ )?(?:lateen|velero|kubectl|aws|helm|terraform|kind|make|export) [\w\"'$./-]")


class Links(unittest.TestCase):
    def setUp(self):
        self.pages = {path: Page(path) for path in pages()}

    def test_links_lead_to_pages_and_headings_that_there_are(self):
        broken = []
        for path, page in self.pages.items():
            for number, target in page.links():
                if target.startswith("https://"):
                    continue
                file, _, anchor = target.partition("#")
                there = ((ROOT / path).parent / file).resolve() if file else ROOT / path
                if not there.exists():
                    broken.append(f"{path}:{number}: {target}")
                elif anchor and anchor not in Page(str(there.relative_to(ROOT))).anchors():
                    broken.append(f"{path}:{number}: {target}: no such heading")
        self.assertEqual([], broken)

    def test_the_index_has_every_page(self):
        index = {(ROOT / "docs" / target.partition("#")[0]).resolve() for _, target in self.pages["docs/README.md"].links()}
        missing = [path for path in self.pages if path.startswith("docs/") and path != "docs/README.md" and (ROOT / path).resolve() not in index]
        self.assertEqual([], missing)

    def test_files_that_pages_name_are_there(self):
        """`docs/…`, `deploy/…`, `examples/…`, `tests/…`, `src/…`, `bench/…` in inline code."""
        missing = []
        for path, page in self.pages.items():
            for number, code in page.inline_code():
                named = re.fullmatch(r"((?:docs|deploy|examples|tests|src|bench|tools)/[\w./-]*)(?:#[\w-]+)?", code)
                if named and not (ROOT / named[1]).exists():
                    missing.append(f"{path}:{number}: {code}")
        self.assertEqual([], missing)

    def test_tests_that_pages_name_are_there(self):
        """`Suite.Name`, as ctest knows it, and `SuiteVoyage`."""
        text = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.cc"))
        known = {f"{suite}.{name}" for suite, name in re.findall(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", text, re.M)}
        suites = {name.split(".")[0] for name in known}
        missing = []
        for path, page in self.pages.items():
            for number, code in page.inline_code():
                if path.startswith("docs/") and (re.fullmatch(r"[A-Z]\w+\.[A-Z]\w{8,}", code) and code not in known
                                                 or re.fullmatch(r"[A-Z]\w+Voyage", code) and code not in suites):
                    missing.append(f"{path}:{number}: {code}")
        self.assertEqual([], missing)

    def test_what_one_would_type_is_run_or_says_why_not(self):
        """Commands stand in console blocks: those are run by test_pages.py, or have a note with the reason."""
        loose = []
        for path, page in self.pages.items():
            if path.startswith(("examples/", "bench/", "CHANGELOG")):  # run by voyages of their own, and by hand
                continue
            for block in page.blocks:
                if block.language in ("console", "yaml", "json", "ini", "hcl", "promql") or path == "docs/reference/flags.md":
                    continue
                if any(is_synopsis(line) for line in block.lines):
                    continue
                loose += [f"{path}:{block.line + 1 + i}" for i, line in enumerate(block.lines)
                          if TYPED.match(line) and "not run" not in block.notes and block.language != "sh"]
            loose += [f"{path}:{number}" for number, line in page.prose if line.startswith("    ") and TYPED.match(line)]
        self.assertEqual([], loose)


def is_synopsis(line):
    """`lateen location check NAME [-o table|json|yaml]`, and the lines of a listing."""
    return bool(re.search(r"\[-|\[flags\]|\[command\]| NAME\b|…", line))


if __name__ == "__main__":
    unittest.main()
