# SPDX-License-Identifier: GPL-2.0
#
# The entry to everything: each target calls a script, which says in its head
# what it does. 'make help' lists them. All that is built lies in build/.

# A '$' in the guest's command is the guest's, not make's.
override CMD := $(value CMD)
# make's own default for CC is no wish of the user.
ifeq ($(origin CC),default)
CC :=
endif
# Settings reach the scripts in the environment; one that is empty is not set.
$(foreach v,KERNEL CC LLVM JOBS V HUGEPAGES ROOT CMD MEM ARGS PREFIX DESTDIR,\
	$(if $(value $(v)),$(eval export $(v)),$(eval unexport $(v))))

.PHONY: linux uml deps run test bench rootfs install clean help
.DEFAULT_GOAL := linux

linux: deps
	@tools/build/linux
	@tools/build/uml

# The launcher alone.
uml: deps
	@tools/build/uml

deps:
	@tools/build/deps

# make itself exits with 2 when the guest's status is not 0, and prints the
# status; run tools/build/run to have the status itself.
run: linux
	@tools/build/run

# What the tests use beside what the build needs; a test that misses one is skipped.
TEST_PACKAGES := bubblewrap debhelper e2fsprogs gdb iproute2 libcap-dev libpopt-dev \
	lintian man-db mount passt procps qemu-system-x86 squashfs-tools strace \
	uml-utilities util-linux zsh

test: linux
	@tools/build/deps $(TEST_PACKAGES)
	@tests/run $(TESTS)

# The stock kernel to compare with, and what draws the plot. QEMU has its columns
# where it is installed. A row that is worse than stock's makes it fail, when all
# is measured.
bench: linux
	@tools/build/deps busybox-static e2fsprogs fio git gnuplot-nox iperf3 iproute2 kmod passt user-mode-linux
	@tools/build/rootfs
	@bench/run --check; status=$$?; \
		bench/disk --rounds 1 && bench/hostfs --reps 2 && \
		bench/net --rounds 1 --seconds 3 && exit $$status

rootfs: deps
	@tools/build/rootfs

install: linux
	@tools/build/install

clean:
	rm -rf build

help:
	@echo "make [linux]   build/linux, the kernel as a program, and build/uml, its launcher"
	@echo "               KERNEL=DIR: of that tree; LLVM=1 or CC=...: by that compiler; V=1: show all"
	@echo "make run       run it: a shell, or CMD='...' (ROOT=build/debian.img: with Debian;"
	@echo "               MEM=1G, ARGS='...': more for its command line)"
	@echo "make test      all tests; TESTS='...': those"
	@echo "make bench     measure the host, this kernel and Debian's user-mode-linux"
	@echo "make rootfs    build/debian.img, a Debian 12 to run in it"
	@echo "make install   into PREFIX=/usr/local (DESTDIR=...)"
	@echo "make deps      install the packages that the build needs"
	@echo "make clean     remove build/"
