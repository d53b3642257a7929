# SPDX-License-Identifier: GPL-2.0
"""The guest's clocks do not drift against the host's.

A program in the guest answers each line with its clocks. The host looks at its
own before it asks and after it has the answer: the guest's clock, less the
host's, lies between the two differences. Many questions at one time narrow that
down to what the quickest leave open, and two such times bound the drift from
both sides, whatever the load: a busy host makes the bounds wide, not wrong.

Ten seconds tell a clock that is wrong by 1 part in 10,000; LONG=1 takes an
hour, and a figure every minute.
"""

import os
import time

from programs import initrd
from uml import Guest, Skipped, check

SECONDS = 3600 if os.environ.get("LONG") else 10
EVERY = 60              # seconds between two figures
QUESTIONS = 300         # at one time
WIDE = 0.5e-3 if SECONDS < 60 else 5e-3     # bounds that say nothing, in seconds

PROGRAM = r"""
#include <stdio.h>
#include <time.h>

static long long ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(void)
{
	char line[16];

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		long long mono = ns(CLOCK_MONOTONIC), raw = ns(CLOCK_MONOTONIC_RAW);

		printf("%lld %lld %lld\n", mono, raw, ns(CLOCK_REALTIME));
	}
	return 0;
}
"""
CLOCKS = ("CLOCK_MONOTONIC", "CLOCK_MONOTONIC_RAW", "CLOCK_REALTIME")


class Clocks:
    def __init__(self, guest):
        self.guest, self.fd, self.at = guest, guest.files[0].fileno(), 0

    def answer(self):
        while True:     # the test's own limit of time bounds it
            data = os.pread(self.fd, 256, self.at)
            if data.endswith(b"\n"):
                self.at += len(data)
                return [int(word) for word in data.split()]

    def bounds(self):
        """For each clock, the guest's less the host's CLOCK_MONOTONIC, in ns:
        the greatest lower bound and the least upper bound.
        """
        low, high = [-1 << 63] * 3, [1 << 63] * 3
        for _ in range(QUESTIONS):
            before = time.monotonic_ns()
            self.guest.send(b"\n")
            said = self.answer()
            after = time.monotonic_ns()
            low = [max(b, s - after) for b, s in zip(low, said)]
            high = [min(b, s - before) for b, s in zip(high, said)]
        return list(zip(low, high))


def drifts(first, now):
    """What each clock has gained: (at least, at most), in seconds."""
    return [((b[0] - a[1]) / 1e9, (b[1] - a[0]) / 1e9) for a, b in zip(first, now)]


def test_no_drift(temp):
    with Guest(f"initrd={initrd(temp, clocks=PROGRAM)}", "UML_ARGV=/clocks") as g:
        clocks = Clocks(g)
        clocks.bounds()         # the first ones are slow
        first, start, gained = clocks.bounds(), time.monotonic(), []
        while time.monotonic() < start + SECONDS:
            time.sleep(min(EVERY, max(0, start + SECONDS - time.monotonic())))
            gained = drifts(first, clocks.bounds())
            if SECONDS > EVERY:
                print(f"# after {time.monotonic() - start:.0f} s, in us: "
                      + ", ".join(f"{name} {1e6 * low:+.1f} to {1e6 * high:+.1f}"
                                  for name, (low, high) in zip(CLOCKS, gained)),
                      flush=True)
        for name, (low, high) in zip(CLOCKS, gained):
            where = f"{1e6 * low:.0f} to {1e6 * high:.0f} us in {SECONDS} s"
            check(low <= 0 <= high, f"{name} drifts: {where}")
            if high - low > 2 * WIDE:
                raise Skipped(f"the host is too busy to say: {name} {where}")


test_no_drift.seconds = 2 * SECONDS + 60
