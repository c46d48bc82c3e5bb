"""The pages of docs/reference that are made of the program: flags.md wholly, the tables of crds.md but for their last column.

    python3 -m tests.documents.reference [lateen]      writes both anew
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
FLAGS = ROOT / "docs/reference/flags.md"
KINDS = ROOT / "docs/reference/crds.md"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/root"}


def flags(program):
    """What flags.md must be. The program's home is in no default."""
    return subprocess.run([program, "help", "--reference"], env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout


def definitions(program):
    answer = subprocess.run([program, "install", "--crds-only", "--dry-run", "-o", "json"], env=ENVIRONMENT, capture_output=True,
                            text=True, check=True)
    return json.loads(answer.stdout)["items"]


def type_of(schema):
    kind = schema.get("type", "any")
    if schema.get("x-kubernetes-int-or-string"):
        return "int or string"
    if kind == "array":
        return "list of " + type_of(schema.get("items", {}))
    if kind == "object" and "additionalProperties" in schema:
        return "map of " + type_of(schema["additionalProperties"])
    return {"date-time": "time"}.get(schema.get("format"), kind)


def members(schema):
    """The names of all that lies in an object, or in a list's objects: "pre.exec.command"."""
    inner = schema.get("items", schema)
    for name, below in sorted(inner.get("properties", {}).items()):
        deeper = [f"{name}.{rest}" for rest in members(below)]
        yield from deeper or [name]


def rows(definition):
    """(field, type with what may be in it) of each field of spec and status."""
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for part in ("spec", "status"):
        for name, field in sorted(schema["properties"].get(part, {}).get("properties", {}).items()):
            text = type_of(field)
            words = [word or '""' for word in field.get("enum", [])]
            inside = list(members(field))
            if words:
                text += ": " + ", ".join(f"`{word}`" for word in words)
            if inside:
                text += ": " + ", ".join(f"`{name}`" for name in inside)
            yield f"{part}.{name}", text


def meanings(page):
    """(kind, field) → what the page says of it."""
    said, kind = {}, ""
    for line in page.splitlines():
        heading = re.match(r"^## (\w+)$", line)
        row = re.match(r"^\| `([\w.]+)` \| .* \| (.*) \|$", line)
        if heading:
            kind = heading[1]
        elif row:
            said[kind, row[1]] = row[2]
    return said


def kinds(program, page):
    """What crds.md must be: its own introduction and meanings, the program's kinds and fields."""
    said = meanings(page)
    text = page.split("\n## ")[0].rstrip() + "\n"
    for definition in definitions(program):
        names, version = definition["spec"]["names"], definition["spec"]["versions"][0]
        text += f"\n## {names['kind']}\n\n`{names['plural']}.{definition['spec']['group']}/{version['name']}`. "
        text += version["schema"]["openAPIV3Schema"]["description"] + "\n\n| field | type | meaning |\n|---|---|---|\n"
        for field, kind in rows(definition):
            text += f"| `{field}` | {kind} | {said.get((names['kind'], field), '')} |\n"
    return text


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "build/lateen")
    FLAGS.write_text(flags(chosen))
    KINDS.write_text(kinds(chosen, KINDS.read_text()))
