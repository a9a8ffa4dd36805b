"""A root for another processor's programs on this host: qemu-user by binfmt_misc, in a chroot.  Needs root."""
import os
import shutil
import subprocess

from debpkg import fail

BINFMT = "/proc/sys/fs/binfmt_misc"
LINE = (b":%s:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:"
        b"\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:%s:F")


class QemuHandler:
    """arm64 programs run under qemu-user for as long as this is open."""

    def __init__(self):
        self.qemu = shutil.which("qemu-aarch64-static") or fail("qemu-aarch64-static is not installed; run `make deps`")
        self.name = f"carrick-{os.getpid()}"

    def __enter__(self):
        if not os.path.exists(os.path.join(BINFMT, "register")):
            subprocess.run(["mount", "-t", "binfmt_misc", "none", BINFMT], check=True)
        with open(os.path.join(BINFMT, "register"), "wb") as register:
            register.write(LINE % (self.name.encode(), self.qemu.encode()))
        return self

    def __exit__(self, *_):
        with open(os.path.join(BINFMT, self.name), "w") as handler:
            handler.write("-1")


class Chroot:
    """An archive's tree below a directory, with the file systems that programs expect, until it is closed."""

    def __init__(self, archive, root):
        self.root = root
        os.mkdir(root, 0o755)
        subprocess.run(["tar", "-C", root, "--numeric-owner", "--exclude=./dev/*", "-xpf", archive], check=True)

    def __enter__(self):
        for kind, target in (("proc", "proc"), ("sysfs", "sys")):
            os.makedirs(os.path.join(self.root, target), exist_ok=True)
            subprocess.run(["mount", "-t", kind, kind, os.path.join(self.root, target)], check=True)
        os.makedirs(os.path.join(self.root, "dev"), exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "dev", os.path.join(self.root, "dev")], check=True)
        for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
            subprocess.run(["mknod", "-m", "666", os.path.join(self.root, "dev", name), "c", "1", str(minor)], check=True)
        for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
            os.symlink("/proc/self/fd" + target, os.path.join(self.root, "dev", name))
        return self

    def __exit__(self, *_):
        for target in ("proc", "sys", "dev"):
            subprocess.run(["umount", "-l", os.path.join(self.root, target)], check=False, capture_output=True)
