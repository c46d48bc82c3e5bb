#!/usr/bin/env bash
# A hundred volumes of mixed size saved by one backup through the node agent, against the engine alone: one process that saves the
# same folders into a repository of the same kind, in the same bucket, with the same cores.
#   bench/agent/volumes.sh LATEEN [--volumes 100] [--large-mib 200] [--format kopia|restic] [--concurrency N] [--dir DIR]
# Of ten volumes one holds a large file, four 1,000 small ones, the rest one file. Twice: the first backup, and then unchanged.
# --concurrency is loadConcurrency of the agent's ConfigMap (Velero's default: 1). Needs kubectl, jq. What runs is stopped here, by process id.
# Prints a JSON line for each round: wall seconds of `lateen backup create --wait` and of the engine alone, their CPU seconds.
set -euo pipefail
lateen=$(realpath "${1:?usage: bench/agent/volumes.sh LATEEN [--volumes N] …}")
shift
volumes=100
large=200
format=kopia
concurrency=1
dir=$PWD/build/bench-agent-volumes
while [ $# -gt 0 ]; do
  case $1 in
    --volumes) volumes=$2 ;;
    --large-mib) large=$2 ;;
    --format) format=$2 ;;
    --concurrency) concurrency=$2 ;;
    --dir) dir=$(realpath -m "$2") ;;
    *) sed -n '2,8p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done
sandbox=$dir/sandbox
export KUBECONFIG=$sandbox/kubeconfig RESTIC_CACHE_DIR=$dir/cache-alone
server= agent=

stop_one() { # PID
  [ -n "$1" ] || return 0
  kill "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
stop_all() {
  stop_one "$agent"
  stop_one "$server"
  "$lateen" sandbox reset --dir "$sandbox" >/dev/null 2>&1 || true
  rm -rf "$dir/bucket" "$dir/cache" "$dir/cache-alone"
}
trap stop_all EXIT
now() { date +%s%N; }
cpu_of() { awk -v hz="$(getconf CLK_TCK)" '{ printf "%.2f", ($14 + $15) / hz }' "/proc/$1/stat"; }
said() { # PID LOG WORDS: waits until a program has said so
  until grep -q "$3" "$2"; do kill -0 "$1" || { tail -n 20 "$2" >&2; exit 1; }; sleep 0.1; done
}

start_all() {
  rm -rf "$dir"
  mkdir -p "$dir/bucket/lateen"
  "$lateen" sandbox start --dir "$sandbox" >"$dir/sandbox.out" 2>&1
  "$lateen" install --crds-only >/dev/null
  kubectl create namespace velero >/dev/null
  kubectl -n velero create configmap agent --from-literal=config='{"loadConcurrency": {"globalConfig": '"$concurrency"'}}' >/dev/null
  "$lateen" server --metrics-address 127.0.0.1:0 --uploader-type "$format" >"$dir/server.log" 2>&1 &
  server=$!
  said $server "$dir/server.log" "Server started"
  "$lateen" backup-location create default --provider filesystem --bucket lateen --config path="$dir/bucket" --default >/dev/null
  "$lateen" node-agent server --node-name sandbox --host-pods "$sandbox/pods" --metrics-address 127.0.0.1:0 \
    --cache-dir "$dir/cache" --node-agent-configmap agent >"$dir/agent.log" 2>&1 &
  agent=$!
  said $agent "$dir/agent.log" "Node agent started"
}

make_pods() {
  kubectl create namespace shop >/dev/null
  for n in $(seq "$volumes"); do
    jq -n --arg name "v$n" '{apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: {$name, namespace: "shop"},
      spec: {storageClassName: "sandbox-efs", accessModes: ["ReadWriteMany"], resources: {requests: {storage: "1Gi"}}}}'
    jq -n --arg name "v$n" '{apiVersion: "v1", kind: "Pod", metadata: {$name, namespace: "shop"},
      spec: {terminationGracePeriodSeconds: 0, volumes: [{name: "data", persistentVolumeClaim: {claimName: $name}}],
        containers: [{name: "main", image: "busybox", command: ["/bin/sleep", "100000"], volumeMounts: [{name: "data", mountPath: "/data"}]}]}}'
  done | kubectl apply -f - >/dev/null
  kubectl -n shop wait --for=condition=Ready pods --all --timeout=300s >/dev/null
}

fill() {
  kubectl get pv -o json | jq -r '.items[] | "\(.spec.claimRef.name) \(.spec.csi.volumeHandle)"' |
    while read -r claim handle; do echo "${claim#v} $sandbox/volumes/$handle/data"; done | sort -n >"$dir/folders"
  python3 - "$large" "$dir/folders" <<'PY'
import os, random, sys
large = int(sys.argv[1])
for line in open(sys.argv[2]):
    number, folder = line.rstrip("\n").split(" ", 1)
    kind = int(number) % 10
    random.seed(int(number))
    if kind == 0:
        with open(f"{folder}/large", "wb") as out:
            for _ in range(large): out.write(random.randbytes(1 << 20))
    elif kind < 5:
        for n in range(1000):
            below = f"{folder}/{n // 100}"
            os.makedirs(below, exist_ok=True)
            with open(f"{below}/{n}", "wb") as out: out.write(random.randbytes(random.randrange(100, 8000)))
    else:
        with open(f"{folder}/one", "wb") as out: out.write(random.randbytes(50000))
PY
  sync
}

make_repository_for_engine() {
  jq -n --arg format "$format" '{apiVersion: "velero.io/v1", kind: "BackupRepository", metadata: {name: "alone", namespace: "velero",
      labels: {"velero.io/volume-namespace": "alone", "velero.io/storage-location": "default", "velero.io/repository-type": $format}},
    spec: {backupStorageLocation: "default", volumeNamespace: "alone", repositoryType: $format, maintenanceFrequency: "1h0m0s", resticIdentifier: ""}}' |
    kubectl create -f - >/dev/null
  until [ "$(kubectl -n velero get backuprepositories.velero.io alone -o jsonpath='{.status.phase}')" = Ready ]; do sleep 0.2; done
}

round() { # NAME
  local from to server_before agent_before through alone files=()
  server_before=$(cpu_of $server) agent_before=$(cpu_of $agent)
  from=$(now)
  "$lateen" backup create "$1" --include-namespaces shop --default-volumes-to-fs-backup --snapshot-volumes=false --wait >"$dir/backup.out"
  to=$(now)
  through=$(awk -v a="$from" -v b="$to" 'BEGIN { printf "%.2f", (b - a) / 1e9 }')
  kubectl -n velero get podvolumebackups.velero.io -l velero.io/backup-name="$1" -o json >"$dir/copies.json"
  while read -r _ folder; do files+=("$folder"); done <"$dir/folders"
  from=$(now)
  /usr/bin/time -f '%U %S' -o "$dir/time" "$lateen" repo backup -r k8s:alone --with-xattrs "${files[@]}" >"$dir/alone.out" 2>&1
  to=$(now)
  alone=$(awk -v a="$from" -v b="$to" 'BEGIN { printf "%.2f", (b - a) / 1e9 }')
  jq -c --arg round "$1" --argjson through "$through" --argjson alone "$alone" --argjson volumes "$volumes" \
    --argjson serverCpu "$(echo "$(cpu_of $server) - $server_before" | bc)" --argjson agentCpu "$(echo "$(cpu_of $agent) - $agent_before" | bc)" \
    --argjson aloneCpu "$(tail -n 1 "$dir/time" | tr ' ' + | bc)" \
    '{round: $round, volumes: $volumes, completed: [.items[] | select(.status.phase == "Completed")] | length,
      bytes: [.items[].status.progress.bytesDone // 0] | add, through: $through, alone: $alone, ratio: ($through / $alone * 100 | round / 100),
      copying: (([.items[].status.completionTimestamp | fromdate] | max) - ([.items[].status.startTimestamp | fromdate] | min)),
      serverCpu: $serverCpu, agentCpu: $agentCpu, aloneCpu: $aloneCpu}' "$dir/copies.json"
}

start_all
make_pods
fill
make_repository_for_engine
round first
round unchanged
awk '/^VmHWM/ { printf "{\"agentPeakMiB\": %.0f}\n", $2 / 1024 }' "/proc/$agent/status"
