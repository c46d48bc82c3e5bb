#!/usr/bin/env bash
# Empties the bucket of the backups, so that `terraform destroy` can remove it: the backups through the API first, which
# takes their volume snapshots along, then what is left in the bucket: versions, delete markers, unfinished uploads.
#
#   cleanup-pre-destroy.sh BUCKET [--yes] [--namespace velero] [--no-cluster] [--timeout SECONDS]
#
# Without --yes nothing is deleted: it lists and counts. --no-cluster leaves the API alone, when there is no cluster any
# more: snapshots of volumes then stay, and cost. Safe to run again, also after it was stopped in the middle.
# Exit codes: 0 empty (or listed), 1 an error, 2 bad usage, 3 object lock still holds something: nothing was deleted.
set -euo pipefail

usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
fail() { echo "cleanup-pre-destroy: $1" >&2; exit "${2:-1}"; }

bucket="" yes=false namespace=velero cluster=true timeout=1800
while [ $# -gt 0 ]; do
  case $1 in
    --yes) yes=true ;;
    --no-cluster) cluster=false ;;
    --namespace) namespace=${2:?--namespace needs a name}; shift ;;
    --timeout) timeout=${2:?--timeout needs seconds}; shift ;;
    -*) usage ;;
    *) [ -z "$bucket" ] || usage; bucket=$1 ;;
  esac
  shift
done
[ -n "$bucket" ] || usage
command -v aws >/dev/null || fail "the AWS CLI (aws) is not on the PATH"

s3() { aws s3api "$@" --bucket "$bucket"; }

# --- what there is --------------------------------------------------------------------------------------------------
head=$(s3 head-bucket 2>&1 >/dev/null) || {
  case $head in
    *404* | *NoSuchBucket* | *"Not Found"*) echo "There is no bucket $bucket: nothing to do."; exit 0 ;;
    *) fail "the bucket $bucket cannot be reached: $head" ;;
  esac
}

count() { # count EXPRESSION: over all versions and markers; one number
  s3 list-object-versions --output json --query "$1" | tr -d '[:space:]' | sed 's/^null$/0/;s/^$/0/'
}
versions=$(count 'length(Versions || `[]`)')
markers=$(count 'length(DeleteMarkers || `[]`)')
bytes=$(count 'sum((Versions || `[]`)[].Size)')
uploads=$(s3 list-multipart-uploads --output json --query 'length(Uploads || `[]`)' | tr -d '[:space:]')
uploads=${uploads:-0}
echo "Bucket $bucket: $versions object versions ($bytes bytes), $markers delete markers, $uploads unfinished uploads."

# --- object lock: all or nothing ------------------------------------------------------------------------------------
lock=$(s3 get-object-lock-configuration --output text \
  --query 'ObjectLockConfiguration.Rule.DefaultRetention.[Mode,Days,Years]' 2>/dev/null || true)
if [ -n "$lock" ] && [ "$lock" != "None" ]; then
  read -r mode days years <<<"$lock"
  [ "$days" != None ] || days=$(( years * 366 ))
  since=$(date -u -d "-$days days" +%Y-%m-%dT%H:%M:%SZ)
  held=$(count "length((Versions || \`[]\`)[?LastModified > '$since'])")
  if [ "$held" -gt 0 ]; then
    newest=$(s3 list-object-versions --output json --query 'max((Versions || `[]`)[].LastModified)' | tr -d '"')
    until=$(date -u -d "$newest +$days days" +%Y-%m-%dT%H:%M:%SZ)
    fail "object lock ($mode, $days days) holds $held versions; the last is free on $until. Nothing was deleted." 3
  fi
fi

if $cluster; then
  command -v kubectl >/dev/null || fail "kubectl is not on the PATH; --no-cluster, if the cluster is gone"
  backups=$(kubectl -n "$namespace" get backups.velero.io -o name) ||
    fail "the cluster does not tell its backups (namespace $namespace); --no-cluster, if it is gone"
  total=$(grep -c . <<<"$backups" || true)
  echo "Cluster: $total backups in namespace $namespace."
  [ "$total" -eq 0 ] || sed 's/^/  /' <<<"$backups"
else
  backups=""
fi

if ! $yes; then
  echo "Nothing was deleted. Run it again with --yes to delete all of this."
  exit 0
fi

# --- backups, through the API ---------------------------------------------------------------------------------------
if [ -n "$backups" ]; then
  # Else a Schedule makes a new one in the middle.
  for schedule in $(kubectl -n "$namespace" get schedules.velero.io -o name); do
    kubectl -n "$namespace" patch "$schedule" --type=merge -p '{"spec":{"paused":true}}' >/dev/null
    echo "Paused $schedule."
  done
  program=$(command -v lateen || command -v velero) || fail "neither lateen nor velero is on the PATH"
  "$program" --namespace "$namespace" backup delete --all --confirm
  echo "Waiting for the backups to be deleted with their snapshots …"
  end=$(( $(date +%s) + timeout ))
  while left=$(kubectl -n "$namespace" get backups.velero.io -o name) && [ -n "$left" ]; do
    if [ "$(date +%s)" -ge "$end" ]; then
      fail "these are still there after $timeout s; \`$(basename "$program") backup describe NAME\` says why:
$left"
    fi
    sleep 2
  done
  echo "All backups are deleted."
fi

# --- what is left in the bucket -------------------------------------------------------------------------------------
s3 list-multipart-uploads --output text --query '(Uploads || `[]`)[].[UploadId, Key]' |
  while IFS=$'\t' read -r id key; do
    [ -n "$key" ] || continue
    s3 abort-multipart-upload --upload-id "$id" --key "$key" >/dev/null
    echo "  upload of $key aborted"
  done
deleted=0
while :; do
  # One page: a thousand at most, which is what one request may delete.
  batch=$(s3 list-object-versions --no-paginate --output json --query \
    '{Quiet: `true`, Objects: [Versions || `[]`, DeleteMarkers || `[]`][].{Key: Key, VersionId: VersionId}}')
  n=$(grep -c '"VersionId"' <<<"$batch" || true)
  [ "$n" -gt 0 ] || break
  errors=$(s3 delete-objects --delete "file:///dev/stdin" --output json --query 'Errors' <<<"$batch")
  if [ -n "$errors" ] && [ "$errors" != null ] && [ "$errors" != "[]" ]; then
    fail "S3 refused to delete some versions:
$errors"
  fi
  deleted=$(( deleted + n ))
  echo "  $deleted versions and delete markers deleted"
done
echo "The bucket $bucket is empty: \`terraform destroy\` can remove it."
