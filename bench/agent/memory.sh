#!/usr/bin/env bash
# Memory for one volume of very many small files, with the engine's options of the node agent (attributes asked for, an index
# cache on disk, checkpoints): the first backup, unchanged, checked, and restored; each in a control group of its own, which
# ends what needs more. At a quarter of the files as well, to see what grows.
#   bench/agent/memory.sh LATEEN [--files N] [--formats "kopia restic"] [--limit MiB] [--dir DIR] [--keep] [--no-quarter]
# All files have contents of their own (10 to 120 bytes), 1,000 to a folder. Volume and restored files lie in images of ext4 that keep
# such files in their inodes: 300 bytes of disk for each, and as much for its part of the repository. The images are mounted anew for each step,
# so that what the kernel keeps of them counts in the group, too. Needs root. --keep leaves the volume's image for another run.
# Prints for each step: wall, processor time, the peak of its own memory (anonymous, of the group), the peak with all that is mapped,
# and how often the limit was met.
set -euo pipefail
lateen=$(realpath "${1:?usage: bench/agent/memory.sh LATEEN [--files N] …}")
shift
files=2000000
formats=kopia
limit=512
dir=$PWD/build/bench-agent-memory
keep=
quarter=1
while [ $# -gt 0 ]; do
  case $1 in
    --files) files=$2; shift ;;
    --formats) formats=$2; shift ;;
    --limit) limit=$2; shift ;;
    --dir) dir=$(realpath -m "$2"); shift ;;
    --keep) keep=1 ;;
    --no-quarter) quarter= ;;
    *) sed -n '2,11p' "$0" >&2; exit 2 ;;
  esac
  shift
done
export RESTIC_PASSWORD=bench RESTIC_CACHE_DIR=$dir/cache RESTIC_REPOSITORY=$dir/repository
mkdir -p "$dir/volume" "$dir/target"
group= sampler=

# Version 1 or 2 of the kernel's control groups.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  tree=/sys/fs/cgroup limit_file=memory.max own=anon
else
  tree=/sys/fs/cgroup/memory limit_file=memory.limit_in_bytes own=total_rss
fi
leave() {
  [ -z "$sampler" ] || kill "$sampler" 2>/dev/null || true
  [ -z "$group" ] || rmdir "$group" 2>/dev/null || true
  for mounted in volume target; do mountpoint -q "$dir/$mounted" && umount "$dir/$mounted"; done
  if [ -n "$keep" ]; then rm -rf "$dir/repository" "$dir/cache" "$dir/target.img"; else rm -rf "$dir"; fi
}
trap leave EXIT

make_image() { # FILE
  rm -f "$1"
  truncate -s $((files * 4400 + (256 << 20))) "$1"
  mkfs.ext4 -q -F -O inline_data,^has_journal -I 256 -m 0 -N $((files + files / 500 + 1000)) \
    -E nodiscard,lazy_itable_init=1 "$1"
}
attach() { mount -o loop,noinit_itable,noatime "$dir/$1.img" "$dir/$1"; }
attach_anew() { umount "$dir/$1"; attach "$1"; }

generate() { # FROM TO
  python3 - "$dir/volume/v" "$@" <<'PY'
import os, sys
root, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for n in range(first, last):
    if n % 1000 == 0:
        folder = f"{root}/{n // 1000000}/{n // 1000 % 1000}"
        os.makedirs(folder, exist_ok=True)
        parent = os.open(folder, os.O_RDONLY)
    text = (b"%d\n" % (n * 2654435761 % 10**13)) * (1 + n * 7919 % 8)
    fd = os.open(str(n), os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=parent)
    os.write(fd, text)
    os.close(fd)
    if n % 1000 == 999: os.close(parent)
PY
}

sample() { # writes the most of the group's own memory that it has seen
  local most=0 now
  while sleep 0.2; do
    now=$(awk -v key="$own" '$1 == key { print $2 }' "$group/memory.stat")
    if [ "${now:-0}" -gt "$most" ]; then echo "$now" >"$dir/own" && most=$now; fi
  done
}

measured() { # WHAT COMMAND...
  local what=$1 code=0 met
  shift
  sync
  for mounted in volume target; do ! mountpoint -q "$dir/$mounted" || attach_anew "$mounted"; done
  group=$tree/lateen-bench-$$
  mkdir "$group"
  echo $((limit << 20)) >"$group/$limit_file"
  echo 0 >"$dir/own"
  sample &
  sampler=$!
  /usr/bin/time -f '%e %U %S %M' -o "$dir/time" bash -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group" "$@" \
    >"$dir/out" 2>&1 || code=$?
  kill "$sampler" && wait "$sampler" || true
  sampler=
  if [ -f "$group/memory.failcnt" ]; then met=$(cat "$group/memory.failcnt"); else
    met=$(awk '$1 == "max" { print $2 }' "$group/memory.events"); fi
  rmdir "$group"
  group=
  read -r wall user sys kib < <(tail -1 "$dir/time")
  printf '%-8s %-34s %8.1f s  cpu %7.1f s  own %4d MiB  with what is mapped %4d MiB  limit met %d times  %s\n' "$format" "$what" "$wall" \
    "$(echo "$user + $sys" | bc)" $(($(cat "$dir/own") >> 20)) $((kib / 1024)) "$met" \
    "$([ $code = 0 ] || echo "ENDED WITH $code: $(tail -n 1 "$dir/out")")"
}

if ! [ -f "$dir/volume.img" ] || ! [ -f "$dir/made" ]; then
  make_image "$dir/volume.img"
  echo 0 >"$dir/made"
fi
attach volume
counts="$((files / 4)) $files"
[ -n "$quarter" ] || counts=$files
for count in $counts; do
  made=$(cat "$dir/made")
  half=$(((made + count) / 2 / 1000 * 1000))
  generate "$made" "$half" &
  generate "$half" "$count"
  wait $!
  echo "$count" >"$dir/made"
  for format in $formats; do
    rm -rf "$dir/repository" "$dir/cache"
    "$lateen" repo init --format "$format" >/dev/null
    measured "$count files, first backup" "$lateen" repo backup --with-xattrs "$dir/volume/v"
    measured "$count files, unchanged" "$lateen" repo backup --with-xattrs "$dir/volume/v"
    measured "$count files, check" "$lateen" repo check
    measured "$count files, check --read-data" "$lateen" repo check --read-data
    make_image "$dir/target.img"
    attach target
    measured "$count files, restore" "$lateen" repo restore latest --target "$dir/target"
    restored=$(df --output=iused "$dir/target" | tail -n 1)
    umount "$dir/target"
    rm -f "$dir/target.img"
    [ "$restored" -ge "$count" ] || echo "only $restored files are there"
  done
done
