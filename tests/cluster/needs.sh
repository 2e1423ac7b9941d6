#!/bin/sh
# What the tests of the cluster need beside Python's packages: PostgreSQL. Installed where that is possible.
set -eu
absent=
set -- /usr/lib/postgresql/*/bin/initdb
[ -x "$1" ] || command -v initdb >/dev/null || absent="$absent postgresql"
[ -n "$absent" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "The tests of the cluster need these packages of Debian:$absent" >&2
  echo "Install them and try again: sudo apt-get install$absent" >&2
  exit 2
fi
echo "Installing$absent (once) ..."
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -qq --yes --no-install-recommends $absent >/dev/null
