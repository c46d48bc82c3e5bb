#!/usr/bin/env python3
"""Holds every #include under src/ and tests/ against the order of the rooms (ARCHITECTURE.md)."""
import pathlib
import re
import sys

ROOMS = ["base", "net", "kube", "model", "objects", "archive", "repository", "volumes", "plugins",
         "backup", "restore", "assurance", "server", "agent", "sandbox", "cli"]

# What a room may not include although it stands above it in the table.
FORBIDDEN = {
    "model": {"net", "kube"},
    "objects": {"kube"},
    "archive": {"net", "kube", "model", "objects"},
    "repository": {"kube"},
    "sandbox": set(ROOMS) - {"base", "net", "kube", "sandbox"},
}

# Libraries that one door alone may open: header pattern -> files that may include it.
DOORS = {
    r"boost/json": ["src/base/json.h", "src/base/json.cc"],
    r"simdjson": ["src/base/json"],
    r"yaml\.h": ["src/base/yaml"],
    r"libdeflate|isa-l/|zlib\.h": ["src/base/gzip", "src/base/", "src/sandbox/api/spdy", "src/repository/compress/", "tests/"],
    r"date/": ["src/base/zone"],
    r"curl/": ["src/net/"],
    r"boost/(asio|beast)": ["src/net/"],
    r"openssl/": ["src/base/", "src/net/", "src/repository/crypto/"],
    r"sqlite3": ["src/sandbox/store/"],
    r"prometheus/": ["src/server/", "src/agent/"],
    r"grpc|google/protobuf": ["src/plugins/"],
    r"zstd\.h|lz4": ["src/base/", "src/repository/"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)


def check(root: pathlib.Path) -> list[str]:
    wrong = []
    for path in sorted([*root.glob("src/**/*.h"), *root.glob("src/**/*.cc")]):
        name = path.relative_to(root).as_posix()
        room = name.split("/")[1]
        for quote, header in INCLUDE.findall(path.read_text(encoding="utf-8")):
            if quote == '"':
                used = header.split("/")[0]
                if used not in ROOMS:
                    wrong.append(f"{name}: include \"{header}\" from src/, as \"<room>/<file>\"")
                elif ROOMS.index(used) > ROOMS.index(room):
                    wrong.append(f"{name}: {room}/ may not know {used}/ (\"{header}\" is below it)")
                elif used in FORBIDDEN.get(room, set()):
                    wrong.append(f"{name}: {room}/ may not know {used}/ (\"{header}\")")
            else:
                for pattern, doors in DOORS.items():
                    if re.match(pattern, header) and not any(name.startswith(d) for d in doors):
                        wrong.append(f"{name}: <{header}> may only be included in {', '.join(doors)}")
    return wrong


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    wrong = check(root)
    for line in wrong:
        print(line)
    print(f"check_rooms: {len(wrong)} wrong includes" if wrong else "check_rooms: the rooms are in order")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
