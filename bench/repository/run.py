#!/usr/bin/env python3
"""Backup, next day, rescan, restore and check of the same data by Lateen and by its peers, one after the other, each a child
process: wall time, user + system time, greatest resident memory, and the repository's size. Beside them what the machine
itself takes to walk, read and copy the data. Nothing is asserted; the table is for RESULTS.md.

  bench/repository/run.py --lateen build/release/apps/lateen/lateen --restic /usr/bin/restic [--kopia PATH]
      [--sets mix,small,random] [--scale 0.05] [--cold] [--dir DIR] [--json FILE]

--cold empties the page cache before each phase (needs root). --scale 0.05 takes a minute or two; 1 is the real thing and
needs 25 GB."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import data_sets  # noqa: E402

PASSWORD = "bench"


class Run:
    def __init__(self, options):
        self.options = options
        self.rows = []

    def measure(self, program, data, phase, command, env=None, size_of=None):
        if self.options.cold:
            os.sync()
            pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
        started = time.monotonic()
        child = subprocess.Popen(command, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE)
        err = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        row = {"program": program, "data": data, "phase": phase, "wall": round(time.monotonic() - started, 2),
               "cpu": round(usage.ru_utime + usage.ru_stime, 2), "rss_mib": usage.ru_maxrss // 1024,
               "failed": child.returncode != 0}
        if size_of is not None:
            row["repository_mib"] = sum(f.stat().st_size for f in size_of.rglob("*") if f.is_file()) >> 20
        if row["failed"]:
            print(f"{program} {phase}: exit {child.returncode}: {err.decode(errors='replace')[-300:]}", file=sys.stderr)
        self.rows.append(row)
        print(f"{program:22} {data:7} {phase:9} {row['wall']:8.2f} s  cpu {row['cpu']:8.2f} s  {row['rss_mib']:5} MiB"
              + ("  FAILED" if row["failed"] else ""), flush=True)


class Restic:
    def __init__(self, path, name, repo, cache):
        self.path, self.name, self.repo = path, name, repo
        self.env = {"RESTIC_PASSWORD": PASSWORD, "RESTIC_REPOSITORY": str(repo), "RESTIC_CACHE_DIR": str(cache)}

    def init(self):
        return [self.path, "init"]

    def backup(self, tree):
        return [self.path, "backup", str(tree)]

    def restore(self, target):
        return [self.path, "restore", "latest", "--target", str(target)]

    def check(self):
        return [self.path, "check", "--read-data"]


class Lateen(Restic):
    def __init__(self, path, kind, repo, cache):
        super().__init__(path, f"lateen ({kind})", repo, cache)
        self.kind = kind

    def init(self):
        return [self.path, "repo", "init", "--format", self.kind]

    def backup(self, tree):
        return [self.path, "repo", "backup", str(tree)]

    def restore(self, target):
        return [self.path, "repo", "restore", "latest", "--target", str(target)]

    def check(self):
        return [self.path, "repo", "check", "--read-data"]


class Kopia:
    def __init__(self, path, repo, cache):
        self.path, self.name, self.repo = path, "kopia", repo
        self.env = {"KOPIA_PASSWORD": PASSWORD, "KOPIA_CHECK_FOR_UPDATES": "false"}
        self.base = [path, f"--config-file={cache}/config", "--no-progress"]
        self.cache = cache
        self.tree = None

    def init(self):
        return ["sh", "-c", 'mkdir -p "$2" && "$0" "$1" repository create filesystem --path="$2" --cache-directory="$3" && '
                '"$0" "$1" policy set --global --compression=zstd-fastest', self.path, self.base[1], str(self.repo),
                str(self.cache)]

    def backup(self, tree):
        self.tree = tree
        return [*self.base, "snapshot", "create", str(tree)]

    def restore(self, target):
        return ["sh", "-c", '"$0" "$1" snapshot restore "$("$0" "$1" snapshot list --json "$2" | '
                "python3 -c 'import json,sys; print(json.load(sys.stdin)[-1][\"id\"])')\" \"$3\"",
                self.path, self.base[1], str(self.tree), str(target)]

    def check(self):
        return [*self.base, "snapshot", "verify", "--verify-files-percent=100"]


def floors(run, kind, tree, scratch):
    """What the machine takes for the least that any program must do."""
    run.measure("the machine", kind, "walk", ["find", str(tree), "-printf", "%s %T@\\n"])
    run.measure("the machine", kind, "read all", ["sh", "-c", 'find "$0" -type f -print0 | xargs -0 -P 8 -n 64 cat', str(tree)])
    run.measure("the machine", kind, "copy", ["cp", "-a", str(tree), str(scratch / "copy")])


def programs(options, base):
    made = []
    for kind in options.formats.split(","):
        made.append(Lateen(options.lateen, kind, base / f"lateen-{kind}", base / f"cache-lateen-{kind}"))
    if options.restic:
        made.append(Restic(options.restic, "restic", base / "restic", base / "cache-restic"))
    if options.kopia:
        (base / "cache-kopia").mkdir(parents=True, exist_ok=True)
        made.append(Kopia(options.kopia, base / "kopia", base / "cache-kopia"))
    return made


def one_set(run, kind, base):
    source = base / "data" / kind
    data_sets.make(kind, source, run.options.scale)
    scratch = base / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    tree = source / "tree"
    peers = programs(run.options, scratch)
    floors(run, kind, tree, scratch)
    for p in peers:
        made = subprocess.run(p.init(), env={**os.environ, **p.env}, capture_output=True, text=True)
        if made.returncode != 0:
            sys.exit(f"{p.name} could not create its repository: {made.stderr[-500:]}")
        run.measure(p.name, kind, "backup", p.backup(tree), p.env, p.repo)
    for p in peers:
        run.measure(p.name, kind, "rescan", p.backup(tree), p.env)
    if kind == "mix":
        data_sets.next_day(tree)
        (source / ".complete").unlink()  # it is another set now: made anew next time
        for p in peers:
            run.measure(p.name, kind, "next day", p.backup(tree), p.env, p.repo)
    # Nothing is removed between them: ext4 is slow to reuse the inodes of files that were just deleted.
    for i, p in enumerate(peers):
        run.measure(p.name, kind, "restore", p.restore(scratch / f"restored{i}"), p.env)
    for p in peers:
        run.measure(p.name, kind, "check", p.check(), p.env)
    shutil.rmtree(scratch, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lateen", required=True)
    parser.add_argument("--restic", default=shutil.which("restic"))
    parser.add_argument("--kopia")
    parser.add_argument("--formats", default="kopia,restic")
    parser.add_argument("--sets", default="mix,small,random")
    parser.add_argument("--scale", type=float, default=0.05)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--dir", type=pathlib.Path, default=pathlib.Path("build/bench-repository"))
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    run = Run(options)
    for kind in options.sets.split(","):
        one_set(run, kind, options.dir.absolute())
    if options.json:
        options.json.write_text("".join(json.dumps(row) + "\n" for row in run.rows))
    return 1 if any(row["failed"] for row in run.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
