#!/usr/bin/env bash
# The unit tests under AddressSanitizer and UndefinedBehaviorSanitizer, and those of the threaded rooms under
# ThreadSanitizer. The voyages run the release binary and are left to `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."

# One clone's compilations serve the next: paths below this folder do not count.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

rooms=(base net kube model objects archive volumes backup restore server sandbox cli)
threaded=(base net kube archive)

tests_of() { # preset room...: the test programs that exist for these rooms
  local preset=$1; shift
  for room in "$@"; do
    ninja -C "build/$preset" -t targets all | grep -q "^${room}_test:" && echo "${room}_test"
  done
  return 0
}

run() { # preset room...
  local preset=$1; shift
  cmake --preset "$preset" >/dev/null
  mapfile -t programs < <(tests_of "$preset" "$@")
  cmake --build --preset "$preset" -j "${JOBS:-$(nproc)}" --target "${programs[@]}"
  for program in "${programs[@]}"; do
    echo "sanitize: $preset $program"
    "build/$preset/tests/$program" --gtest_brief=1
  done
}

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1
run asan "${rooms[@]}"
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
run tsan "${threaded[@]}"
