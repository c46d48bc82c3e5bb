#!/usr/bin/env python3
"""Repositories on S3 with every request held back for 30 ms: backup, incremental backup, rescan, restore and check by Lateen and
its peers, one after the other, through the same proxy to the same server. Prints wall and CPU time, the requests and the bytes of each.

  AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… bench/repository/s3_delay.py http://127.0.0.1:PORT --lateen build/release/apps/lateen/lateen
      [--restic /usr/bin/restic] [--kopia PATH] [--delay 0.03] [--scale 0.05] [--sets mix,small] [--formats kopia,restic]
      [--dir DIR] [--show]

The server is yours, on this machine, best with its data in memory. One bucket per program and data set is made with aws-cli.
restore* is one without a cache, as on another machine. --show prints every request."""
import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import data_sets  # noqa: E402
from delay_proxy import DelayProxy  # noqa: E402

PASSWORD = "bench"


class Restic:
    """Of restic's command line: restic itself and `lateen repo`."""

    def __init__(self, name, words, repository, cache):
        self.name, self.words, self.cache = name, words, cache
        self.env = {"RESTIC_PASSWORD": PASSWORD, "RESTIC_REPOSITORY": repository, "RESTIC_CACHE_DIR": str(cache)}

    def init(self):
        return [*self.words, "init"] + getattr(self, "of_init", [])

    def backup(self, tree):
        return [*self.words, "backup", str(tree)]

    def restore(self, tree, target):
        return [*self.words, "restore", "latest", "--target", str(target)]

    def check(self):
        return [*self.words, "check", "--read-data"]


class Kopia:
    def __init__(self, path, endpoint, bucket, cache):
        self.name, self.cache, self.endpoint, self.bucket = "kopia", cache, endpoint, bucket
        self.env = {"KOPIA_PASSWORD": PASSWORD, "KOPIA_CHECK_FOR_UPDATES": "false"}
        self.base = [path, f"--config-file={cache}-config", "--no-progress"]

    def init(self):
        create = [*self.base, "repository", "create", "s3", f"--bucket={self.bucket}", f"--endpoint={self.endpoint}",
                  "--disable-tls", f"--cache-directory={self.cache}", "--region=us-east-1"]
        policy = [*self.base, "policy", "set", "--global", "--compression=zstd-fastest"]
        return ["python3", "-c", "import subprocess,sys,json\nfor c in json.loads(sys.argv[1]): subprocess.run(c, check=True)",
                json.dumps([create, policy])]

    def backup(self, tree):
        return [*self.base, "snapshot", "create", str(tree)]

    def restore(self, tree, target):
        find = ("import subprocess,sys,json\nb=json.loads(sys.argv[1])\n"
                "last=json.loads(subprocess.run(b+['snapshot','list','--json',sys.argv[2]],check=True,capture_output=True).stdout)[-1]\n"
                "sys.exit(subprocess.run(b+['snapshot','restore',last['id'],sys.argv[3]]).returncode)")
        return ["python3", "-c", find, json.dumps(self.base), str(tree), str(target)]

    def check(self):
        return [*self.base, "snapshot", "verify", "--verify-files-percent=100"]


def run(proxy, options, rows, program, data, phase, command):
    proxy.take_counts()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    done = subprocess.run(command, env={**os.environ, **program.env}, capture_output=True, text=True)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    counts = proxy.take_counts()
    up, down = counts.pop("up", 0), counts.pop("down", 0)
    row = {"program": program.name, "data": data, "phase": phase, "wall": round(wall, 2), "cpu": round(cpu, 2), "requests": sum(counts.values()),
           "by_method": counts, "up_mib": round(up / 2**20, 1), "down_mib": round(down / 2**20, 1), "failed": done.returncode != 0}
    rows.append(row)
    print(f"{program.name:16} {data:6} {phase:12} {wall:7.2f} s  cpu {cpu:6.2f} s {row['requests']:6} requests {row['up_mib']:8} MiB up "
          f"{row['down_mib']:8} down  {' '.join(f'{k} {v}' for k, v in sorted(counts.items()))}"
          + ("  FAILED" if row["failed"] else ""), flush=True)
    if options.show:
        print("\n".join("    " + line for line in proxy.last))
    if row["failed"]:
        print(done.stderr[-600:], file=sys.stderr)


def programs(options, proxy, base, data):
    made = []
    for kind in [k for k in options.formats.split(",") if k]:
        one = Restic(f"lateen ({kind})", [options.lateen, "repo"], f"s3:{proxy.url}/lateen-{kind}-{data}",
                     base / f"cache-lateen-{kind}")
        one.of_init, one.bucket = ["--format", kind], f"lateen-{kind}-{data}"
        made.append(one)
    if options.restic:
        one = Restic("restic", [options.restic], f"s3:{proxy.url}/restic-{data}", base / "cache-restic")
        one.bucket = f"restic-{data}"
        made.append(one)
    if options.kopia:
        made.append(Kopia(options.kopia, proxy.url.removeprefix("http://"), f"kopia-{data}", base / "cache-kopia"))
    return made


def make_bucket(options, bucket):
    """Empty, whatever an earlier run left."""
    aws = [options.aws, "--endpoint-url", options.endpoint, "s3"]
    subprocess.run([*aws, "rb", "--force", f"s3://{bucket}"], capture_output=True)
    made = subprocess.run([*aws, "mb", f"s3://{bucket}"], capture_output=True, text=True)
    if made.returncode != 0:
        sys.exit(f"bucket {bucket} could not be made: {made.stderr}")


def one_set(options, proxy, rows, data):
    base = options.dir.absolute()
    source = base / "data" / data
    data_sets.make(data, source, options.scale)
    tree = source / "tree"
    scratch = base / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    peers = programs(options, proxy, scratch, data)
    for p in peers:
        make_bucket(options, p.bucket)
        run(proxy, options, rows, p, data, "init", p.init())
        run(proxy, options, rows, p, data, "backup", p.backup(tree))
    for p in peers:
        run(proxy, options, rows, p, data, "rescan", p.backup(tree))
    if data == "mix":
        data_sets.next_day(tree)
    else:
        (tree / "one-more.txt").write_text("a new file\n")
    (source / ".complete").unlink()  # it is another set now: made anew next time
    for p in peers:
        run(proxy, options, rows, p, data, "incremental", p.backup(tree))
    for i, p in enumerate(peers):
        run(proxy, options, rows, p, data, "restore", p.restore(tree, scratch / f"restored{i}"))
        shutil.rmtree(p.cache, ignore_errors=True)  # as on another machine
        if not isinstance(p, Kopia):
            run(proxy, options, rows, p, data, "restore*", p.restore(tree, scratch / f"elsewhere{i}"))
    for p in peers:
        run(proxy, options, rows, p, data, "check", p.check())
    shutil.rmtree(source, ignore_errors=True)
    shutil.rmtree(scratch, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("endpoint")
    parser.add_argument("--lateen", required=True)
    parser.add_argument("--restic", default=shutil.which("restic"))
    parser.add_argument("--kopia")
    parser.add_argument("--aws", default="aws")
    parser.add_argument("--formats", default="kopia,restic")
    parser.add_argument("--sets", default="mix,small")
    parser.add_argument("--delay", type=float, default=0.03)
    parser.add_argument("--scale", type=float, default=0.05)
    parser.add_argument("--dir", type=pathlib.Path, default=pathlib.Path("build/bench-s3-delay"))
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("AWS_REGION", "us-east-1")
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    proxy, rows = DelayProxy(options.endpoint, options.delay), []
    for data in options.sets.split(","):
        one_set(options, proxy, rows, data)
    if options.json:
        options.json.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return 1 if any(row["failed"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
