#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The whole-path benchmark in namespaces of its own: path.sh [-n FRAMES] [-r ROUNDS]. The figures also go to
# bench/path.json below the build directory.
set -euo pipefail

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/e2e/lab.bash
. "$ROOT/tests/e2e/lab.bash"
export PATH=$PATH:/usr/sbin:/sbin

[ "$(id -u)" -eq 0 ] || {
	echo "the whole-path benchmark needs root" >&2
	exit 1
}
trap lab_down EXIT
trap 'exit 1' INT TERM
lab_up "path-$$"
# shellcheck disable=SC2153  # set by lab_up
"$LAB_BUILD/bench/path" "$@" -o "$LAB_BUILD/bench/path.json" "$LAB_CLIENTS" c0 "$LAB_MAIL" m0 "$LAB_HOST"
echo "also in $LAB_BUILD/bench/path.json"
