# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Debian packages for the tests of them: built by make deb, in directories of their own.

. "$(dirname "${BASH_SOURCE[0]}")/../e2e/helpers.bash"

# package_build DIRECTORY [VERSION]: into DIRECTORY/build/deb, from a copy of the sources. A version of its own is one
# more entry of the changelog.
package_build()
{
	mkdir -p "$1"
	(cd "$LAB_ROOT" && cp -r LICENSE Makefile ./*.md agent bpf deploy docs include scripts tests "$1")
	if [ -n "${2:-}" ]; then
		sed -i "s/^VERSION := .*/VERSION := $2/" "$1/Makefile"
		{
			sed "1,/^ --/s/(.*)/($2)/;/^ --/q" "$LAB_ROOT/deploy/debian/changelog"
			echo
			cat "$LAB_ROOT/deploy/debian/changelog"
		} >"$1/deploy/debian/changelog"
	fi
	env -u MAKEFLAGS -u MAKELEVEL -u CFLAGS make -C "$1" deb BUILD=build >"$1/log" 2>&1 3>&- </dev/null || {
		tail -n 50 "$1/log" >&2
		return 1
	}
}

# package_file DIRECTORY: the program's package.
package_file()
{
	echo "$1"/build/deb/synanvil_*.deb
}
