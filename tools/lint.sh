#!/usr/bin/env bash
# clang-format, room order and bans on everything; clang-tidy on what changed since LINT_BASE (default: the last commit
# that is on the upstream branch, else the previous commit): each source, and for a header one source that includes it.
# LINT_ALL=1 takes every source. After LINT_SECONDS no source is begun any more; those left are named.
set -euo pipefail
cd "$(dirname "$0")/.."

sources() { git ls-files 'src/*.h' 'src/*.cc' 'apps/*.cc' 'tests/*.h' 'tests/*.cc' 'bench/*.cc' 'fuzz/*.cc'; }

echo "lint: clang-format"
sources | xargs -r clang-format-19 --dry-run --Werror
echo "lint: rooms and bans"
python3 tools/check_rooms.py
python3 tools/check_bans.py

base=${LINT_BASE:-}
if [ -z "$base" ]; then
  base=$(git merge-base HEAD '@{upstream}' 2>/dev/null || true)
  if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then base=$(git rev-parse -q --verify HEAD~1 || true); fi
fi
changed() { git diff --name-only --diff-filter=d "$base" -- "$@"; }

# A header's findings are shown with any source that includes it: its own, else the first that names it.
reader_of() {
  if [ -f "${1%.h}.cc" ]; then echo "${1%.h}.cc"; return; fi
  git grep -lF "#include \"${1#src/}\"" -- 'src/*.cc' 'apps/*.cc' | sed -n 1p || echo "lint: no source includes $1" >&2
}

if [ -n "${LINT_ALL:-}" ] || [ -z "$base" ]; then
  mapfile -t wanted < <(git ls-files 'src/*.cc' 'apps/*.cc')
else
  mapfile -t headers < <(changed 'src/*.h')
  mapfile -t wanted < <({
    changed 'src/*.cc' 'apps/*.cc'
    for header in ${headers[@]+"${headers[@]}"}; do reader_of "$header"; done
  } | sort -u)
fi
if [ ${#wanted[@]} -eq 0 ]; then
  echo "lint: no source changed: nothing for clang-tidy"
  exit 0
fi

echo "lint: clang-tidy on ${#wanted[@]} files"
cmake --preset clang -DLATEEN_TESTS=OFF >/dev/null
cmake --build build/clang --target lateen_proto_sources >/dev/null
deadline=$(( $(date +%s) + ${LINT_SECONDS:-100000} ))
notes=$(mktemp -d)
trap 'rm -rf "$notes"' EXIT

tidy() { # source
  if [ "$(date +%s)" -ge "$deadline" ]; then echo "$1" >>"$notes/unseen"; return 0; fi
  local said="$notes/$$"
  if clang-tidy-19 -p build/clang --quiet "$1" 2>"$said"; then return 0; fi
  grep -vE '^[0-9]+ (warnings|errors).*generated|^Suppressed|^Use -header-filter' "$said" >&2 || true
  return 1
}
export -f tidy
export deadline notes
failed=0
printf '%s\n' "${wanted[@]}" | xargs -P "${JOBS:-$(nproc)}" -I{} bash -c 'tidy "$1"' lint {} || failed=1
if [ -s "$notes/unseen" ]; then
  echo "lint: out of time; clang-tidy has not seen: $(tr '\n' ' ' <"$notes/unseen")"
fi
exit $failed
