"""The reference is held to the program: flags, fields of the kinds, metrics, annotations; and every command that a page names."""

import os
import pathlib
import re
import shlex
import unittest

from tests.documents import reference
from tests.documents.page import ROOT, Page, pages

# Not in the reference: pods start them.
HIDDEN = ("node-agent", "data-mover", "pod-volume", "repo-maintenance", "restore-helper")
PROGRAM = pathlib.Path(os.environ.get("LATEEN_BINARY", ROOT / "build/lateen")).absolute()


def sources(*rooms):
    return "".join(path.read_text() for room in rooms for path in (ROOT / "src" / room).rglob("*.[hc]*"))


class Reference(unittest.TestCase):
    maxDiff = 4000

    def test_flags_are_those_of_the_program(self):
        self.assertEqual(reference.flags(PROGRAM), reference.FLAGS.read_text(), "python3 -m tests.documents.reference build/lateen")

    def test_fields_are_those_of_the_definitions_and_have_a_meaning(self):
        page = reference.KINDS.read_text()
        self.assertEqual(reference.kinds(PROGRAM, page), page, "python3 -m tests.documents.reference build/lateen, then say what they mean")
        self.assertEqual([], [key for key, meaning in reference.meanings(page).items() if not meaning.strip()])

    def test_every_metric_of_the_program_is_on_the_page_and_none_besides(self):
        words = {"lateen_{}_": ("schedule", "namespace")}
        found = set(re.findall(r'"((?:lateen|velero|podVolume|process)_[a-z{][a-zA-Z_{}]*[a-z}])"', sources("server", "agent")))
        named = set()
        for name in found:
            if name.startswith("podVolume_{}_{}"):
                named |= {f"podVolume_{kind}_{end}_total" for kind in ("data_upload", "data_download") for end in ("success", "failure", "cancel")}
            elif "{}" in name:
                named |= {name.replace("{}", word) for word in words["lateen_{}_"]}
            else:
                named.add(name)
        page = (ROOT / "docs/reference/metrics.md").read_text()
        listed = {name for line in page.splitlines() if line.startswith("| `") for name in re.findall(r"`((?:lateen|velero|podVolume|process)_\w+)`", line)}
        self.assertEqual(named, listed)

    def test_every_annotation_of_ours_is_on_the_page(self):
        text = sources("base", "kube", "model", "objects", "volumes", "backup", "restore", "assurance", "server", "agent", "sandbox", "cli")
        named = set(re.findall(r'"((?:sandbox\.lateen\.dev|lateen\.io)/[a-z-]+)"', text)) - {"lateen.io/v1"}
        page = (ROOT / "docs/reference/annotations.md").read_text()
        self.assertEqual(set(), {name for name in named if f"`{name}`" not in page})

    def test_every_alert_has_its_runbook(self):
        alerts = set(re.findall(r"^\s*- alert: (\w+)", (ROOT / "deploy/prometheus/lateen-rules.yaml").read_text(), re.M))
        self.assertTrue(alerts)
        self.assertEqual(alerts, {heading for _, heading in Page("docs/runbooks/alerts.md").headings()} & alerts)

    def test_commands_and_flags_that_pages_name_are_there(self):
        commands = command_tree(reference.FLAGS.read_text())
        wrong = []
        for path in set(pages()) - {"docs/reference/flags.md"}:
            page = Page(path)
            lines = [(step.line, line) for step in page.steps if step.kind in ("command", "script") for line in step.text.replace("\\\n", " ").splitlines()]
            for number, line in lines + [(number, code) for number, code in page.inline_code()]:
                for call in calls(line):
                    problem = problem_of(call, commands)
                    if problem:
                        wrong.append(f"{path}:{number}: {' '.join(call)}: {problem}")
        self.assertEqual([], wrong)


def command_tree(page):
    """Command → its flags; the flags of every command under ""."""
    commands, name = {}, None
    for line in page.splitlines():
        heading = re.match(r"^## (lateen .*|Flags of every command)$", line)
        if heading:
            name = heading[1] if heading[1].startswith("lateen") else ""
            commands[name] = set()
            aliases = []
        elif name is not None:
            flag = re.match(r"^ +(?:(-\w), )?(--[\w-]+)", line)
            if flag:
                commands[name] |= {word for word in flag.groups() if word}
            alias = re.match(r"^Aliases:", line)
            aliases = ["next"] if alias else aliases
            if aliases == ["next"] and line.startswith("  "):
                for word in line.strip().split(", ")[1:]:
                    commands[" ".join(name.split()[:-1] + [word])] = commands[name]
                aliases = []
    for name in [name for name in commands if name]:
        words = name.split()
        if len(words) == 3 and words[2] in ("get", "create", "describe", "delete"):
            for noun in (words[1], words[1] + "s"):
                commands[f"lateen {words[2]} {noun}"] = commands[name]
    return commands


def calls(line):
    """The calls of lateen in a line of shell."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        words = line.split()
    call, first = None, True
    for word in words:
        may_begin, first = first, word in ("|", "||", "&&", ";", "--", "yes") or word.endswith(";")
        if word in ("lateen", "velero") and call is None and may_begin:
            call = ["lateen"]
        elif call is not None and (word in ("|", "||", "&&", ";", ">", "&") or word.startswith((">", "2>")) or word.endswith(";")):
            yield call
            call = None
        elif call is not None:
            call.append(word)
    if call is not None:
        yield call


def problem_of(call, commands):
    words = [word for word in call if re.fullmatch(r"[a-z][a-z0-9-]*", word) and not word.startswith("-")]
    names = [" ".join(words[:length]) for length in range(len(words), 1, -1)]
    name = next((name for name in names if name in commands), None)
    groups = {" ".join(known.split()[:length]) for known in commands for length in range(1, len(known.split()))}
    if name is None:
        longest = next((name for name in names if name in groups), None)
        if longest is None and len(call) > 1 and call[1] not in HIDDEN and re.fullmatch(r"[a-z][a-z-]+", call[1]):
            return "no such command"
        return None
    known = commands[name] | commands[""]
    for word in call:
        flag = re.match(r"^(--[a-z][\w-]*|-[a-zA-Z])(?:=.*)?$", word)
        if flag and flag[1] not in known:
            return f"{name} has no {flag[1]}"
    return None


if __name__ == "__main__":
    unittest.main()
