#!/usr/bin/env python3
"""Backup, rescan, next day, restore and check of the same data by Lateen and by its peers at the same settings, one after the
other, each a child process: wall time, user + system time, greatest resident memory, bytes from and to the disk, and the
repository's size. Beside them what the machine itself takes at that time (machine.py), and for each phase which resource
comes nearest to its end. Nothing is asserted; --markdown prints the tables of RESULTS.md.

  bench/repository/run.py --lateen build/release/apps/lateen/lateen [--restic PATH,PATH] [--kopia PATH]
      [--sets mix,small,random] [--scale 0.05] [--caches cold,warm] [--only NAME,…] [--dir DIR] [--json FILE] [--markdown]

A cold cache is emptied before each phase (needs root). --scale 0.05 takes a minute or two; 1 is the real thing, takes half an
hour with two peers, and needs 15 GB."""
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
MACHINE = "the machine"
FLOORS = str(pathlib.Path(__file__).parent / "machine.py")
# What of the machine a phase cannot be quicker than.
FLOOR_OF = {"backup": "read", "rescan": "walk", "next day": "walk", "restore": "create", "check": "disk"}


class Run:
    def __init__(self, options):
        self.options = options
        self.rows = []
        self.cache = ""

    def measure(self, program, data, phase, command, env=None, size_of=None):
        os.sync()
        if self.cache == "cold":
            pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
        started = time.monotonic()
        child = subprocess.Popen(command, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE)
        err = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        row = {"program": program, "cache": self.cache, "data": data, "phase": phase,
               "wall": round(time.monotonic() - started, 2), "cpu": round(usage.ru_utime + usage.ru_stime, 2),
               "rss_mib": usage.ru_maxrss // 1024, "read_mib": usage.ru_inblock >> 11, "written_mib": usage.ru_oublock >> 11,
               "failed": child.returncode != 0}
        if size_of is not None:
            row["repository_mib"] = sum(f.stat().st_size for f in size_of.rglob("*") if f.is_file()) >> 20
        if row["failed"]:
            print(f"{program} {phase}: exit {child.returncode}: {err.decode(errors='replace')[-300:]}", file=sys.stderr)
        row["load"] = os.getloadavg()[0]
        row["limit"] = self.limit(row)
        self.rows.append(row)
        print(f"{self.cache:4} {program:22} {data:7} {phase:9} {row['wall']:8.2f} s  cpu {row['cpu']:7.2f} s  {row['rss_mib']:5} MiB  "
              f"{row['limit']}" + ("  FAILED" if row["failed"] else ""), flush=True)

    def floor(self, data, phase, cache=None):
        found = [r for r in self.rows if (r["program"], r["data"], r["phase"], r["cache"]) ==
                 (MACHINE, data, phase, cache or self.cache)]
        return found[-1] if found else None

    def limit(self, row):
        """Which resource this phase used most of, and how much of what there is of it."""
        if row["program"] == MACHINE or row["wall"] == 0:
            return ""
        used = {"processors": row["cpu"] / (row["wall"] * os.cpu_count())}
        disk = self.floor(row["data"], "disk", "cold")
        if disk and disk["wall"] > 0 and disk["read_mib"] > 100:
            rate = disk["read_mib"] / disk["wall"]
            used["disk"] = (row["read_mib"] + row["written_mib"]) / rate / row["wall"]
        floor = self.floor(row["data"], FLOOR_OF[row["phase"]])
        if floor:
            used[floor["phase"]] = floor["wall"] / row["wall"]
        name = max(used, key=used.get)
        return f"{name} {used[name]:.0%}"


class Restic:
    def __init__(self, path, name, base):
        self.path, self.name, self.repo = path, name, base / "repository"
        self.env = {"RESTIC_PASSWORD": PASSWORD, "RESTIC_REPOSITORY": str(self.repo), "RESTIC_CACHE_DIR": str(base / "cache")}

    def init(self):
        return [self.path, "init"]

    def backup(self, tree):
        return [self.path, "backup", str(tree)]

    def restore(self, target):
        return [self.path, "restore", "latest", "--target", str(target)]

    def check(self):
        return [self.path, "check", "--read-data"]


class Lateen(Restic):
    def __init__(self, path, kind, compression, base):
        super().__init__(path, f"lateen {kind} {compression}", base)
        self.kind, self.compression = kind, compression

    def init(self):
        return [self.path, "repo", "init", "--format", self.kind]

    def backup(self, tree):
        return [self.path, "repo", "backup", "--compression", self.compression, str(tree)]

    def restore(self, target):
        return [self.path, "repo", "restore", "latest", "--target", str(target)]

    def check(self):
        return [self.path, "repo", "check", "--read-data"]


class Kopia:
    def __init__(self, path, compression, base):
        self.path, self.name, self.repo = path, f"kopia {compression}", base / "repository"
        self.env = {"KOPIA_PASSWORD": PASSWORD, "KOPIA_CHECK_FOR_UPDATES": "false"}
        self.cache = base / "cache"
        self.base = [path, f"--config-file={self.cache}/config", "--no-progress"]
        self.compression = compression
        self.tree = None

    def init(self):
        return ["sh", "-c", 'mkdir -p "$2" "$3" && "$0" "$1" repository create filesystem --path="$2" --cache-directory="$3" && '
                '"$0" "$1" policy set --global --compression="$4"', self.path, self.base[1], str(self.repo),
                str(self.cache), self.compression]

    def backup(self, tree):
        self.tree = tree
        return [*self.base, "snapshot", "create", str(tree)]

    def restore(self, target):
        return ["sh", "-c", '"$0" "$1" snapshot restore "$("$0" "$1" snapshot list --json "$2" | '
                "python3 -c 'import json,sys; print(json.load(sys.stdin)[-1][\"id\"])')\" \"$3\"",
                self.path, self.base[1], str(self.tree), str(target)]

    def check(self):
        return [*self.base, "snapshot", "verify", "--verify-files-percent=100"]


def remove(path):
    """And what ext4 has to do about it, so that the next phase does not pay."""
    shutil.rmtree(path, ignore_errors=True)
    os.sync()


def floors(run, kind, tree, scratch):
    run.measure(MACHINE, kind, "walk", ["find", str(tree), "-printf", "%s %T@\\n"])
    run.measure(MACHINE, kind, "read", [sys.executable, FLOORS, "read", str(tree)])
    run.measure(MACHINE, kind, "create", [sys.executable, FLOORS, "create", str(tree), str(scratch / "created")])
    remove(scratch / "created")
    if run.cache == "cold":
        run.measure(MACHINE, kind, "disk", [sys.executable, FLOORS, "disk", str(tree)])


def programs(options, base):
    made = []
    for kind, compression in (c.split(":") for c in options.lateen_as.split(",")):
        made.append(Lateen(options.lateen, kind, compression, base))
    for path in filter(None, (options.restic or "").split(",")):
        said = subprocess.run([path, "version"], capture_output=True, text=True).stdout.split()
        made.append(Restic(path, f"restic {said[1] if len(said) > 1 else ''}", base))
    if options.kopia:
        made += [Kopia(options.kopia, "none", base), Kopia(options.kopia, "zstd-fastest", base)]
    wanted = options.only.split(",") if options.only else None
    return [p for p in made if wanted is None or any(p.name.startswith(w) for w in wanted)]


def one_program(run, p, kind, tree, base):
    made = subprocess.run(p.init(), env={**os.environ, **p.env}, capture_output=True, text=True)
    if made.returncode != 0:
        sys.exit(f"{p.name} could not create its repository: {made.stderr[-500:]}")
    run.measure(p.name, kind, "backup", p.backup(tree), p.env, p.repo)
    run.measure(p.name, kind, "rescan", p.backup(tree), p.env)
    if kind == "mix":
        take_back = data_sets.next_day(tree)
        run.measure(p.name, kind, "next day", p.backup(tree), p.env, p.repo)
        take_back()
    run.measure(p.name, kind, "restore", p.restore(base / "restored"), p.env)
    remove(base / "restored")
    run.measure(p.name, kind, "check", p.check(), p.env)


def one_set(run, kind, base):
    source = base / "data" / kind
    data_sets.make(kind, source, run.options.scale)
    tree, scratch = source / "tree", base / "scratch"
    for cache in run.options.caches.split(","):
        run.cache = cache
        remove(scratch)
        scratch.mkdir(parents=True)
        floors(run, kind, tree, scratch)
        for p in programs(run.options, scratch):
            one_program(run, p, kind, tree, scratch)
            remove(scratch)
            scratch.mkdir(parents=True)
    remove(scratch)


def markdown(rows):
    """A table for each data set and cache: phases by programs, seconds of wall · of CPU · MiB."""
    for data, cache in dict.fromkeys((r["data"], r["cache"]) for r in rows):
        mine = [r for r in rows if (r["data"], r["cache"]) == (data, cache)]
        floor = " · ".join(f"{r['phase']} {r['wall']}" for r in mine if r["program"] == MACHINE)
        print(f"\n{data}, {cache} cache; the machine: {floor} (load {max(r['load'] for r in mine):.0f})\n")
        names = list(dict.fromkeys(r["program"] for r in mine if r["program"] != MACHINE))
        print("| | " + " | ".join(names) + " |\n|---" * (1) + "|---" * len(names) + "|")
        for phase in dict.fromkeys(r["phase"] for r in mine if r["program"] != MACHINE):
            cells = []
            for name in names:
                row = next((r for r in mine if (r["program"], r["phase"]) == (name, phase)), None)
                cell = "" if row is None else f"{row['wall']} · {row['cpu']} · {row['rss_mib']}"
                if row and name.startswith("lateen"):
                    cell += f" ({row['limit']})"
                cells.append(cell)
            print(f"| {phase} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lateen", required=True)
    parser.add_argument("--restic", default=shutil.which("restic"), help="several, separated by commas")
    parser.add_argument("--kopia")
    parser.add_argument("--lateen-as", default="kopia:off,kopia:fastest,restic:auto", help="format:compression,…")
    parser.add_argument("--only", help="programs whose names begin so")
    parser.add_argument("--sets", default="mix,small,random")
    parser.add_argument("--scale", type=float, default=0.05)
    parser.add_argument("--caches", default="warm", help="cold,warm")
    parser.add_argument("--dir", type=pathlib.Path, default=pathlib.Path("build/bench-repository"))
    parser.add_argument("--json", type=pathlib.Path, help="rows are appended")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    run = Run(options)
    for kind in options.sets.split(","):
        one_set(run, kind, options.dir.absolute())
    if options.json:
        with options.json.open("a") as f:
            f.writelines(json.dumps(row) + "\n" for row in run.rows)
    if options.markdown:
        markdown(run.rows)
    return 1 if any(row["failed"] for row in run.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
