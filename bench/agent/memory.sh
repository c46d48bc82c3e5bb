#!/usr/bin/env bash
# Peak memory of saving one volume of very many small files, with the engine's options of the node agent (attributes asked for, an
# index cache on disk, checkpoints), and of the same volume unchanged; at a quarter of the files as well, to see what grows.
#   bench/agent/memory.sh LATEEN [--files N] [--formats "kopia restic"] [--dir DIR]
# All files have contents of their own (32 bytes to 2 KiB), 1,000 to a folder. DIR needs N inodes and 6 KiB for each.
set -euo pipefail
lateen=$(realpath "${1:?usage: bench/agent/memory.sh LATEEN [--files N] [--formats …] [--dir DIR]}")
shift
files=2000000
formats=kopia
dir=$PWD/build/bench-agent-memory
while [ $# -gt 0 ]; do
  case $1 in
    --files) files=$2 ;;
    --formats) formats=$2 ;;
    --dir) dir=$(realpath -m "$2") ;;
    *) sed -n '2,5p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done
export RESTIC_PASSWORD=bench RESTIC_CACHE_DIR=$dir/cache
mkdir -p "$dir"

generate() { # FOLDER FROM TO
  python3 - "$@" <<'PY'
import os, sys
root, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for n in range(first, last):
    if n % 1000 == 0:
        folder = f"{root}/{n // 1000000}/{n // 1000 % 1000}"
        os.makedirs(folder, exist_ok=True)
        parent = os.open(folder, os.O_RDONLY)
    text = (b"%d\n" % (n * 2654435761)) * (1 + n * 7919 % 100)
    fd = os.open(str(n), os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=parent)
    os.write(fd, text)
    os.close(fd)
    if n % 1000 == 999: os.close(parent)
PY
}

measured() { # WHAT COMMAND...
  local what=$1
  shift
  /usr/bin/time -f '%e %U %S %M' -o "$dir/time" "$@" >"$dir/out" 2>&1
  read -r wall user sys kib < <(tail -1 "$dir/time")
  printf '%-8s %-32s %8.1f s  cpu %7.1f s  %5d MiB\n' "$format" "$what" "$wall" \
    "$(echo "$user + $sys" | bc)" $((kib / 1024))
}

made=0
for count in $((files / 4)) "$files"; do
  generate "$dir/volume" "$made" "$count"
  made=$count
  for format in $formats; do
    rm -rf "$dir/repository" "$dir/cache"
    export RESTIC_REPOSITORY=$dir/repository
    "$lateen" repo init --format "$format" >/dev/null
    attributes=()
    if "$lateen" repo backup --help 2>&1 | grep -q with-xattrs; then attributes=(--with-xattrs); fi
    measured "$count files, first backup" "$lateen" repo backup "${attributes[@]}" "$dir/volume"
    measured "$count files, unchanged" "$lateen" repo backup "${attributes[@]}" "$dir/volume"
  done
done
rm -rf "$dir"
