#!/usr/bin/env bash
# What an idle server keeps in memory: after its start-up, and once it has given back what start-up needed.
#   bench/idle.sh [--seconds N] [--dir DIR]
# Takes what `cmake --build --preset bench --target lateen` has built. Prints one JSON object, in MiB.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=60
dir=$PWD/build/bench-idle
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=$2; shift ;;
    --dir) dir=$(realpath -m "$2"); shift ;;
    *) sed -n '2,4p' "$0" >&2; exit 2 ;;
  esac
  shift
done
lateen=${LATEEN:-$PWD/build/bench/apps/lateen/lateen}
sandbox=$dir/sandbox
export KUBECONFIG=$sandbox/kubeconfig

rm -rf "$dir"
mkdir -p "$dir"
server=
stop() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; } || true
  "$lateen" sandbox reset --dir "$sandbox" >/dev/null 2>&1 || true
}
trap stop EXIT

mib() { awk -v field="$1:" '$1 == field { printf "%.1f", $2 / 1024 }' "/proc/$server/status"; }

"$lateen" sandbox start --dir "$sandbox" --records-only >"$dir/start.out"
"$lateen" install --crds-only >/dev/null
kubectl create namespace velero >/dev/null
"$lateen" server --metrics-address 127.0.0.1:0 >"$dir/server.log" 2>&1 &
server=$!
until grep -q "Server started" "$dir/server.log"; do
  kill -0 "$server" || { cat "$dir/server.log" >&2; exit 1; }
  sleep 0.2
done
sleep 5
started=$(mib VmRSS)
sleep "$seconds"
jq -cn --argjson started "$started" --argjson idle "$(mib VmRSS)" --argjson own "$(mib RssAnon)" --argjson seconds "$seconds" \
  '{afterStartMiB: $started, idleMiB: $idle, idleOwnMiB: $own, seconds: $seconds, limitMiB: 20, ofLimit: ($idle / 20)}'
