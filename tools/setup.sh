#!/usr/bin/env bash
# Installs the Debian 12 packages that Lateen is built, run and tested with, and says which.
#   tools/setup.sh build   what `make build` and `make drill` need
#   tools/setup.sh test    that, and what `make test` needs
#   tools/setup.sh lint    that, and what `make lint` and `make sanitize` need
# Uses apt-get as root or through sudo; does nothing where everything is there already.
set -euo pipefail

build=(
  g++ make cmake ninja-build mold ccache pkg-config ca-certificates tzdata
  libboost1.81-dev libboost-json1.81-dev libsimdjson-dev libyaml-dev
  libdeflate-dev libisal-dev zlib1g-dev libzstd-dev liblz4-dev libssl-dev libcurl4-openssl-dev
  libgrpc++-dev libprotobuf-dev protobuf-compiler
  # What the release links in beside them: libcurl's needs, for HTTP.
  libnghttp2-dev libidn2-dev libunistring-dev libbrotli-dev
  libsqlite3-dev libexpected-dev libfmt-dev prometheus-cpp-dev libhowardhinnant-date-dev
  # The drill: a real kubectl and a real PostgreSQL.
  kubernetes-client postgresql jq
)
test=("${build[@]}" libgtest-dev libgmock-dev librapidcheck-dev python3 git tar gzip
  # Starts the image.
  runc
  # Peers that tests would otherwise pass over.
  curl openssl restic python3-venv
  # Databases of the examples and the drills. MariaDB's programs alone: no daemon comes with them.
  redis-server mariadb-server-core mariadb-client-core
  # OpenStack Swift's S3 API: an object store of somebody else's that checks signatures. The library only: no daemon starts.
  python3-swift)
lint=("${test[@]}" clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev)

case "${1:-build}" in
  build) wanted=("${build[@]}") ;;
  test) wanted=("${test[@]}") ;;
  lint) wanted=("${lint[@]}") ;;
  *) echo "usage: tools/setup.sh [build|test|lint]" >&2; exit 2 ;;
esac

is_installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$'; }

missing=()
for package in "${wanted[@]}"; do
  is_installed "$package" || missing+=("$package")
done
# Where a kubectl or a PostgreSQL is already there by other means, the Debian one is not needed.
keep=()
for package in ${missing[@]+"${missing[@]}"}; do
  if [ "$package" = kubernetes-client ] && command -v kubectl >/dev/null; then continue; fi
  keep+=("$package")
done
missing=(${keep[@]+"${keep[@]}"})

if [ ${#missing[@]} -eq 0 ]; then
  echo "setup: everything for '${1:-build}' is installed"
  exit 0
fi

sudo=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: these packages are missing, and there is neither root nor sudo to install them:" >&2
    printf '  %s\n' "${missing[@]}" >&2
    exit 1
  fi
  sudo=(sudo)
fi

echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# Only programs are wanted: no server that a package brings is started.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" install -m 755 /dev/stdin /usr/sbin/policy-rc.d
  trap '"${sudo[@]}" rm -f /usr/sbin/policy-rc.d' EXIT
fi
"${sudo[@]}" apt-get -qq update
# An automatic cluster on port 5432 is nothing Lateen needs: only the server's programs are used.
if ! is_installed postgresql && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
  "${sudo[@]}" install -d /etc/postgresql-common
  echo 'create_main_cluster = false' | "${sudo[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y "${missing[@]}" >/dev/null
echo "setup: installed ${#missing[@]} packages"
