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
# log is printed and the script ends. V=1 shows the whole output instead.

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
build=$top/build
mkdir -p "$build"

# A make above must not reach the make of the kernel: its variables are given
# explicitly, and its job server is not ours to use.
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES

say() { printf '%s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# Redraw the line once a second while the phase's process lives.
watch_phase()
{
	local name=$1 log=$2 pid=$3 start=$SECONDS last
	while kill -0 "$pid" 2>/dev/null; do
		last=$(tail -n 1 "$log" 2>/dev/null | tr -cd '[:print:]' | cut -c1-44)
		printf '\r\033[K  %-28s %4d s  %s' "$name" $((SECONDS - start)) "$last"
		sleep 1
	done
	printf '\r\033[K'
}

phase()
{
	local name=$1 log=$build/$2 start=$SECONDS pid status=0
	shift 2
	if [ "${V:-0}" != 0 ]; then
		say "== $name"
		"$@" </dev/null || die "$name failed"
		return
	fi
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	if [ -t 1 ]; then
		watch_phase "$name" "$log" "$pid"
	fi
	wait "$pid" || status=$?
	if [ $status -ne 0 ]; then
		printf '  %-28s failed (status %d)\n' "$name" $status
		tail -n 40 "$log"
		die "$name failed; the whole log is in build/$(basename "$log")"
	fi
	printf '  %-28s %4d s\n' "$name" $((SECONDS - start))
}

# newer FILE INPUT...: true when FILE exists and no INPUT (a directory means
# all in it) is newer than it.
newer()
{
	local file=$1
	shift
	[ -e "$file" ] && [ -z "$(find -L "$@" -newer "$file" -print -quit)" ]
}
