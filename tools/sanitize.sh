#!/usr/bin/env bash
# The unit tests of the lower rooms under AddressSanitizer and UndefinedBehaviorSanitizer, and those of the threaded
# ones among them under ThreadSanitizer. The rooms above them start processes and servers and are looked at by the
# voyages, which run the release binary (`make test`); SANITIZE_ROOMS="server cli …" takes others.
set -euo pipefail
cd "$(dirname "$0")/.."

# One clone's compilations serve the next: paths below this folder do not count.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

read -r -a rooms <<<"${SANITIZE_ROOMS:-base net kube model objects archive}"
read -r -a threaded <<<"${SANITIZE_ROOMS:-net kube objects archive}"

tests_of() { # preset room...: the test programs that exist for these rooms
  local preset=$1 targets room; shift
  targets=$(ninja -C "build/$preset" -t targets all)
  for room in "$@"; do
    if grep -q "^${room}_test:" <<<"$targets"; then echo "${room}_test"; fi
  done
}

run() { # preset room...
  local preset=$1; shift
  cmake --preset "$preset" >/dev/null
  mapfile -t programs < <(tests_of "$preset" "$@")
  [ ${#programs[@]} -gt 0 ] || { echo "sanitize: no test program for $*" >&2; exit 1; }
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
