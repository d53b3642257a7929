# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# lib.sh - what the build scripts share: where things are, and progress.
#
# A script sources this file and gets $top, $build and the function
#
#   phase NAME LOG COMMAND...
#
# which runs COMMAND with its output in $build/LOG and shows one line: the
# name, and at the end the seconds it took. On a terminal the seconds and the
# last line of the log are shown while it runs. When it fails, the tail of the
# log is printed and the script ends. V=1 shows the whole output instead. Where
# BUILD is given, the log goes when whoever gave it removes that directory.

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
build=${BUILD:-$top/build}
mkdir -p "$build"

# A make above must not reach the make of the kernel: its variables are given
# explicitly, and its job server is not ours to use.
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES

say() { printf '%s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# Redraw the line once a second, until killed or left alone.
watch_phase()
{
	local name=$1 log=$2 start=$SECONDS last
	while kill -0 $$ 2>/dev/null; do
		last=$(tail -n 1 "$log" 2>/dev/null | tr -cd '[:print:]' | cut -c1-44)
		printf '\r\033[K  %-28s %4d s  %s' "$name" $((SECONDS - start)) "$last"
		sleep 1
	done
}

phase()
{
	local name=$1 log=$build/$2 start=$SECONDS watcher= status
	shift 2
	if [ "${V:-0}" != 0 ]; then
		say "== $name"
		log=/dev/stdout
	elif [ -t 1 ]; then
		: > "$log"
		watch_phase "$name" "$log" &
		watcher=$!
	fi
	# In the foreground, so that Ctrl-C ends it, and as a plain command, so
	# that "set -e" holds in it.
	set +e
	if [ "$log" = /dev/stdout ]; then
		(set -e; "$@") </dev/null
	else
		(set -e; "$@") >"$log" 2>&1 </dev/null
	fi
	status=$?
	set -e
	if [ -n "$watcher" ]; then
		kill "$watcher" 2>/dev/null || true
		wait "$watcher" 2>/dev/null || true
		printf '\r\033[K'
	fi
	if [ $status -eq 0 ]; then
		printf '  %-28s %4d s\n' "$name" $((SECONDS - start))
		return
	fi
	printf '  %-28s failed (status %d)\n' "$name" $status
	[ "$log" != /dev/stdout ] || exit 1
	tail -n 40 "$log"
	# A log of which the end may be missing.
	printf '\n' 2>/dev/null >>"$log" || say "no space left in $(dirname "$log")"
	[ -z "${BUILD:-}" ] || die "$name failed; V=1 in the environment shows all of it"
	die "$name failed; the whole log is in build/$(basename "$log")"
}

# newer FILE INPUT...: true when FILE exists and no INPUT (a directory means
# all in it) is newer than it.
newer()
{
	local file=$1
	shift
	[ -e "$file" ] && [ -z "$(find -L "$@" -newer "$file" -print -quit)" ]
}
