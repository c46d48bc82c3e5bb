#!/usr/bin/env bash
# Measures what bench/README.md claims, against plain peers on the same sandbox, and prints the ratios.
#   bench/run.sh [--objects N] [--small N] [--secrets N] [--rounds N] [--dir DIR] [--no-build]
# Raw figures go to DIR/figures.jsonl (default build/bench-run), one JSON object a line. Everything that is started
# here is stopped here, by its process id.
set -euo pipefail
cd "$(dirname "$0")/.."

objects=50000
small=10000
secrets=31000
rounds=3
dir=$PWD/build/bench-run
build=1
while [ $# -gt 0 ]; do
  case $1 in
    --objects) objects=$2; shift ;;
    --small) small=$2; shift ;;
    --secrets) secrets=$2; shift ;;
    --rounds) rounds=$2; shift ;;
    --dir) dir=$(realpath -m "$2"); shift ;;
    --no-build) build= ;;
    *) sed -n '2,4p' "$0" >&2; exit 2 ;;
  esac
  shift
done

if [ -n "$build" ]; then
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  mkdir -p build
  cmake --preset bench >build/bench-configure.log 2>&1 || { cat build/bench-configure.log >&2; exit 1; }
  cmake --build --preset bench -j "${JOBS:-$(nproc)}" --target lateen lateen_bench
fi
lateen=${LATEEN:-$PWD/build/bench/apps/lateen/lateen}
bench=${LATEEN_BENCH:-$PWD/build/bench/bench/lateen_bench}
# What the server uses by itself: a restore 4 connections a processor, a backup 2.
restore_connections=$((4 * $(nproc)))
backup_connections=$((2 * $(nproc)))

rm -rf "$dir"
mkdir -p "$dir"
figures=$dir/figures.jsonl
: >"$figures"
sandbox=$dir/sandbox
export KUBECONFIG=$sandbox/kubeconfig
server=

stop_server() {
  [ -n "$server" ] || return 0
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=
}
stop_all() {
  stop_server
  cp "$sandbox/sandbox.log" "$dir/" 2>/dev/null || true # the last one's, to see what went wrong
  "$lateen" sandbox reset --dir "$sandbox" >/dev/null 2>&1 || true
}
trap stop_all EXIT

say() { printf '%s\n' "$*" >&2; }
now() { date +%s%N; }
seconds() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", (b - a) / 1e9 }'; }
cpu_of() { awk -v hz="$(getconf CLK_TCK)" '{ printf "%.2f", ($14 + $15) / hz }' "/proc/$1/stat"; }
peak_of() { awk '/^VmHWM/ { printf "%.1f", $2 / 1024 }' "/proc/$1/status"; }
sandbox_pid() { "$lateen" sandbox status --dir "$sandbox" | awk '/process:/ { print $2 }'; }
note() { jq -c "$@" >>"$figures"; tail -n 1 "$figures" >&2; }

start_cluster() { # an empty one
  stop_all
  "$lateen" sandbox start --dir "$sandbox" --records-only >"$dir/sandbox.out" 2>&1
  api=$(sandbox_pid)
  "$lateen" install --crds-only >/dev/null
  kubectl create namespace velero >/dev/null
}

start_server() { # BUCKET
  mkdir -p "$1/lateen"
  "$lateen" server --metrics-address 127.0.0.1:0 --backup-sync-period 5s >"$dir/server.log" 2>&1 &
  server=$!
  kubectl -n velero get backupstoragelocations.velero.io default >/dev/null 2>&1 ||
    "$lateen" backup-location create default --provider filesystem --bucket lateen --config "path=$1" --default >/dev/null
  wait_for Available backupstoragelocations.velero.io default
}

wait_for() { # PHASE RESOURCE NAME
  local phase=
  for _ in $(seq 600); do
    phase=$(kubectl -n velero get "$2" "$3" -o 'jsonpath={.status.phase}' 2>/dev/null || true)
    [ "$phase" = "$1" ] && return 0
    kill -0 "$server" 2>/dev/null || { say "the server ended: see $dir/server.log"; exit 1; }
    sleep 0.1
  done
  say "$2 $3 is '$phase', not $1: see $dir/server.log"
  exit 1
}

namespaces=$(seq -s, -f 'bench-%02g' 20)

measure() { # WHAT SIZE COMMAND...: runs it beside the server; its seconds, and what server and API server used
  local what=$1 size=$2 from to server_before=0 api_before
  shift 2
  api_before=$(cpu_of "$api")
  [ -z "$server" ] || server_before=$(cpu_of "$server")
  from=$(now)
  # A backup or restore that ended otherwise than Completed says so in its phase.
  "$@" >"$dir/command.out" 2>&1 || [ "$what" = backup ] || [[ $what == restore* ]] || { cat "$dir/command.out" >&2; exit 1; }
  to=$(now)
  printf '{"what":"%s","size":%s,"wall":%s,"apiCpu":%s,"serverCpu":%s,"serverPeakMiB":%s}' "$what" "$size" \
    "$(seconds "$from" "$to")" \
    "$(awk -v a="$api_before" -v b="$(cpu_of "$api")" 'BEGIN { print b - a }')" \
    "$([ -z "$server" ] && echo 0 || awk -v a="$server_before" -v b="$(cpu_of "$server")" 'BEGIN { print b - a }')" \
    "$([ -z "$server" ] && echo 0 || peak_of "$server")" >"$dir/measured.json"
}

settle() { # until the controllers have caught up with what was created: what they do is nobody's to pay for
  local before after
  for _ in $(seq 60); do
    before=$(cpu_of "$api")
    sleep 1
    after=$(cpu_of "$api")
    awk -v a="$before" -v b="$after" 'BEGIN { exit !(b - a < 0.05) }' && return 0
  done
}

post_peer() { # SIZE [secrets]: leaves the cluster filled
  measure "post${2:+-$2}" "$1" "$bench" load "$1" "$restore_connections" "${@:2}"
  note -s '.[0] + {post: .[1]}' "$dir/measured.json" "$dir/command.out"
}

backups() { # SIZE
  local size=$1 name
  for round in $(seq "$rounds"); do
    measure pages "$size" "$bench" pages "$backup_connections"
    note -s '.[0] + {pages: .[1]}' "$dir/measured.json" "$dir/command.out"
    stop_server
    start_server "$dir/bucket-$size"
    name=bench-$size-$round
    measure backup "$size" "$lateen" backup create "$name" --include-namespaces "$namespaces" --snapshot-volumes=false --wait
    kubectl -n velero get backups.velero.io "$name" -o json >"$dir/object.json"
    note -s '.[0] + (.[1].status | {phase, items: .progress.itemsBackedUp, startTimestamp, completionTimestamp})' \
      "$dir/measured.json" "$dir/object.json"
  done
}

start_ups() {
  "$bench" startup 40 "$lateen version --client-only" "$lateen backup get" "kubectl -n velero get backups.velero.io" \
    "kubectl version --client" ${BENCH_VELERO:+"$BENCH_VELERO backup get"} >"$dir/command.out"
  note '{what: "startup"} + .' "$dir/command.out"
}

restore() { # SIZE ROUND [secrets]: into an empty cluster
  local size=$1 name=restored-$1-$2 what=restore${3:+-$3}
  start_cluster
  start_server "$dir/bucket-$size"
  wait_for Completed backups.velero.io "bench-$size-1"
  stop_server
  start_server "$dir/bucket-$size"
  measure "$what" "$size" "$lateen" restore create "$name" --from-backup "bench-$size-1" --wait
  kubectl -n velero get restores.velero.io "$name" -o json >"$dir/object.json"
  note -s '.[0] + (.[1].status | {phase, items: .progress.itemsRestored, warnings, errors, startTimestamp, completionTimestamp})' \
    "$dir/measured.json" "$dir/object.json"
}

main() { # read whole before it runs: an edit meanwhile changes nothing
  say "micro"
  "$bench" micro >"$dir/command.out"
  note '{what: "micro"} + .' "$dir/command.out"

  for size in "$small" "$objects"; do
    say "$size objects"
    start_cluster
    post_peer "$size"
    start_server "$dir/bucket-$size"
    settle
    backups "$size"
    [ "$size" = "$objects" ] && start_ups
    restore "$size" 1
    if [ "$size" = "$objects" ]; then
      for round in $(seq 2 "$rounds"); do
        start_cluster
        post_peer "$size"
        restore "$size" "$round"
      done
    fi
  done
  if [ "$secrets" -gt 0 ]; then # nothing but Secrets, as in the restores that Velero's users wait for
    say "$secrets Secrets"
    for round in $(seq "$rounds"); do
      start_cluster
      post_peer "$secrets" secrets
      if [ "$round" = 1 ]; then
        start_server "$dir/bucket-$secrets"
        "$lateen" backup create "bench-$secrets-1" --include-namespaces "$namespaces" --snapshot-volumes=false --wait >&2
      fi
      restore "$secrets" "$round" secrets
    done
  fi
  stop_all

  say ""
  jq -rsf bench/ratios.jq "$figures"
}
main
exit
