#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What counting live connections costs, in namespaces of its own: connections.sh [ROUNDS [CONNECTIONS A ROUND]].
set -euo pipefail

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/e2e/lab.bash
. "$ROOT/tests/e2e/lab.bash"
export PATH=$PATH:/usr/sbin:/sbin

[ "$(id -u)" -eq 0 ] || {
	echo "the benchmark of live connections needs root" >&2
	exit 1
}
trap lab_down EXIT
trap 'exit 1' INT TERM
lab_up "connections-$$"
# Without GRO the other end's work is done at once, in the process that sends, and so in its CPU time.
in_clients ethtool -K c0 gro off
in_mail ethtool -K m0 gro off
# shellcheck disable=SC2153  # set by lab_up
"$LAB_BUILD/bench/connections" "$LAB_CLIENTS" "$LAB_MAIL" "$LAB_HOST" "$@"
