#!/usr/bin/env bash
# Lateen's S3 client against `aws s3 cp` and rclone, on the same server in the same run; prints the ratios.
#   bench/s3.sh ENDPOINT [--size MIB] [--small N] [--rounds N] [--dir DIR]
# ENDPOINT is an S3 server of yours on this machine (http://127.0.0.1:PORT) that knows AWS_ACCESS_KEY_ID and
# AWS_SECRET_ACCESS_KEY of the environment; its data and DIR are best in memory (/dev/shm). A bucket `lateen-bench` is made
# there. Needs aws, rclone, jq.
set -euo pipefail
cd "$(dirname "$0")/.."

endpoint=${1:?usage: bench/s3.sh ENDPOINT [--size MIB] [--small N] [--rounds N] [--dir DIR]}
shift
size=4096
small=10000
rounds=3
dir=$PWD/build/bench-s3
while [ $# -gt 0 ]; do
  case $1 in
    --size) size=$2 ;;
    --small) small=$2 ;;
    --rounds) rounds=$2 ;;
    --dir) dir=$(realpath -m "$2") ;;
    *) sed -n '2,7p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done
bench=${S3_BENCH:-$PWD/build/bench/bench/s3_bench}
aws=${AWS_CLI:-aws}
rm -rf "$dir"
mkdir -p "$dir"
export AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true AWS_ENDPOINT_URL_S3=$endpoint AWS_CONFIG_FILE=$dir/aws-config
export RCLONE_CONFIG=$dir/rclone.conf
# The same parallelism and part size for all: 4 parts of 8 MiB; 16 small objects at once.
cat >"$dir/aws-config" <<EOF
[default]
s3 =
  addressing_style = path
  max_concurrent_requests = 4
  multipart_chunksize = 8MB
[profile small]
s3 =
  addressing_style = path
  max_concurrent_requests = 16
EOF
cat >"$dir/rclone.conf" <<EOF
[peer]
type = s3
provider = Other
env_auth = true
endpoint = $endpoint
region = us-east-1
chunk_size = 8M
upload_concurrency = 4
force_path_style = true
EOF
unset AWS_CA_BUNDLE AWS_PROFILE
say() { printf '%s\n' "$*" >&2; }

"$aws" s3 mb s3://lateen-bench >/dev/null 2>&1 || true
[ -f "$dir/large" ] || head -c "${size}M" </dev/urandom >"$dir/large"

timed() { # NAME WHAT COMMAND...: wall and CPU seconds and peak memory of the command, one JSON line
  local name=$1 what=$2
  shift 2
  /usr/bin/time -f '{"wall":%e,"user":%U,"sys":%S,"maxKiB":%M}' -o "$dir/time" "$@" >"$dir/out" 2>&1 || {
    say "$name $what failed:"; tail -5 "$dir/out" >&2; return 1; }
  jq -c --arg name "$name" --arg what "$what" '. + {name: $name, what: $what}' <"$dir/time" | tee -a "$dir/figures.jsonl" >&2
}

# One after the other, and nothing left behind: the server has room for one large object.
for round in $(seq "$rounds"); do
  say "== round $round"
  timed lateen put "$bench" put "$endpoint" lateen-bench large "$dir/large"
  timed lateen get "$bench" get "$endpoint" lateen-bench large "$dir/got"
  cmp "$dir/got" "$dir/large"
  "$bench" delete "$endpoint" lateen-bench large >/dev/null
  timed aws put "$aws" s3 cp --quiet "$dir/large" s3://lateen-bench/large
  timed aws get "$aws" s3 cp --quiet s3://lateen-bench/large "$dir/got"
  "$bench" delete "$endpoint" lateen-bench large >/dev/null
  timed rclone put rclone copyto "$dir/large" peer:lateen-bench/large
  timed rclone get rclone copyto --multi-thread-streams 4 peer:lateen-bench/large "$dir/got"
  "$bench" delete "$endpoint" lateen-bench large >/dev/null
  rm -f "$dir/got"
done
rm -f "$dir/large"

for round in $(seq "$rounds"); do
  say "== small objects, round $round"
  for name in lateen aws rclone; do "$bench" fill "$endpoint" lateen-bench "$name/" "$small" >/dev/null; done
  timed lateen list "$bench" list "$endpoint" lateen-bench lateen/
  timed aws list "$aws" s3 ls --recursive s3://lateen-bench/aws/
  timed rclone list rclone lsf -R --files-only peer:lateen-bench/rclone/
  timed lateen read "$bench" read "$endpoint" lateen-bench lateen/
  timed aws read env AWS_PROFILE=small "$aws" s3 cp --quiet --recursive s3://lateen-bench/aws/ "$dir/small-aws"
  timed rclone read rclone copy --transfers 16 --checkers 16 peer:lateen-bench/rclone/ "$dir/small-rclone"
  timed lateen delete "$bench" delete "$endpoint" lateen-bench lateen/
  timed aws delete env AWS_PROFILE=small "$aws" s3 rm --quiet --recursive s3://lateen-bench/aws/
  timed rclone delete rclone delete --checkers 16 --transfers 16 peer:lateen-bench/rclone/
  rm -rf "$dir/small-aws" "$dir/small-rclone"
done

jq -rs '
  def median: sort | .[length / 2 | floor];
  group_by(.what)[] | . as $all | $all[0].what as $what
  | ($all | map(select(.name == "lateen"))) as $ours
  | ($ours | map(.wall) | median) as $wall | ($ours | map(.user + .sys) | median) as $cpu
  | "\($what): lateen \($wall) s, cpu \($cpu * 100 | round / 100) s, at most \($ours | map(.maxKiB) | max / 1024 | round) MiB"
    + ([("aws", "rclone") as $peer | ($all | map(select(.name == $peer)))
        | "; \($peer) \(map(.wall) | median) s (\((map(.wall) | median) / $wall * 100 | round / 100) times as long), cpu \(map(.user + .sys) | median * 100 | round / 100) s, \(map(.maxKiB) | max / 1024 | round) MiB"] | join(""))
' "$dir/figures.jsonl"
