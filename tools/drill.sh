#!/usr/bin/env bash
# Lateen's main job on one machine: a sandbox cluster, the bookstore in it, a backup, the namespace destroyed, a
# restore, and every object and every row counted again. Ends with one line, PASS or FAIL.
#   tools/drill.sh [--stop] [--dir DIR]     --stop leaves nothing running; DIR (default build/drill) is made anew
set -euo pipefail
cd "$(dirname "$0")/.."

stop_after=
dir=$PWD/build/drill
while [ $# -gt 0 ]; do
  case $1 in
    --stop) stop_after=1 ;;
    --dir) dir=$(realpath -m "$2"); shift ;;
    *) echo "usage: tools/drill.sh [--stop] [--dir DIR]" >&2; exit 2 ;;
  esac
  shift
done
[ -n "${DRILL_STOP:-}" ] && stop_after=1

lateen=$PWD/build/lateen
sandbox=$dir/sandbox
export KUBECONFIG=$sandbox/kubeconfig
report=$dir/report
started=$(date +%s%N)

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }
seconds_since() { awk -v a="$1" -v b="$(date +%s%N)" 'BEGIN { printf "%.1f", (b - a) / 1e9 }'; }
step() { # NAME COMMAND...: runs, and notes how long it took
  local name=$1 from; shift
  from=$(date +%s%N)
  "$@"
  printf '  %-34s %6s s\n' "$name" "$(seconds_since "$from")" >>"$report"
}

stop_server() {
  [ -s "$dir/server.pid" ] || return 0
  local pid; pid=$(cat "$dir/server.pid")
  if [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$(realpath "$lateen")" ]; then
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  fi
  rm -f "$dir/server.pid"
}
stop_all() { stop_server; "$lateen" sandbox stop --dir "$sandbox" >/dev/null 2>&1 || true; }

verdict() { # PASS|FAIL why
  say "Report"
  cat "$report"
  printf '  %-34s %6s s\n' "the whole drill" "$(seconds_since "$started")"
  if [ -n "$stop_after" ]; then
    stop_all
  else
    cat <<TEXT

The sandbox is still running. Look around:
  export KUBECONFIG=$KUBECONFIG
  kubectl -n bookstore get pods,pvc
  kubectl -n bookstore exec postgres-0 -- psql -h /run/postgresql -U bookstore -c 'SELECT * FROM books LIMIT 3'
  $lateen backup describe bookstore --details
  $lateen restore describe bookstore-restored --details
  tar tzf $dir/bucket/lateen/backups/bookstore/bookstore.tar.gz
Stop it:
  kill \$(cat $dir/server.pid); $lateen sandbox stop --dir $sandbox
TEXT
  fi
  printf '\n%s: %s\n' "$1" "$2"
  [ "$1" = PASS ]
}
fail() { printf '%s\n' "$*" >&2; verdict FAIL "$1"; exit 1; }
trap 'fail "the drill stopped at line $LINENO: see what is printed above, $dir/server.log and $sandbox/sandbox.log"' ERR

in_postgres() { kubectl -n bookstore exec postgres-0 -- psql -h /run/postgresql -U bookstore -d bookstore -qAtc "$1"; }
count_books() { in_postgres "SELECT count(*) || ' books, checksum ' || md5(string_agg(b::text, '' ORDER BY id)) FROM books b"; }

wait_ready() { # every pod of the bookstore is Ready, and there are as many as there should be
  for _ in $(seq 300); do
    [ "$(kubectl -n bookstore get pods -o name 2>/dev/null | wc -l)" -ge 6 ] && break
    sleep 0.2
  done
  kubectl -n bookstore wait --for=condition=Ready pod --all --timeout=90s
}

# Every object of the namespace as its owner wrote it: without what Kubernetes sets anew by itself, and without the
# labels that name the backup and the restore. Pods are Kubernetes' to make; they are waited for instead.
kinds=configmaps,secrets,services,serviceaccounts,deployments,replicasets,statefulsets,persistentvolumeclaims,roles,rolebindings
kinds=$kinds,networkpolicies,poddisruptionbudgets,tenantclaims.platform.bookstore.example
objects() {
  kubectl -n bookstore get "$kinds" -o json | jq -S '[.items[]
    | del(.status, .metadata.uid, .metadata.resourceVersion, .metadata.creationTimestamp, .metadata.generation,
          .metadata.managedFields, .metadata.selfLink, .metadata.finalizers,
          .metadata.labels["velero.io/backup-name"], .metadata.labels["velero.io/restore-name"])
    | if .metadata.ownerReferences then .metadata.ownerReferences |= map(del(.uid)) else . end
    | if .kind == "Service" then del(.spec.clusterIP, .spec.clusterIPs, .spec.ports[]?.nodePort) else . end
    | if .kind == "PersistentVolumeClaim" then
        del(.spec.volumeName, .spec.dataSource, .spec.dataSourceRef)
        | .metadata.annotations |= ((. // {}) | with_entries(select(.key | test("kubernetes.io/") | not)))
      else . end
    | if .kind == "ReplicaSet" then del(.metadata.ownerReferences) else . end
    | if .metadata.labels == {} then del(.metadata.labels) else . end
    | if .metadata.annotations == {} then del(.metadata.annotations) else . end]
    | sort_by(.kind, .metadata.name)'
}

stop_all
rm -rf "$dir"
mkdir -p "$dir/bucket/lateen"
: >"$report"

say "A sandbox cluster"
step "sandbox started" show "$lateen" sandbox start --dir "$sandbox"
show kubectl get nodes,storageclasses

say "Lateen's server"
show "$lateen" install --crds-only
show kubectl create namespace velero
"$lateen" server --metrics-address 127.0.0.1:0 >"$dir/server.log" 2>&1 &
echo $! >"$dir/server.pid"
disown
show "$lateen" backup-location create default --provider filesystem --bucket lateen --config "path=$dir/bucket" --default
show "$lateen" snapshot-location create default --provider filesystem
for _ in $(seq 150); do
  [ "$(kubectl -n velero get backupstoragelocation default -o 'jsonpath={.status.phase}')" = Available ] && break
  kill -0 "$(cat "$dir/server.pid")" 2>/dev/null || fail "the server ended: see $dir/server.log"
  sleep 0.2
done
show "$lateen" backup-location get

say "The bookstore"
show kubectl apply -f examples/bookstore/00-cluster.yaml
show kubectl wait --for=condition=Established crd tenantclaims.platform.bookstore.example --timeout=30s
show kubectl apply -f examples/bookstore
step "bookstore ready" wait_ready
show kubectl apply -f examples/bookstore/backup
show "$lateen" schedule get
before=$(count_books)
echo "PostgreSQL says: $before"
objects >"$dir/objects-before.json"
uid_before=$(kubectl get namespace bookstore -o 'jsonpath={.metadata.uid}')
volume_before=$(kubectl -n bookstore get pvc data-postgres-0 -o 'jsonpath={.spec.volumeName}')

say "Backup"
step "backup" show "$lateen" backup create bookstore --include-namespaces bookstore --snapshot-volumes --wait
show "$lateen" backup get
phase=$(kubectl -n velero get backups.velero.io bookstore -o 'jsonpath={.status.phase}')
[ "$phase" = Completed ] || fail "the backup ended $phase" "$("$lateen" backup describe bookstore --details)"

say "The disaster: the namespace is deleted"
step "namespace deleted" show kubectl delete namespace bookstore --wait
if kubectl get namespace bookstore 2>&1; then fail "the namespace is still there"; fi
for _ in $(seq 100); do # its volume goes a moment later: reclaimPolicy Delete
  kubectl get pv "$volume_before" >/dev/null 2>&1 || break
  sleep 0.2
done
if kubectl get pv "$volume_before" 2>&1; then fail "the volume is still there"; fi

say "Restore"
step "restore" show "$lateen" restore create bookstore-restored --from-backup bookstore --wait
phase=$(kubectl -n velero get restores.velero.io bookstore-restored -o 'jsonpath={.status.phase}')
[ "$phase" = Completed ] || fail "the restore ended $phase" "$("$lateen" restore describe bookstore-restored --details)"
step "bookstore ready again" wait_ready
show kubectl -n bookstore get pods,pvc

say "Is everything there?"
after=$(count_books)
echo "PostgreSQL said: $before"
echo "PostgreSQL says: $after"
[ "$before" = "$after" ] || fail "the rows differ"
[ "$(kubectl get namespace bookstore -o 'jsonpath={.metadata.uid}')" != "$uid_before" ] || fail "the namespace was never deleted"
[ "$(kubectl -n bookstore get pvc data-postgres-0 -o 'jsonpath={.status.phase}')" = Bound ] || fail "the volume claim is not Bound"
[ "$(kubectl -n bookstore get pvc data-postgres-0 -o 'jsonpath={.spec.volumeName}')" != "$volume_before" ] || fail "the volume is the old one"
objects >"$dir/objects-after.json"
diff -u "$dir/objects-before.json" "$dir/objects-after.json" || fail "objects differ (before: -, after: +)"
n=$(jq length "$dir/objects-after.json")
echo "$n objects compared: spec, labels, annotations and data are the same"
echo "  $n objects and $after: the same before and after" >>"$report"

verdict PASS "the bookstore was backed up, destroyed and restored"
