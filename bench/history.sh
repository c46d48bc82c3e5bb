#!/usr/bin/env bash
# `lateen history`, `diff` and `undelete` over many large backups in a local S3 server, against reading the tarballs.
#   bench/history.sh [--backups 100] [--objects 50000] [--rounds 3] [--dir DIR]
# A sandbox gets the objects (lateen_bench load) and is backed up three times; the backups are then hard links of these
# under other names, served by bench/s3_folder.py, so that they are small on disk. Made once in DIR; what runs is stopped here, by
# process id. Prints a JSON line for each figure. Needs jq, kubectl, curl, tar. LATEEN and LATEEN_BENCH name the programs.
set -euo pipefail
cd "$(dirname "$0")/.."

backups=100
objects=50000
rounds=3
dir=$PWD/build/bench-history
while [ $# -gt 0 ]; do
  case $1 in
    --backups) backups=$2 ;;
    --objects) objects=$2 ;;
    --rounds) rounds=$2 ;;
    --dir) dir=$(realpath -m "$2") ;;
    *) sed -n '2,7p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done
lateen=${LATEEN:-$PWD/build/bench/apps/lateen/lateen}
bench=${LATEEN_BENCH:-$PWD/build/bench/bench/lateen_bench}
mkdir -p "$dir"
figures=$dir/figures.jsonl
sandbox=$dir/sandbox
export KUBECONFIG=$sandbox/kubeconfig
server= folder=

stop_one() { # PID
  [ -n "$1" ] || return 0
  kill "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
stop_all() {
  stop_one "$server"
  stop_one "$folder"
  "$lateen" sandbox stop --dir "$sandbox" >/dev/null 2>&1 || true
}
trap stop_all EXIT
say() { printf '%s\n' "$*" >&2; }
now() { date +%s%N; }
# The object that is looked for is `watched` in namespace `history`: three versions, and one that is gone.
change() { kubectl -n history create configmap watched --from-literal=version="$1" --dry-run=client -o yaml | kubectl apply -f - >/dev/null; }

make_originals() {
  rm -rf "$dir/origin" "$sandbox"
  mkdir -p "$dir/origin/lateen"
  "$lateen" sandbox start --dir "$sandbox" --records-only >"$dir/sandbox.out" 2>&1
  "$lateen" install --crds-only >/dev/null
  kubectl create namespace velero >/dev/null
  kubectl create namespace history >/dev/null
  "$bench" load "$objects" 8 >/dev/null
  kubectl -n history create configmap doomed --from-literal=a=b >/dev/null
  "$lateen" server --metrics-address 127.0.0.1:0 >"$dir/server.log" 2>&1 &
  server=$!
  "$lateen" backup-location create default --provider filesystem --bucket lateen --config path="$dir/origin" --default >/dev/null
  # The controllers settle meanwhile: what they change is not what is measured.
  "$lateen" backup create settle --snapshot-volumes=false --wait >/dev/null
  for i in 1 2 3; do
    change "$i"
    "$lateen" backup create "origin-$i" --snapshot-volumes=false --wait >/dev/null
    [ "$i" != 2 ] || kubectl -n history delete configmap doomed >/dev/null
  done
  stop_one "$server"
  server=
}

# Named b-001 …: a third of them of each original.
link_copies() {
  rm -rf "$dir/bucket"
  mkdir -p "$dir/bucket/lateen/backups"
  for n in $(seq -f %03g 1 "$backups"); do
    local i=$(((10#$n - 1) * 3 / backups + 1)) from to name
    name=b-$n from=$dir/origin/lateen/backups/origin-$i to=$dir/bucket/lateen/backups/b-$n
    mkdir "$to"
    for file in "$from"/origin-*; do ln "$file" "$to/${file##*/}" && mv "$to/${file##*/}" "$to/$name${file##*/origin-$i}"; done
    jq --arg name "$name" --arg at "$(date -u -d "2026-01-01 + $((10#$n)) days" +%FT%TZ)" \
      'del(.metadata.uid, .metadata.resourceVersion) | .metadata.name = $name | .spec.storageLocation = "s3" | .status.startTimestamp = $at' \
      <"$from/velero-backup.json" >"$to/velero-backup.json"
  done
  "$lateen" backup delete --all --confirm >/dev/null 2>&1 || true
  kubectl -n velero delete backups.velero.io --all >/dev/null
  jq -s '{apiVersion: "v1", kind: "List", items: .}' "$dir"/bucket/lateen/backups/*/velero-backup.json | kubectl create -f - >/dev/null
}

serve() {
  rm -f "$dir/port"
  python3 bench/s3_folder.py "$dir/bucket" "$dir/port" &
  folder=$!
  until [ -s "$dir/port" ]; do kill -0 "$folder"; done
  endpoint=http://127.0.0.1:$(cat "$dir/port")
  kubectl -n velero delete backupstoragelocations.velero.io s3 >/dev/null 2>&1 || true
  kubectl -n velero delete secret cloud >/dev/null 2>&1 || true
  kubectl -n velero create secret generic cloud --from-literal=cloud=$'[default]\naws_access_key_id=id\naws_secret_access_key=key\n' >/dev/null
  "$lateen" backup-location create s3 --provider aws --bucket lateen --credential cloud=cloud \
    --config region=us-east-1,s3Url="$endpoint",s3ForcePathStyle=true >/dev/null
}

timed() { # WHAT EXPECTED-EXIT COMMAND...
  local what=$1 expected=$2 begin end before after code=0
  shift 2
  before=$(curl -s "$endpoint/-/count")
  begin=$(now)
  /usr/bin/time -f '%U %S %M' -o "$dir/time" "$@" >"$dir/out" 2>"$dir/err" || code=$?
  end=$(now)
  after=$(curl -s "$endpoint/-/count")
  [ "$code" = "$expected" ] || { say "$what: exit code $code"; cat "$dir/out" "$dir/err" >&2; exit 1; }
  tail -n 1 "$dir/time" | jq -Rc --arg what "$what" --argjson wall "$(awk -v a="$begin" -v b="$end" 'BEGIN { printf "%.3f", (b - a) / 1e9 }')" \
    --argjson requests "$((after - before - 1))" --argjson backups "$backups" --argjson objects "$objects" \
    'split(" ") | {what: $what, wall: $wall, user: (.[0] | tonumber), sys: (.[1] | tonumber), maxKiB: (.[2] | tonumber), requests: $requests,
      backups: $backups, objects: $objects}' | tee -a "$figures"
}

# The peer: what one does without an index, for the first ten backups.
read_tarballs() {
  for n in $(seq -f %03g 1 10); do
    curl -s "$endpoint/lateen/backups/b-$n/b-$n.tar.gz" | tar xzO resources/configmaps/namespaces/history/watched.json
  done
}

# What was made before is used again.
if [ -d "$dir/origin/lateen/backups/origin-3" ] && [ "$(cat "$dir/made" 2>/dev/null)" = "$objects $backups" ]; then
  "$lateen" sandbox start --dir "$sandbox" --records-only >"$dir/sandbox.out" 2>&1
else
  say "== making $objects objects and three backups of them"
  make_originals
  say "== linking $backups backups"
  link_copies
  echo "$objects $backups" >"$dir/made"
fi
serve
: >"$figures"
export -f read_tarballs
export endpoint backups
for round in $(seq "$rounds"); do
  say "== round $round"
  timed history 0 "$lateen" history configmap/watched -n history
  timed "undelete (planned)" 0 "$lateen" undelete configmap/doomed -n history --dry-run
  timed "diff of two backups" 1 "$lateen" diff b-001 "$(printf b-%03d "$backups")"
  timed "diff with the cluster" 1 "$lateen" diff b-001 live
  timed "ten tarballs read through" 0 bash -c read_tarballs
done
jq -rs 'group_by(.what) | map({what: .[0].what, wall: (map(.wall) | sort | .[length / 2 | floor]), requests: .[0].requests})
  | (.[] | select(.what == "ten tarballs read through") | .wall) as $ten | .[]
  | "\(.what): \(.wall) s, \(.requests) requests" + if .what == "history" then ", 1/\($ten * '"$backups"' / 10 / .wall | floor) of reading all tarballs" else "" end' "$figures" >&2
