"""A page of the documents, cut into what the tests look at: commands, files, manifests, headings, links.

Notes to the tests are comments of Markdown, which nobody sees. They stand on lines of their own, before what they are about:

    <!-- run: COMMANDS -->         run here, and must succeed; what the page takes for granted
    <!-- not run: REASON -->       the next block is not run
    <!-- needs: PROGRAM -->        the next block is run where that program is on the PATH
    <!-- with: WORD=VALUE … -->    in commands from here on, WORD stands for VALUE
    <!-- exit: N -->               the next block's last command ends with N, not 0
    <!-- until: COMMAND -->        before the next block: wait until that command succeeds
    <!-- file: NAME -->            the next block is the content of that file, where its language has no comments to say so

A `console` block has commands behind "$ ", each with the output that is to be expected, or with none; an `sh` block is one script. A block whose
first line is a comment with nothing but a file's name is that file, and YAML that begins with apiVersion is a manifest that an API server must take.
"""

import dataclasses
import pathlib
import re
import textwrap

ROOT = pathlib.Path(__file__).parents[2]


def pages():
    """Every page that we write for people, by its path in the repository."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md"),
             *(ROOT / "examples").rglob("*.md"), *(ROOT / "bench").glob("*.md")]
    return sorted(str(path.relative_to(ROOT)) for path in found)


@dataclasses.dataclass
class Step:
    """Something to run: `kind` is command, script, hidden, wait, file or manifest."""

    kind: str
    line: int
    text: str
    expected: list = dataclasses.field(default_factory=list)
    exit: int = 0
    left_out: str = ""
    needs: str = ""
    name: str = ""


@dataclasses.dataclass
class Block:
    language: str
    line: int
    lines: list
    notes: dict


NOTE = re.compile(r"^<!--\s*(run|not run|needs|with|exit|until|file):\s*(.*?)\s*-->$", re.S)
FILE = re.compile(r"^# ([\w.-]+\.(?:yaml|json|sh|ini|env))$")


class Page:
    def __init__(self, path):
        self.path = path
        self.lines = (ROOT / path).read_text().splitlines()
        self.blocks = []
        self.steps = []
        self.prose = []  # (line number, text) outside of blocks and comments
        self.__read()

    def __read(self):
        notes, number = {}, 0
        while number < len(self.lines):
            line = self.lines[number]
            if line.lstrip().startswith("<!--"):
                number = self.__read_note(number, notes)
            elif line.lstrip().startswith("```"):
                number = self.__read_block(number, notes)
                notes = {}
            else:
                self.prose.append((number + 1, line))
                number += 1

    def __read_note(self, number, notes):
        end = number
        while "-->" not in self.lines[end]:
            end += 1
        text = "\n".join(self.lines[number:end + 1]).strip()
        note = NOTE.match(text)
        if not note:
            raise ValueError(f"{self.path}:{number + 1}: no note that the tests know: {text}")
        kind, value = note.groups()
        if kind == "run":
            self.steps.append(Step("hidden", number + 1, textwrap.dedent(value)))
        elif kind == "with":
            self.steps.append(Step("with", number + 1, value))
        else:
            notes[kind] = value
        return end + 1

    def __read_block(self, number, notes):
        end = number + 1
        while self.lines[end].strip() != "```":
            end += 1
        indent = len(self.lines[number]) - len(self.lines[number].lstrip())
        lines = [line[indent:] for line in self.lines[number + 1:end]]
        block = Block(self.lines[number].strip()[3:], number + 1, lines, dict(notes))
        self.blocks.append(block)
        self.__add_steps(block)
        return end + 1

    def __add_steps(self, block):
        first = block.lines[0] if block.lines else ""
        left_out, needs = block.notes.get("not run", ""), block.notes.get("needs", "")
        more = {"left_out": left_out, "needs": needs}
        if "until" in block.notes:
            self.steps.append(Step("wait", block.line, block.notes["until"], **more))
        if block.language == "console":
            steps = list(commands_of(block))
            steps[-1].exit = int(block.notes.get("exit", 0))
            for step in steps:
                step.left_out, step.needs = left_out, needs
            self.steps += steps
        elif block.language == "sh" and not FILE.match(first):
            self.steps.append(Step("script", block.line + 1, "\n".join(block.lines), **more))
        elif "file" in block.notes or FILE.match(first):
            name = block.notes.get("file") or FILE.match(first)[1]
            self.steps.append(Step("file", block.line + 1, "\n".join(block.lines) + "\n", name=name, **more))
        if block.language == "yaml" and any(line.startswith("apiVersion:") for line in block.lines):
            self.steps.append(Step("manifest", block.line + 1, "\n".join(block.lines) + "\n", **more))

    def headings(self):
        for number, line in self.prose:
            heading = re.match(r"^#+ (.*)$", line)
            if heading:
                yield number, heading[1]

    def anchors(self):
        """As GitHub makes them of headings."""
        seen = {}
        for _, heading in self.headings():
            plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
            anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
            count = seen.get(anchor, 0)
            seen[anchor] = count + 1
            yield anchor if count == 0 else f"{anchor}-{count}"

    def links(self):
        for number, line in self.prose:
            for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
                yield number, target

    def inline_code(self):
        for number, line in self.prose:
            for code in re.findall(r"`([^`]+)`", line):
                yield number, code.replace("\\|", "|")


def commands_of(block):
    """The commands of a console block; what stands below each is expected of it."""
    step = None
    for offset, line in enumerate(block.lines):
        if line.startswith("$ "):
            step = Step("command", block.line + 1 + offset, line[2:])
            yield step
        elif step is None:
            raise ValueError(f"line {block.line + 1}: a console block begins with a command, behind '$ '")
        elif step.text.endswith("\\") and not step.expected:
            step.text += "\n" + line
        elif "<<" in step.text and not re.search(r"^EOF$", step.text, re.M) and not step.expected:
            step.text += "\n" + line
        else:
            step.expected.append(line)


def missing_lines(expected, output):
    """The expected lines that the output does not have in this order, other lines between them. Blanks count as one, a number
    is any number, and … is any text."""
    lines = [" ".join(line.split()) for line in output.splitlines()]
    at, missing = 0, []
    for wanted in expected:
        wanted = " ".join(wanted.split())
        if wanted in ("", "…"):
            continue
        pattern = re.compile(re.sub(r"\d+", r"\\d+", re.escape(wanted)).replace("…", ".*"))
        hit = next((i for i in range(at, len(lines)) if pattern.fullmatch(lines[i])), None)
        if hit is None:
            missing.append(wanted)
        else:
            at = hit + 1
    return missing
