#!/usr/bin/env bash
# Builds the release binary and links it as build/lateen. `tools/build.sh --tests` builds the tests too.
set -euo pipefail
cd "$(dirname "$0")/.."

# One clone's compilations serve the next: paths below this folder do not count.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

tests=OFF
[ "${1:-}" = --tests ] && tests=ON
targets=(lateen)
[ "$tests" = ON ] && targets=(all)

mkdir -p build
# A machine that built the tests before keeps them configured: only a first `make build` goes without.
if [ "$tests" = OFF ] && grep -qs '^LATEEN_TESTS:BOOL=ON' build/release/CMakeCache.txt; then tests=ON; fi
# A folder that was configured when libraries were not linked in remembers where it found them.
fresh=()
if [ -f build/release/CMakeCache.txt ] && ! grep -qs '^LATEEN_STATIC:BOOL=ON' build/release/CMakeCache.txt; then fresh=(--fresh); fi
if ! cmake ${fresh[@]+"${fresh[@]}"} --preset release -DLATEEN_TESTS=$tests >build/configure.log 2>&1; then
  cat build/configure.log >&2
  exit 1
fi
cmake --build --preset release -j "${JOBS:-$(nproc)}" --target "${targets[@]}"
ln -sfn release/apps/lateen/lateen build/lateen
