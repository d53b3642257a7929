# SPDX-License-Identifier: GPL-2.0
#
# inside.sh - the part of tests/debian/run that runs in the guest, by bash as
# root, once multi-user.target is reached. Each test is a function; `check`
# runs it with a time limit and prints "@@ ok NAME" or "@@ not ok NAME - why"
# on the console, and of a failure the last of its words; its first word is
# "@@ up". Nothing here needs more than what the image has, nor any network but
# the loopback. LONG=1 in the environment: every stressor of stress-ng's classes,
# one after the other.

wanted=$*	# names of checks; all when there are none
export work=/var/tmp/uml-test
mkdir -p $work
cd $work || exit 1
echo "@@ up"

# check NAME SECONDS COMMAND...
check()
{
	local name=$1 limit=$(($2 * ${PATIENCE:-1})) status log=$work/log
	shift 2
	case " ${wanted:-$name} " in
	*" $name "*) ;;
	*) return ;;
	esac
	# A function needs a shell of its own for timeout to kill.
	export -f "$1" 2>/dev/null
	timeout -k 5 "$limit" bash -c '"$@"' check "$@" > $log 2>&1 < /dev/null
	status=$?
	case $status in
	0)	echo "@@ ok $name" ;;
	77)	echo "@@ skip $name - $(tail -n 1 $log)" ;;
	124|137) echo "@@ not ok $name - not done in $limit s" ;;
	*)	echo "@@ not ok $name - exit status $status" ;;
	esac
	[ $status = 0 ] || [ $status = 77 ] || tail -n 25 $log | sed 's/^/# /'
}

systemd_running()
{
	local state i
	for i in $(seq 100); do
		state=$(systemctl is-system-running)
		case $state in
		running) return 0 ;;
		degraded) break ;;
		esac
		sleep 0.5
	done
	echo "state: $state"
	systemctl --no-pager --failed
	systemctl --no-pager list-jobs
	return 1
}

compile_c()
{
	cat > hello.c <<-'END'
	#include <math.h>
	#include <stdio.h>
	#include <stdlib.h>
	int main(int argc, char **argv)
	{
		printf("%d %.6f\n", argc, sqrt(atof(argv[1])));
		return 7;
	}
	END
	gcc -O2 -Wall -o hello hello.c -lm || return 1
	local said status
	said=$(./hello 2)
	status=$?
	echo "$said, status $status"
	[ "$said" = "2 1.414214" ] && [ $status = 7 ]
}

compile_threads()
{
	cat > threads.c <<-'END'
	#include <pthread.h>
	#include <stdio.h>
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static long sum;
	static void *work(void *arg)
	{
		for (int i = 0; i < 20000; i++) {
			pthread_mutex_lock(&lock);
			sum += (long)arg;
			pthread_mutex_unlock(&lock);
		}
		return NULL;
	}
	int main(void)
	{
		pthread_t t[8];

		for (long i = 0; i < 8; i++)
			pthread_create(&t[i], NULL, work, (void *)i);
		for (int i = 0; i < 8; i++)
			pthread_join(t[i], NULL);
		printf("%ld\n", sum);
		return sum != 560000;
	}
	END
	gcc -O2 -pthread -o threads threads.c && ./threads
}

gdb_break()
{
	gcc -g -O0 -o hello-g hello.c -lm || return 1
	gdb -batch -nx -ex 'break main' -ex 'run 2' -ex 'print argc' -ex bt \
		-ex 'next' -ex 'continue' ./hello-g > gdb.log 2>&1
	cat gdb.log
	grep -q '^\$1 = 2' gdb.log && grep -q 'exited with code 07' gdb.log
}

strace_calls()
{
	strace -f -o strace.log -e trace=execve,clone,clone3,vfork,exit_group \
		/bin/sh -c '/bin/true; exit 3'
	local status=$?
	cat strace.log
	[ $status = 3 ] && [ "$(grep -c 'execve(' strace.log)" -ge 2 ] &&
		grep -q 'exit_group(3)' strace.log
}

python_module()
{
	python3 -m test -q "$1" > python.log 2>&1
	local status=$?
	cat python.log
	# A module that skips itself wholly ends with 0 as well.
	! grep -q 'test skipped' python.log && return $status
}

dpkg_install()
{
	mkdir -p deb/DEBIAN deb/usr/share/uml-test
	echo "contents" > deb/usr/share/uml-test/file
	printf '%s\n' 'Package: uml-test' 'Version: 1.0' 'Architecture: all' \
		'Maintainer: nobody <nobody@localhost>' \
		'Description: made and installed by a test' > deb/DEBIAN/control
	printf '#!/bin/sh\necho configured > /usr/share/uml-test/state\n' \
		> deb/DEBIAN/postinst
	chmod 755 deb/DEBIAN/postinst
	dpkg-deb --root-owner-group -b deb uml-test.deb &&
		dpkg -i uml-test.deb &&
		[ "$(dpkg-query -W -f '${Status} ${Version}' uml-test)" = \
			"install ok installed 1.0" ] &&
		[ "$(cat /usr/share/uml-test/state)" = configured ] &&
		dpkg --audit && dpkg -P uml-test && [ ! -e /usr/share/uml-test/file ]
}

unit_restarts()
{
	printf '%s\n' '[Service]' 'ExecStart=/bin/sleep 100000' 'Restart=always' \
		'RestartSec=100ms' > /run/systemd/system/uml-test.service
	systemctl daemon-reload
	systemctl start uml-test.service || return 1
	local first second i
	first=$(systemctl show -P MainPID uml-test.service)
	kill -KILL "$first" || return 1
	for i in $(seq 100); do
		second=$(systemctl show -P MainPID uml-test.service)
		[ "$second" != 0 ] && [ "$second" != "$first" ] && break
		sleep 0.1
	done
	echo "was $first, is $second"
	systemctl --no-pager status uml-test.service
	[ "$second" != 0 ] && [ "$second" != "$first" ] &&
		[ "$(systemctl show -P NRestarts uml-test.service)" = 1 ] &&
		systemctl stop uml-test.service &&
		[ "$(systemctl show -P Result uml-test.service)" = success ]
}

# Stressors of a class, all at once, and each checks its own results.
stress()
{
	local seconds=$1
	shift
	stress-ng --temp-path $work --timeout "${seconds}s" --verify --metrics-brief "$@"
}

# Of a class those that fail on any Linux or for want of an option of this kernel:
#   io-uring	IORING_OP_STATX of a file that the test has removed: ENOENT everywhere
#   netlink-task	CONFIG_TASKSTATS is not set
#   netlink-proc	CONFIG_PROC_EVENTS is not set
#   efivar	no firmware
export stress_fails=" io-uring netlink-task netlink-proc efivar "

# All stressors of a class, each alone for some seconds. One may say that there is
# not what it needs (status 3, or 1 when nothing was started); none may fail.
stress_class()
{
	local s status failed= skipped=
	for s in $(stress-ng --class "$1?" 2>&1 | sed 's/.*stressors://'); do
		case $stress_fails in *" $s "*) skipped="$skipped $s"; continue ;; esac
		local as=
		# Three that refuse to run as root.
		case $s in
		exec|bad-ioctl|spawn) as="setpriv --reuid=65534 --regid=65534 --clear-groups" ;;
		esac
		mkdir -p -m 777 $work/alone
		timeout -k 5 120 $as stress-ng --temp-path $work/alone --timeout 3s --verify \
			--oomable "--$s" 1 > $work/alone.log 2>&1
		status=$?
		rm -rf $work/alone
		# forkheavy, killed for want of memory, leaves thousands; then mq has none.
		find /dev/mqueue -type f -delete
		if grep -qE 'skipp(ed|ing)|No stress workers invoked' $work/alone.log; then
			skipped="$skipped $s"
		elif [ $status != 0 ]; then
			failed="$failed $s($status)"
			tail -n 4 $work/alone.log
		fi
	done
	echo "skipped:$skipped"
	echo "failed:$failed"
	echo "@@ # $1: skipped$skipped" > /dev/console
	[ -z "$failed" ]
}

# Node's own tests of vm and worker_threads: a JIT, many threads, and signals that
# break into both. Each file is a program that ends with status 0.
node_tests()
{
	local f flags failed= ran=0
	command -v node > /dev/null || { echo "the image has no nodejs: make rootfs"; exit 77; }
	tar -xf /dev/ubdc || { echo "no source of nodejs from apt"; exit 77; }
	cd test/parallel || exit 1
	for f in "$@"; do
		flags=$(sed -n 's,^// Flags:,,p' "$f" | tr '\n' ' ')
		# shellcheck disable=SC2086
		if timeout -k 5 $((90 * ${PATIENCE:-1})) node $flags "$f" > $work/node.log 2>&1; then
			ran=$((ran + 1))
		else
			failed="$failed $f($?)"
			tail -n 8 $work/node.log
		fi
	done
	echo "$ran passed; failed:$failed"
	rm -rf $work/test
	[ -z "$failed" ] && [ $ran -gt 0 ]
}

# The names of the long form are not known before the disk has been read.
node_all()
{
	node_tests $(tar -tf /dev/ubdc | sed -n 's,^test/parallel/\(test-.*\.m\?js\)$,\1,p')
}

journal_reads()
{
	logger -t uml-test "a line for the journal"
	local i
	for i in $(seq 50); do
		journalctl -q --no-pager -t uml-test | grep -q 'a line for' && return 0
		sleep 0.2
	done
	journalctl -q --no-pager -n 20
	return 1
}

# Written and synced data is the same after the cache is dropped.
disk_data()
{
	dd if=/dev/urandom of=random bs=1M count=64 status=none &&
		sha256sum random > sum && sync &&
		echo 3 > /proc/sys/vm/drop_caches && sha256sum -c sum
}

# Rules of nftables, whose modules are loaded when they are needed: one port of the
# loopback is cut off, one refused, and one counted and let through.
nft_rules()
{
	nft -f - <<-'END' || return 1
	table inet uml_test {
		counter let_through { }
		chain input {
			type filter hook input priority 0; policy accept;
			iif lo tcp dport 4001 drop
			iif lo tcp dport 4002 reject with tcp reset
			iif lo tcp dport 4003 ct state new counter name let_through accept
		}
	}
	END
	nft list ruleset
	python3 - <<-'END' || return 1
	import socket
	servers = [socket.create_server(("127.0.0.1", port)) for port in (4001, 4002, 4003)]
	def why(port):
	    try:
	        socket.create_connection(("127.0.0.1", port), 2).close()
	        return "connects"
	    except OSError as e:
	        return type(e).__name__
	said = [why(port) for port in (4001, 4002, 4003)]
	print(said)
	assert said == ["TimeoutError", "ConnectionRefusedError", "connects"]
	END
	nft list counter inet uml_test let_through | tee counter
	grep -q 'packets 1 ' counter || return 1
	nft delete table inet uml_test
	python3 -c 'import socket as s; port = s.create_server(("127.0.0.1", 4001)); s.create_connection(("127.0.0.1", 4001), 2)'
}

check systemctl-running 90 systemd_running
check compile-c 60 compile_c
check compile-threads 60 compile_threads
check gdb 60 gdb_break
check strace 30 strace_calls
check disk-data 60 disk_data
check journal 30 journal_reads
check dpkg-install 120 dpkg_install
check unit-restarts 30 unit_restarts
check nftables 60 nft_rules
for module in test_os test_signal test_threading test_subprocess test_mmap test_socket; do
	check python-$module 240 python_module $module
done
check stress-cpu 60 stress 5 --cpu 1 --matrix 1 --qsort 1 --bsearch 1 --crypt 1 --regs 1 \
	--fp 1 --fp-error 1 --vecwide 1 --vecmath 1 --longjmp 1 --funccall 1 --opcode 1 \
	--priv-instr 1 --x86cpuid 1
check stress-vm 90 stress 6 --vm 1 --vm-bytes 48M --mmap 1 --mmap-bytes 32M \
	--brk 1 --mremap 1 --mremap-bytes 16M --madvise 1 --mprotect 1 --mmapfork 1 \
	--mmapmany 1 --munmap 1 --pagemove 1 --stack 1 --vm-rw 1 --vm-rw-bytes 16M \
	--vm-segv 1 --shm 1 --shm-sysv 1
check stress-os 90 stress 6 --fork 1 --vfork 1 --clone 1 --clone-max 16 --futex 1 \
	--timer 1 --itimer 1 --sigsegv 1 --sigfpe 1 --sigq 1 --sem 1 --getrandom 1 \
	--sigabrt 1 --sigchld 1 --sigfd 1 --signest 1 --sigrt 1 --sigtrap 1 --timerfd 1 \
	--epoll 1 --eventfd 1 --pidfd 1 --ptrace 1 --seccomp 1 --unshare 1 --bad-altstack 1
check stress-scheduler 60 stress 5 --switch 1 --yield 1 --nanosleep 1 --context 1 \
	--affinity 1 --schedpolicy 1
check stress-pipe 60 stress 5 --pipe 1 --fifo 1 --sock 1 --sockpair 1 --ring-pipe 1 \
	--sendfile 1 --splice 1 --tee 1 --vm-splice 1
check stress-filesystem 90 stress 5 --hdd 1 --hdd-bytes 32M --dir 1 --dentry 1 \
	--rename 1 --link 1 --seek 1 --chmod 1 --fallocate 1 --fallocate-bytes 16M \
	--inotify 1 --lockf 1 --flock 1 --utime 1 --symlink 1 --xattr 1 --getdent 1 --fcntl 1
export -f node_tests
check node-vm 240 node_tests test-vm-basic.js test-vm-run-in-new-context.js \
	test-vm-cached-data.js test-vm-timeout.js test-vm-sigint.js test-vm-module-basic.js
check node-worker 240 node_tests test-worker.js test-worker-memory.js \
	test-worker-message-port-wasm-threads.js test-worker-nested-uncaught.js \
	test-worker-terminate-microtask-loop.js test-worker-stack-overflow.js \
	test-worker-sharedarraybuffer-from-worker-thread.js
if [ -n "$LONG" ]; then
	check node-all 3600 node_all
	for class in cpu vm os scheduler pipe filesystem; do
		check stress-all-$class 3600 stress_class $class
	done
fi
dmesg --level=emerg,alert,crit,err,warn > kernel.log 2>&1
kernel_quiet()
{
	! grep -E 'BUG:|WARNING:|Oops|Call Trace|EXT4-fs error|I/O error|blocked for more' \
		$work/kernel.log
}
check kernel-quiet 10 kernel_quiet
# Who takes all memory is killed, and neither this script nor its unit is.
oom()
{
	(echo 1000 > /proc/self/oom_score_adj; exec tail /dev/zero)
	[ $? = 137 ] && dmesg | grep 'Out of memory: Killed process .*(tail)'
}
check oom 180 oom
rm -rf $work
echo "@@ done"
exit 42
