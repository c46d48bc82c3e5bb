#!/usr/bin/env bash
# Each fuzzer for FUZZ_SECONDS (30), going on from what earlier runs found (build/fuzz-corpus). FUZZERS="tar yaml" takes
# only some. A crash leaves its input beside the corpus: make it a test of the room.
set -euo pipefail
cd "$(dirname "$0")/.."

export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
cmake --preset fuzz >/dev/null
read -r -a names <<<"${FUZZERS:-$(sed -nE 's/^lateen_fuzzer\(([a-z0-9_]+) .*/\1/p' fuzz/CMakeLists.txt | tr '\n' ' ')}"
cmake --build --preset fuzz -j "${JOBS:-$(nproc)}" --target "${names[@]/#/fuzz_}"
for name in "${names[@]}"; do
  mkdir -p "build/fuzz-corpus/$name"
  echo "fuzz: $name"
  "build/fuzz/fuzz/fuzz_$name" -max_total_time="${FUZZ_SECONDS:-30}" -print_final_stats=0 -verbosity=0 \
    -artifact_prefix="build/fuzz-corpus/$name-" "build/fuzz-corpus/$name" $(ls -d "fuzz/corpus/$name" 2>/dev/null || true)
done
