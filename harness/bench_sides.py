"""Who runs the rows of `make bench`: carrick, qemu-aarch64 in a chroot of the same root, and this host."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

TIMEOUT = 900


class Failed(Exception):
    pass


class Outcome:
    """One run: wall and processor seconds, and the score it printed, if the row has one."""

    def __init__(self, wall, cpu, score):
        self.wall, self.cpu, self.score = wall, cpu, score


def run(side, argv, score=None, **options):
    """Runs a row's command on a side.  Processor time is that of the command and all below it."""
    command, env = side.command([word.replace("BENCH/", side.bench + "/") for word in argv], **options)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        child = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=side.work,
                                 start_new_session=True)
        timer = threading.Timer(TIMEOUT, os.killpg, (child.pid, signal.SIGKILL))
        timer.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)
            raise
        finally:
            timer.cancel()
            child.returncode = 0
        wall = time.monotonic() - start
        out.seek(0)
        err.seek(0)
        text, complaint = out.read().decode(errors="replace"), err.read().decode(errors="replace")
    if status != 0:
        raise Failed(f"{side.name}: status {os.waitstatus_to_exitcode(status)}: {complaint[-300:]}")
    found = re.search(score, text, re.M) if score else None
    if score and not found:
        raise Failed(f"{side.name}: no rate in {text[-300:]!r}")
    side.output = text
    return Outcome(wall, usage.ru_utime + usage.ru_stime, float(found.group(1)) if found else None)


class Carrick:
    name = "carrick"
    bench = "/bench"

    def __init__(self, bin_dir, home, options):
        self.carrick = os.path.join(os.path.abspath(bin_dir), "carrick")
        self.options, self.work = options, home
        runtime = os.path.join(home, "run")
        os.makedirs(runtime, mode=0o700)
        self.env = dict(os.environ, CARRICK_HOME=os.path.join(home, "store"), CARRICK_RUNTIME_DIR=runtime)

    def load(self, archive, name, bench):
        self.files = bench
        subprocess.run([self.carrick, "import", "-q", archive, name], env=self.env, check=True, capture_output=True)

    def command(self, argv, image="bench:1"):
        return [self.carrick, "run", "--rm", *self.options, "-v", f"{self.files}:/bench:ro", image, *argv], self.env


class Qemu:
    name = "qemu"
    bench = "/bench"

    def __init__(self, chroot, home, bench):
        self.root, self.work = chroot.root, home
        if bench:
            shutil.copytree(bench, os.path.join(self.root, "bench"))
        self.env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}

    def command(self, argv, **_):
        return ["chroot", self.root, *argv], self.env


class Native:
    """The same program of this host's distribution, where it has one."""

    name = "native"

    def __init__(self, home, bench):
        self.bench, self.work = bench, home
        self.env = {"PATH": "/usr/bin:/bin", "HOME": home, "TMPDIR": home}

    def has(self, argv):
        return argv[0].startswith("BENCH/") or shutil.which(argv[0], path=self.env["PATH"]) is not None

    def command(self, argv, **_):
        return argv, self.env
