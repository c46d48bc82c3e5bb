#!/usr/bin/env bash
# Peak memory and time of what goes through the whole index of a repository, with ten million contents in 1 TB of packs.
#   bench/repository/scale.sh LATEEN HUGE_INDEX [--contents N] [--formats "kopia restic"] [--dir DIR]
# LATEEN is the program, HUGE_INDEX the one that bench/CMakeLists.txt builds. The packs are holes: they take no room, and what
# reads data is not measured. DIR needs 3 GB.
set -euo pipefail
lateen=$(realpath "${1:?usage: bench/repository/scale.sh LATEEN HUGE_INDEX}")
huge_index=$(realpath "$2")
shift 2
contents=10000000
formats="kopia restic"
dir=$PWD/build/bench-scale
while [ $# -gt 0 ]; do
  case $1 in
    --contents) contents=$2 ;;
    --formats) formats=$2 ;;
    --dir) dir=$(realpath -m "$2") ;;
    *) sed -n '2,5p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done
export RESTIC_PASSWORD=bench RESTIC_CACHE_DIR=$dir/cache
mkdir -p "$dir/few"
for i in 1 2 3; do head -c 100000 /dev/urandom >"$dir/few/$i"; done

measured() { # WHAT COMMAND...
  local what=$1 code=0
  shift
  /usr/bin/time -f '%e %U %S %M' -o "$dir/time" "$@" >"$dir/out" 2>&1 || code=$?
  read -r wall user sys kib < <(tail -1 "$dir/time")
  printf '%-8s %-34s %8.2f s  cpu %7.2f s  %5d MiB  exit %d\n' "$format" "$what" "$wall" \
    "$(echo "$user + $sys" | bc)" $((kib / 1024)) "$code"
}

for format in $formats; do
  rm -rf "$dir/repo" "$dir/cache"
  "$huge_index" "$format" "$dir/repo" "$contents" 200 100000
  export RESTIC_REPOSITORY=$dir/repo
  measured "backup of 3 files, no cache yet" "$lateen" repo backup "$dir/few"
  measured "the same again" "$lateen" repo backup "$dir/few"
  measured "restore of them" "$lateen" repo restore latest --target "$dir/back"
  measured "check of index and packs' sizes" "$lateen" repo check
  measured "prune, planned only" "$lateen" repo prune --dry-run
  rm -rf "$dir/back"
done
rm -rf "$dir"
