# SPDX-License-Identifier: GPL-2.0
"""bench/qemu.py - guests of QEMU without KVM (TCG), for the rows of other programs here.

What is used where it is installed: qemu-system-x86_64 (Debian: qemu-system-x86)
and, for directories, virtiofsd, which comes with it in /usr/lib/qemu. The kernel
is Debian's for virtual machines: its package is fetched by apt-get download into
build/bench/qemu and unpacked there, not installed.

A guest has one processor and starts from an initramfs: busybox, the modules of
its virtio devices, the files of an archive that the caller adds, and the
caller's script, which runs as part of /init. What that prints on the console is
the program's output.
"""

import contextlib
import glob
import os
import resource
import shutil
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PLACE = os.path.join(os.path.dirname(HERE), "build", "bench", "qemu")
QEMU = "qemu-system-x86_64"
META = "linux-image-cloud-amd64"
VIRTIOFSD = next((p for p in ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd")
                  if os.path.exists(p)), None)
BUSYBOX = next((p for p in ("/bin/busybox", "/usr/bin/busybox") if os.path.exists(p)), None)
MODULES = ["virtio_pci", "virtio_blk", "virtio_net", "virtiofs", "overlay"]

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /bin /dev /proc /sys /tmp /mnt /root
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin
mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys
for m in /modules/*; do insmod $m; done
sh /start
sync
poweroff -f
"""


class Missing(Exception):
    """Why there is no row of QEMU, in words for who runs the benchmark."""


def run(argv, **more):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, **more)
    if done.returncode:
        raise Missing(f"{' '.join(argv)[:80]} fails: {done.stderr.strip()[-200:]}")
    return done.stdout


def unpacked():
    """Fetch the kernel's package if it is not there."""
    if not glob.glob(PLACE + "/root/boot/vmlinuz-*"):
        for tool in ("apt-cache", "apt-get", "dpkg", "depmod"):
            if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
                raise Missing(f"no {tool} here to fetch a kernel for it")
        shutil.rmtree(PLACE, ignore_errors=True)
        os.makedirs(PLACE)
        names = [line.split()[1] for line in run(["apt-cache", "depends", META]).splitlines()
                 if line.strip().startswith("Depends: linux-image")]
        if not names:
            raise Missing(f"apt knows no {META}: apt-get update")
        print(f"bench: fetching {names[0]}", flush=True)
        run(["apt-get", "download", names[0]], cwd=PLACE)
        run(["dpkg", "-x", glob.glob(PLACE + "/*.deb")[0], PLACE + "/root.new"])
        os.rename(PLACE + "/root.new", PLACE + "/root")
    kernel = glob.glob(PLACE + "/root/boot/vmlinuz-*")[0]
    return kernel, os.path.basename(kernel)[len("vmlinuz-"):]


def archive():
    """(kernel, initramfs without the caller's part); raises Missing."""
    if not shutil.which(QEMU):
        raise Missing(f"{QEMU} is not installed (Debian: apt-get install qemu-system-x86)")
    if not BUSYBOX:
        raise Missing("busybox is not installed (Debian: busybox-static)")
    kernel, version = unpacked()
    env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    root = PLACE + "/initramfs"
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root + "/modules")
    os.mkdir(root + "/bin")
    run(["depmod", "-b", PLACE + "/root", version], env=env)
    files = []
    for name in MODULES:
        for line in run(["modprobe", "-d", PLACE + "/root", "-S", version, "--show-depends", name],
                        env=env).splitlines():
            word = line.split()
            if word[0] == "insmod" and word[1] not in files:
                files.append(word[1])
    for n, file in enumerate(files):
        shutil.copy(file, f"{root}/modules/{n:02}-{os.path.basename(file)}")
    shutil.copy(BUSYBOX, root + "/bin/busybox")
    with open(root + "/init", "w", encoding="ascii") as f:
        f.write(INIT)
    os.chmod(root + "/init", 0o755)
    return kernel, cpio(root)


def cpio(root):
    """The files below a directory, as root's."""
    names = subprocess.run(["find", "."], cwd=root, capture_output=True, check=True).stdout
    return subprocess.run(["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"], cwd=root,
                          input=names, capture_output=True, check=True).stdout


def many_files():
    """virtiofsd keeps open what the guest knows; root may go beyond the hard limit."""
    for limit in (1 << 20, resource.getrlimit(resource.RLIMIT_NOFILE)[1]):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return


class Machine:
    """
    How guests start; made once, raises Missing.

    @scratch: a directory
    @files: an archive that is unpacked over the guest's root
    """

    def __init__(self, scratch, files=b""):
        self.scratch = scratch
        self.kernel, base = archive()
        self.base = base + files

    @contextlib.contextmanager
    def directories(self, shares):
        """virtiofsd for each {tag: directory}; the options for QEMU."""
        daemons, options = [], []
        try:
            for tag, path in shares.items():
                sock = f"{self.scratch}/{tag}.sock"
                daemons.append(subprocess.Popen(
                    [VIRTIOFSD, f"--socket-path={sock}", "-o", f"source={path}",
                     "-o", "cache=auto", "-o", "sandbox=chroot"],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    preexec_fn=many_files))
                end = time.monotonic() + 10
                while not os.path.exists(sock):
                    if time.monotonic() > end or daemons[-1].poll() is not None:
                        raise Missing(f"{VIRTIOFSD} does not start (it wants root)")
                    time.sleep(0.05)
                options += ["-chardev", f"socket,id={tag},path={sock}",
                            "-device", f"vhost-user-fs-pci,chardev={tag},tag={tag}"]
            yield options
        finally:
            for d in daemons:
                d.kill()
                d.wait()

    def run(self, script, seconds, mem, disks=(), shares=None, options=(), pass_fds=()):
        """Boot, run the script; all that it printed. @disks: (file, read-only)"""
        start = f"{self.scratch}/start.d"
        os.makedirs(start, exist_ok=True)
        with open(start + "/start", "w", encoding="utf-8") as f:
            f.write(script)
        initrd = f"{self.scratch}/qemu.cpio"
        with open(initrd, "wb") as f:
            f.write(self.base + cpio(start))
        argv = [QEMU, "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", mem, "-nodefaults",
                "-display", "none", "-serial", "stdio", "-no-reboot", "-kernel", self.kernel,
                "-initrd", initrd, "-append", "console=ttyS0 quiet loglevel=1 panic=-1", *options]
        for n, (file, readonly) in enumerate(disks):
            argv += ["-drive", f"file={file},if=none,id=d{n},format=raw,readonly={'on' if readonly else 'off'}",
                     "-device", f"virtio-blk-pci,drive=d{n}"]
        if shares and not VIRTIOFSD:
            raise Missing("virtiofsd is not installed")
        with self.directories(shares or {}) as more:
            if shares:
                argv += ["-object", f"memory-backend-memfd,id=mem,size={mem},share=on",
                         "-machine", "pc,memory-backend=mem", *more]
            try:
                done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds,
                                      stdin=subprocess.DEVNULL, check=False, errors="replace",
                                      pass_fds=pass_fds)
            except subprocess.TimeoutExpired as e:
                return (e.stdout or b"").decode(errors="replace") + "\n(time limit)"
        return done.stdout + done.stderr
