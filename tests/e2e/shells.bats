#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completion in real shells, and what make install puts where.

load helpers

setup()
{
	requires programs
	SYNANVIL=$LAB_BUILD/synanvil
}

# in_bash WORD...: what bash offers for the last word.
in_bash()
{
	bash --norc -c '. <("$1" completion bash); shift; COMP_WORDS=(synanvil "$@"); COMP_CWORD=$#
		_synanvil; echo "${COMPREPLY[*]}"' bash "$SYNANVIL" "$@"
}

in_zsh()
{
	zsh -f -c '
		script=$1; shift
		_describe() { shift $(($# - 1)); for item in "${(@P)1}"; do print -rn -- "${${item/\\:/}%%:*} "; done; print }
		_files() { print FILES }
		words=(synanvil "$@"); CURRENT=${#words}
		. =(print -r -- "$script")' zsh "$("$SYNANVIL" completion zsh)" "$@" | xargs
}

# The commands that the program itself names, each once.
commands()
{
	"$SYNANVIL" help | awk '/^ +[a-z]+/ { print $1 }' | awk '!seen[$0]++' | xargs
}

@test "bash offers what the command table has" {
	local command
	for command in status top show exception block events config check advise reload restart detach completion version help; do
		[[ " $(in_bash '') " == *" $command "* ]] || { echo "bash does not offer $command"; return 1; }
	done
	equals 'restart' "$(in_bash res)" "what begins with res"
	equals 'list add delete' "$(in_bash exception '')" "behind exception"
	equals 'delete' "$(in_bash -s /run/x --json block d)" "behind block, with options in front"
	equals '--for' "$(in_bash block add --f)" "options of block add"
	equals '--for -s --socket --json -h --help' "$(in_bash block add 10.0.0.1 -)" "options behind an argument"
	equals 'attempts dropped connections' "$(in_bash top --by '')" "values of --by"
	equals '' "$(in_bash top -n '')" "a number"
	equals '' "$(in_bash show '')" "an address"
	equals "$BATS_TEST_DIRNAME/shells.bats" "$(in_bash check -c "$BATS_TEST_DIRNAME/she")" "a file"
	equals 'bash zsh' "$(in_bash completion '')" "shells"
	equals 'advise' "$(in_bash help adv)" "a command to help with"
	ok shellcheck -s bash -f gcc <("$SYNANVIL" completion bash)
}

@test "zsh offers what the command table has" {
	requires zsh
	equals "$(in_bash '')" "$(in_zsh '')" "commands"
	equals 'list add delete' "$(in_zsh exception '')" "behind exception"
	equals 'list add delete' "$(in_zsh -s /run/x block '')" "behind block, with options in front"
	equals '--for -s --socket --json -h --help' "$(in_zsh block add -)" "options of block add"
	equals 'attempts dropped connections' "$(in_zsh top --by '')" "values of --by"
	equals FILES "$(in_zsh check -c '')" "a file"
	equals '' "$(in_zsh top -n '')" "a number"
	equals 'bash zsh' "$(in_zsh completion '')" "shells"
}

@test "both shells find the installed scripts by themselves" {
	local share=$BATS_TEST_TMPDIR/root/usr/share
	requires zsh make
	ok make -s -C "$LAB_ROOT" BUILD="$LAB_BUILD" PREFIX=/usr DESTDIR="$BATS_TEST_TMPDIR/root" install
	equals '_synanvil' "$(zsh -f -c 'fpath=("$1" $fpath); autoload -Uz compinit; compinit -D -u; print $_comps[synanvil]' \
		zsh "$share/zsh/vendor-completions")" "zsh's function"
	[ -e /usr/share/bash-completion/bash_completion ] || skip "needs bash-completion"
	run env XDG_DATA_DIRS="$share" bash --norc -ic '. /usr/share/bash-completion/bash_completion
		_completion_loader synanvil; complete -p synanvil'
	says '_synanvil synanvil'
}

@test "what is neither bash nor zsh is an error" {
	fails 2 "$SYNANVIL" completion fish
	fails 2 "$SYNANVIL" completion
}

@test "fail2ban counts only what came over a connection" {
	local directory=$BATS_TEST_TMPDIR/fail2ban samples=$LAB_ROOT/tests/operations part
	requires fail2ban-regex fail2ban-client
	cp -r /etc/fail2ban "$directory"
	cp -r "$LAB_ROOT/deploy/fail2ban/." "$directory"
	ok fail2ban-regex -c "$directory" --print-all-missed "$samples/fail2ban-matches.log" synanvil
	says "Lines: 3 lines, 0 ignored, 3 matched, 0 missed"
	ok fail2ban-regex -c "$directory" --print-all-matched "$samples/fail2ban-passes.log" synanvil
	says "Lines: 18 lines, 0 ignored, 0 matched, 18 missed"
	run fail2ban-regex -c "$directory" -o ip "$samples/fail2ban-matches.log" synanvil
	equals '192.0.2.1 2001:db8::17 192.0.2.4' "$(xargs <<<"$output")" "who would be banned"
	# Filter, action and jail fit together.
	printf '[synanvil]\nenabled = true\n' >"$directory/jail.local"
	rm -f "$directory/jail.d/defaults-debian.conf"
	ok fail2ban-client -c "$directory" --test
}

fail2ban()
{
	fail2ban-client -c "$F2B" -s "$F2B/socket" -p "$F2B/pid" "$@"
}

teardown()
{
	[ -z "${F2B_SERVER:-}" ] || kill "$F2B_SERVER" 2>/dev/null || :
}

asked_for()
{
	grep -qxF -- "$*" "$F2B/asked"
}

@test "fail2ban blocks for as long as it bans, and for ever where it bans for ever" {
	requires fail2ban-client fail2ban-server
	F2B=$BATS_TEST_TMPDIR/fail2ban
	cp -r /etc/fail2ban "$F2B"
	cp -r "$LAB_ROOT/deploy/fail2ban/." "$F2B"
	rm -f "$F2B/jail.d/defaults-debian.conf"
	printf '[synanvil]\nenabled = true\nbackend = polling\nlogpath = %s\n' "$F2B/mail.log" >"$F2B/jail.local"
	printf '[Definition]\ndbfile = None\nlogtarget = %s\n' "$F2B/log" >"$F2B/fail2ban.local"
	mkdir "$F2B/bin"
	printf '#!/bin/sh\necho "$@" >>"%s"\n' "$F2B/asked" >"$F2B/bin/synanvil"
	chmod +x "$F2B/bin/synanvil"
	: >"$F2B/mail.log" >"$F2B/asked"
	PATH=$F2B/bin:$PATH fail2ban-server -f -c "$F2B" -s "$F2B/socket" -p "$F2B/pid" >"$F2B/out" 2>&1 3>&- </dev/null &
	F2B_SERVER=$!
	wait_until 20 fail2ban status synanvil
	ok fail2ban set synanvil banip 192.0.2.1
	wait_until 10 asked_for block add 192.0.2.1 --for 3600s
	ok fail2ban set synanvil bantime -1
	ok fail2ban set synanvil banip 2001:db8::17
	wait_until 10 asked_for block add 2001:db8::17
	ok fail2ban set synanvil unbanip 2001:db8::17
	wait_until 10 asked_for block delete 2001:db8::17
	# As the command line would have understood them: no agent, which is not wrong usage.
	fails 3 "$SYNANVIL" -s "$F2B/none" block add 192.0.2.1 --for 3600s
	fails 3 "$SYNANVIL" -s "$F2B/none" block add 2001:db8::17
}
