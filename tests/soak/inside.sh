# SPDX-License-Identifier: GPL-2.0
#
# inside.sh - the part of tests/soak/run that runs in the guest, by bash as root.
#
#	inside.sh SECONDS SEED
#
# Rounds of load: twelve stressors of stress-ng at once, drawn from all classes
# that can run in any guest, for 15 seconds, while beat (beat.c) counts. Before
# the first round but one and after the last it is quiet, and "@@ count WHEN"
# asks the host to count what the guest has of it: once as it is, "WHEN-lazy", and
# once when Linux has unmapped what it maps no longer. All stressors are drawn by
# SEED.

seconds=$1
RANDOM=$2
work=/var/tmp/soak
loaded=/run/soak-rounds		# a line for each round whose stressors were started
mkdir -p $work
cd $work || exit 1

# Those left out: exec and bad-ioctl refuse to run as root; io-uring, netlink-task
# and the like fail or are skipped everywhere or for want of an option of the
# kernel (tests/debian/stress has the reasons); klog and loop fill the kernel's
# log; rtc, efivar and physical devices are not there.
out=" exec bad-ioctl io-uring netlink-task netlink-proc klog loop zram sysinval
sysbadaddr syscall "
stressors=()
for class in cpu cpu-cache interrupt io memory network os pipe scheduler vm filesystem; do
	for s in $(stress-ng --class $class? 2>/dev/null | sed 's/.*stressors://'); do
		case $out in *[[:space:]]$s[[:space:]]*) continue ;; esac
		case " ${stressors[*]} " in *" $s "*) continue ;; esac
		stressors+=("$s")
	done
done
echo "@@ # ${#stressors[@]} stressors"

# Here, not in a subshell, which would draw by a seed of its own.
draw()
{
	names=()
	while [ ${#names[@]} -lt 12 ]; do
		names+=("${stressors[RANDOM % ${#stressors[@]}]}")
	done
}

# One round, in a shell that may be killed when memory is short.
load()
(
	echo 0 > /proc/self/oom_score_adj
	args=()
	for s in "${names[@]}"; do
		args+=("--$s" 1)
	done
	timeout -k 10 120 stress-ng --temp-path $work --timeout 15s --verify --oomable \
		--hdd-bytes 32M --fallocate-bytes 32M --iomix-bytes 32M --vm-bytes 64M \
		"${args[@]}" > log 2>&1 < /dev/null
	status=$?
	# One that was stopped late leaves its children, who would compute for ever.
	pkill -KILL stress-ng
	echo "@@ # status $status: ${names[*]}"
	if grep -q 'dispatching hogs' log; then
		echo "${names[*]}" >> $loaded
	fi
	grep -E 'fail:' log | head -3 | sed 's/^/@@ #   /'
)

# What is unmapped in the vmalloc area stays mapped until 32 MiB of it are there,
# which may be thousands of mappings of the host, or until a BPF program is freed,
# which must be unmapped at once, and all else with it. So that is done here: what
# is mapped then is in use, or leaked.
purge()
{
	local lazy left i
	lazy=$(grep -c unpurged /proc/vmallocinfo)
	for i in $(seq 30); do
		./beat filter
		sleep 0.5
		left=$(grep -c unpurged /proc/vmallocinfo)
		[ "$left" -gt 8 ] || break
	done
	echo "@@ # $1: $(grep -vc unpurged /proc/vmallocinfo) areas of vmalloc in use," \
		"$lazy waited to be unmapped"
	[ "$left" -le 8 ] || echo "@@ not ok purge - $left areas still wait to be unmapped"
	grep -v unpurged /proc/vmallocinfo | awk '{ print $3 }' | sort | uniq -c |
		sort -rn | head -n 12 | sed "s/^/vmalloc $1: /"
	# Addresses, which the kernel shows only when they are called a secret.
	echo 1 > /proc/sys/kernel/kptr_restrict
	awk '{ print "@@ area " $1 }' /proc/vmallocinfo
}

quiet()
{
	# What the load left behind ends; the host's own work does, too.
	pkill -KILL stress-ng
	find $work -mindepth 1 -maxdepth 1 ! -name beat ! -name counts -exec rm -rf {} +
	sync
	echo 3 > /proc/sys/vm/drop_caches
	sleep 5
	echo "@@ count $1-lazy"
	sleep 3
	purge "$1"
	echo "@@ count $1"
	sleep 3
}

gcc -O2 -o beat /run/beat.c -pthread || exit 1
echo -1000 > /proc/self/oom_score_adj
./beat counts &
echo "@@ up"
draw
load
quiet before
end=$((SECONDS + seconds)) rounds=0
while [ $SECONDS -lt $end ]; do
	draw
	load
	rounds=$((rounds + 1))
done
quiet after
echo "@@ # $rounds rounds after the first"
if [ -s $loaded ]; then
	echo "@@ ok load ($(wc -l < $loaded) rounds)"
else
	echo "@@ not ok load - no round started its stressors"
fi

# No two that wait for each other have stopped.
./beat counts show > first
for i in $(seq 30); do
	sleep 1
	./beat counts show > second
	paste first second | awk '$2 == $4 { print $1 }' > stopped
	[ -s stopped ] || break
done
paste -sd, second | sed 's/^/@@ # /'
if [ -s stopped ]; then
	echo "@@ not ok wake-ups - lost by: $(paste -sd' ' stopped)"
	ps -C beat -o pid,ppid,stat,time,wchan:32 | sed 's/^/# /'
	# What ended one (the last word of stat), and where another computes.
	for p in $(pgrep -x beat); do
		echo "# $p: $(awk '{ print $3, $NF }' "/proc/$p/stat"), $(cat "/proc/$p/syscall")"
		gdb -p "$p" -batch -ex 'info registers' -ex 'x/3i $pc' -ex bt 2>&1 |
			grep -A40 '^rax' | sed 's/^/#   /'
	done
else
	echo "@@ ok wake-ups"
fi
# Where memory is short, which is the load's, Linux shows what asked for it.
dmesg | awk '/ invoked oom-killer: / { oom = 1 } !oom; / Killed process / { oom = 0 }' |
	grep -E 'BUG:|WARNING:|Oops|Call Trace|EXT4-fs error|I/O error|blocked for more|stall' \
	> quiet.log
if [ -s quiet.log ]; then
	echo "@@ not ok kernel-quiet - $(head -n 1 quiet.log)"
	dmesg | grep -A30 -m1 -F "$(head -n 1 quiet.log)" | sed 's/^/# /'
else
	echo "@@ ok kernel-quiet"
fi
pkill -KILL beat
cd /
rm -rf $work $loaded
echo "@@ done"
exit 42
