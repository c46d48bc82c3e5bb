#!/usr/bin/env bash
# The sandbox by itself, against the limits that it was given: objects created durably, listed and watched, its memory,
# how fast it starts, and what is left after kill -9.
#   bench/sandbox.sh [--objects N] [--connections N] [--watchers N] [--dir DIR]
# Takes what `cmake --build --preset bench --target lateen lateen_bench` has built. Prints one JSON object.
set -euo pipefail
cd "$(dirname "$0")/.."

objects=100000
connections=32
watchers=200
dir=$PWD/build/bench-sandbox
while [ $# -gt 0 ]; do
  case $1 in
    --objects) objects=$2; shift ;;
    --connections) connections=$2; shift ;;
    --watchers) watchers=$2; shift ;;
    --dir) dir=$(realpath -m "$2"); shift ;;
    *) sed -n '2,5p' "$0" >&2; exit 2 ;;
  esac
  shift
done
lateen=${LATEEN:-$PWD/build/bench/apps/lateen/lateen}
bench=${LATEEN_BENCH:-$PWD/build/bench/bench/lateen_bench}
sandbox=$dir/sandbox
export KUBECONFIG=$sandbox/kubeconfig

rm -rf "$dir"
mkdir -p "$dir"
trap '"$lateen" sandbox reset --dir "$sandbox" >/dev/null 2>&1 || true' EXIT

start() { # prints the milliseconds from the command to its return, which is when the sandbox answers
  local from to
  from=$(date +%s%N)
  "$lateen" sandbox start --dir "$sandbox" --records-only >"$dir/start.out"
  to=$(date +%s%N)
  echo $(((to - from) / 1000000))
}
pid() { "$lateen" sandbox status --dir "$sandbox" | awk '/process:/ { print $2 }'; }

fresh=
for _ in 1 2 3 4 5; do
  "$lateen" sandbox reset --dir "$sandbox" >/dev/null
  took=$(start)
  fresh="$fresh $took"
done
"$bench" cluster "$objects" "$connections" "$watchers" >"$dir/cluster.json"
process=$(pid)
peak=$(awk '/^VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/$process/status")
cpu=$(awk -v hz="$(getconf CLK_TCK)" '{ printf "%.2f", ($14 + $15) / hz }' "/proc/$process/stat")
kill -9 "$process"
restart=$(start)
left=$(kubectl get configmaps -A -l app=bench --chunk-size=5000 --no-headers | wc -l)
jq -c --arg fresh "$fresh" --argjson peak "$peak" --argjson cpu "$cpu" --argjson restart "$restart" --argjson left "$left" \
  '. + {startMs: ($fresh | split(" ") | map(select(. != "") | tonumber)), restartMs: $restart, peakMiB: $peak, cpuSeconds: $cpu,
        configMapsAfterKill: $left}' "$dir/cluster.json"
