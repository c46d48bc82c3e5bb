#!/usr/bin/env bash
# Makes the Python environment of the tests in build/test-python, or leaves it alone when it is there and up to
# date; prints the path of its interpreter. tools/run_tests.sh calls it; so may you.
#   tests/tools/python-env.sh [folder]
set -euo pipefail
tools=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$tools/../../build/test-python}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
interpreter=$folder/bin/python3

# Debian's own, since its python3-venv is what tools/setup.sh installs.
base=/usr/bin/python3
[ -x "$base" ] || base=$(command -v python3)

exec 9>"$folder.lock"
flock 9

wanted=$({ "$base" --version; cat "$tools/requirements.txt"; } | sha256sum | cut -d' ' -f1)
if [ "$(cat "$folder/.made-of" 2>/dev/null)" = "$wanted" ] && [ -x "$interpreter" ]; then
  echo "$interpreter"
  exit 0
fi

echo "python-env: installing the tests' Python packages into $folder" >&2
rm -rf "$folder"
if ! "$base" -m venv "$folder" >&2; then
  echo "python-env: $base makes no virtual environments; install python3-venv (tools/setup.sh test)" >&2
  exit 1
fi
if ! "$folder/bin/pip" install --quiet --disable-pip-version-check --no-input \
  --requirement "$tools/requirements.txt" >&2; then
  echo "python-env: pip could not install tests/tools/requirements.txt; the tests that need it cannot run" >&2
  exit 1
fi
echo "$wanted" >"$folder/.made-of"
echo "$interpreter"
