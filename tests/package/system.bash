# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A fresh Debian with systemd as its first process, in a container whose network is the lab's mail host. So packets,
# floods and mail clients of the lab meet an agent that a real service manager starts, restarts and stops.

# What the package needs, and what the tests of it do.
SYSTEM_PACKAGES=systemd,systemd-sysv,dbus,iproute2,netbase,libjansson4,libevent-2.1-7,libbpf1,libmnl0,libcap-ng0,libunbound8
SYSTEM_PACKAGES+=,libmilter1.0.1,libncursesw6,postfix

# The mirror that this machine takes its packages from.
system_mirror()
{
	apt-get indextargets --format '$(REPO_URI)' "Codename: $1" 2>/dev/null | grep -v security | sort -u | head -n 1
}

system_codename()
{
	sed -n 's/^VERSION_CODENAME=//p' /etc/os-release
}

# system_tree DIRECTORY: a minimal Debian, made once for these packages.
system_tree()
{
	local codename mirror
	[ "$(cat "$1/complete" 2>/dev/null)" != "$SYSTEM_PACKAGES" ] || return 0
	codename=$(system_codename)
	mirror=$(system_mirror "$codename")
	rm -rf "$1"
	mkdir -p "$1"
	debootstrap --variant=minbase --include="$SYSTEM_PACKAGES" "$codename" "$1/tree" ${mirror:+"$mirror"} \
		>"$1/log" 2>&1 3>&- </dev/null || {
		tail -n 20 "$1/log" >&2
		return 1
	}
	# For the tests that ask for it.
	rm -f "$1"/tree/etc/systemd/system/multi-user.target.wants/postfix.service
	echo "$SYSTEM_PACKAGES" >"$1/complete"
}

# system_boot TREE: returns when systemd in it has started everything.
system_boot()
{
	SYSTEM_TREE=$1
	systemd-nspawn --quiet --directory="$1" --register=no --keep-unit --machine="sa-$LAB" \
		--network-namespace-path="/run/netns/$LAB_MAIL" --system-call-filter=bpf \
		--capability=CAP_BPF,CAP_NET_ADMIN,CAP_PERFMON,CAP_SYS_ADMIN,CAP_SYS_RESOURCE --boot --console=pipe \
		>"$LAB_DIR/boot.log" 2>&1 3>&- </dev/null &
	SYSTEM_NSPAWN=$!
	wait_until 60 system_has_init && wait_until 60 system_is_up || {
		tail -n 30 "$LAB_DIR/boot.log" >&2
		return 1
	}
	# A container has none; a machine mounts it like this.
	in_system mount -t bpf -o mode=0700 bpf /sys/fs/bpf
	export SYSTEM_TREE SYSTEM_NSPAWN SYSTEM_INIT
}

system_has_init()
{
	SYSTEM_INIT=$(pgrep -P "$SYSTEM_NSPAWN") && [ -n "$SYSTEM_INIT" ]
}

system_is_up()
{
	[[ $(in_system systemctl is-system-running) == @(running|degraded) ]]
}

in_system()
{
	nsenter -t "$SYSTEM_INIT" -m -u -i -n -p -C -r -w "$@"
}

system_down()
{
	[ -n "${SYSTEM_NSPAWN:-}" ] || return 0
	kill "$SYSTEM_NSPAWN" 2>/dev/null
	wait_until 30 system_gone || kill -9 "$SYSTEM_INIT" "$SYSTEM_NSPAWN" 2>/dev/null
	unset SYSTEM_NSPAWN
}

system_gone()
{
	! kill -0 "$SYSTEM_NSPAWN" 2>/dev/null
}

# The agent's command line, inside. Its socket is where the package puts it.
synanvil()
{
	in_system synanvil "$@"
}

installed()
{
	ok in_system env -u DEBIAN_FRONTEND dpkg -i "/root/$1.deb" </dev/null
}

property()
{
	in_system systemctl show -P "$1" synanvild.service
}

answers()
{
	synanvil status
}

# configure LINE...: in place of the lines that set the same.
configure()
{
	local line file=$SYSTEM_TREE/etc/synanvil/synanvil.cf
	for line in "$@"; do
		sed -i "/^${line%%[ =]*} =/d" "$file"
		echo "$line" >>"$file"
	done
}
