#!/usr/bin/env python3
"""Refuses what style says no to, each with the short list of files that may."""
import pathlib
import re
import sys

# pattern -> (why, files that may)
BANS = {
    r"\bthrow\b": ("errors are values (base/result.h)", []),
    r"(?<![\w.>])new\s+[A-Za-z_:]+\s*[({\[;]": ("own with values or std::make_unique", []),
    r"\bstd::(mutex|lock_guard|unique_lock|scoped_lock)\b":
        ("clang cannot see through it: Mutex and Lock of base/thread.h", ["src/base/thread.h", "src/base/clock.cc"]),
    r"\bstd::thread\b(?!::hardware_concurrency|::id)": ("std::jthread, joined by its owner", []),
    r"\.detach\(\)": ("no detached threads", []),
    r"\bco_(await|yield|return)\b": ("g++ 12 miscompiles coroutines", []),
    r"\bstd::regex\b": ("slow, and overflows the stack on hostile input", []),
    r"\bsleep_(for|until)\b|\busleep\(|\bnanosleep\(": ("sleep_unless_stopped of base/clock.h", ["src/base/clock.cc"]),
    r"\b(system|steady|high_resolution)_clock::now\b": ("Clock& or Deadline of base/clock.h", ["src/base/clock.cc"]),
    r"\bgetenv\b": ("env() of base/environment.h", ["src/base/environment"]),
    r"(?<![\w:])f?printf\s*\(|\bstd::f?printf\b": ("fmt", []),
    r"\bsystem\s*\(\s*\"|\bpopen\s*\(": ("run_process of base/process.h, without a shell", []),
    r"\busing namespace\b(?!.*\bliterals\b)": ("no using namespace", []),
}

COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|R"(\w*)\(.*?\)\1"', re.S)


def strip(text: str) -> str:
    """Comments and strings out, line numbers kept."""
    return COMMENT.sub(lambda m: "\n" * m.group(0).count("\n"), text)


def late_tries(code: str) -> list[int]:
    """Where a TRY stands behind the first member of a braced value: g++ 12 leaks the members that were built before it
    when it returns. A brace with a ';' of its own is a block, and no value."""
    found: list[int] = []
    frames = [{"opened": "{", "block": False, "commas": 0, "tries": []}]
    for token in re.finditer(r"\bTRY\b|[{}();,]", code):
        frame, text = frames[-1], token.group(0)
        if text in "({":
            frames.append({"opened": text, "block": False, "commas": 0, "tries": []})
        elif text == ",":
            frame["commas"] += 1
        elif text == ";":
            frame["block"] = True
        elif text == "TRY":
            frame["tries"].append((token.start(), frame["commas"] > 0))
        elif len(frames) > 1:
            frames.pop()
            value = frame["opened"] == "{"
            if value and frame["block"]:
                continue
            outer = frames[-1]
            for at, late in frame["tries"]:
                if value and late:
                    found.append(at)
                else:
                    outer["tries"].append((at, outer["commas"] > 0))
    return found


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    wrong = []
    files = [p for top in ("src", "apps", "tests", "bench", "fuzz") for p in root.glob(f"{top}/**/*")
             if p.suffix in (".h", ".cc")]
    for path in sorted(files):
        name = path.relative_to(root).as_posix()
        raw = path.read_text(encoding="utf-8")
        code = strip(raw)
        for pattern, (why, may) in BANS.items():
            if any(name.startswith(m) for m in may):
                continue
            for hit in re.finditer(pattern, code):
                line = code.count("\n", 0, hit.start()) + 1
                wrong.append(f"{name}:{line}: '{hit.group(0).strip()}' is banned: {why}")
        for at in late_tries(code):
            line = code.count("\n", 0, at) + 1
            wrong.append(f"{name}:{line}: TRY between the members of a value: g++ 12 leaks those before it; "
                         "make it a statement")
        for number, line in enumerate(raw.split("\n"), 1):
            if re.search(r"//\s*(TODO(?!\(#\d+\))|FIXME|XXX)", line):
                wrong.append(f"{name}:{number}: a TODO names an open issue: // TODO(#123): …")
    sources = [p for p in files if p.relative_to(root).parts[0] in ("src", "apps")]
    for path in files:
        lines = path.read_text(encoding="utf-8").count("\n")
        name = path.relative_to(root).as_posix()
        hard = (300 if path.suffix == ".h" else 600) if path in sources else 900
        if lines > hard:
            wrong.append(f"{name}: {lines} lines; the hard limit is {hard}: split by noun")
    for line in wrong:
        print(line)
    print(f"check_bans: {len(wrong)} findings" if wrong else "check_bans: nothing banned is used")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
