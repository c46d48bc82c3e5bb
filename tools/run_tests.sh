#!/usr/bin/env bash
# Builds everything and runs all tests: units, then the voyages (a sandbox, real kubectl, real PostgreSQL).
set -euo pipefail
cd "$(dirname "$0")/.."

tools/build.sh --tests
# AWS' APIs, boto3 and gRPC for the tests that need them: without these there is no test run.
tests/tools/python-env.sh >/dev/null
cd build/release
# Each test has its own time limit; the voyages keep to two at once by their resource locks.
exec ctest --output-on-failure -j "${JOBS:-$(nproc)}" "$@"
