"""Debian arm64 by debootstrap's two stages, for the scripts that make images of it.

The first stage unpacks packages and runs no arm64 code; fakeroot remembers owners, modes and
devices, so that it needs no privilege and gives the same archive to everyone.  The second stage
is arm64 code: dpkg unpacks and configures every package.  It runs in a guest.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from debpkg import ARCH, debian_sources, fail

# Run in the guest; what it prints goes to standard error, since an archive may go to the other.
SECOND_STAGE = "/debootstrap/debootstrap --second-stage >&2"
# In the fakeroot.  debootstrap makes /proc a link where it cannot mount one; images have a directory.
FIRST_STAGE = r"""
set -eu
debootstrap --foreign --variant=minbase --arch="$ARCH" --cache-dir="$CACHE" "$SUITE" "$ROOT" "$MIRROR"
if [ -h "$ROOT/proc" ]; then rm "$ROOT/proc"; mkdir -m 555 "$ROOT/proc"; fi
rm -f "$ROOT/etc/hostname" "$ROOT/etc/resolv.conf"
tar -C "$ROOT" --numeric-owner --sort=name -cf "$OUT" .
"""
STEP = re.compile(r"^I: (Retrieving|Validating|Extracting|Unpacking|Configuring) (\S+?)\.*(\s|$)")


class Progress:
    """What debootstrap prints: one changing line on a terminal, one line a phase elsewhere; all in a log."""

    def __init__(self, log):
        self.log = open(log, "w")
        self.path = log
        self.phase, self.count = None, 0
        self.tail = []
        self.terminal = sys.stderr.isatty()

    def line(self, text):
        text = text.rstrip("\n")
        self.log.write(text + "\n")
        self.tail = (self.tail + [text])[-15:]
        match = STEP.match(text)
        if not match:
            return
        phase, what = match.group(1), match.group(2)
        if phase == "Validating":
            phase = "Retrieving"
        if phase != self.phase:
            self.phase, self.count = phase, 0
            if not self.terminal:
                print(f"  {phase.lower()} ...", file=sys.stderr, flush=True)
        self.count += 1
        if self.terminal:
            print(f"\r  {phase.lower()} {self.count:3} {what[:50]:50}", end="", file=sys.stderr, flush=True)

    def close(self):
        if self.terminal and self.phase:
            print("\r" + " " * 72 + "\r", end="", file=sys.stderr, flush=True)
        self.log.close()

    def follow(self, argv, env=None, stdin=subprocess.DEVNULL, stdout=None):
        """Runs a command whose messages are debootstrap's; its status."""
        errors = subprocess.STDOUT if stdout is None else subprocess.PIPE
        with subprocess.Popen(argv, env=env, stdin=stdin, stdout=stdout or subprocess.PIPE,
                              stderr=errors, text=True, errors="replace") as child:
            for text in child.stdout if stdout is None else child.stderr:
                self.line(text)
        return child.returncode

    def complain(self, what):
        self.close()
        print(*self.tail, sep="\n", file=sys.stderr)
        fail(f"{what}; the lines above are the end of {self.path}")


def mirror(suite):
    return re.search(r"^URIs: (\S+)", debian_sources(suite), re.M).group(1)


def proxy_environment():
    """apt's proxy, if one is configured, for debootstrap's downloads."""
    if os.environ.get("http_proxy"):
        return {}
    done = subprocess.run(["apt-config", "shell", "P", "Acquire::http::Proxy"], capture_output=True, text=True)
    match = re.match(r"P='(\S+)'", done.stdout)
    return {"http_proxy": match.group(1)} if match else {}


def first_stage(suite, cache, out):
    """Makes OUT, the tar of a root after the first stage."""
    path = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    for tool in ("debootstrap", "fakeroot", "tar"):
        if not shutil.which(tool, path=path):
            fail(f"{tool} is not installed; run `make deps`")
    debs = os.path.join(os.path.abspath(cache), f"{suite}-debs")
    os.makedirs(debs, exist_ok=True)
    progress = Progress(os.path.join(cache, "first-stage.log"))
    with tempfile.TemporaryDirectory(prefix="first-stage-", dir=cache) as work:
        env = dict(os.environ, PATH=path, ARCH=ARCH, CACHE=debs, SUITE=suite, ROOT=os.path.join(work, "root"),
                   MIRROR=mirror(suite), OUT=out + ".partial", LC_ALL="C.UTF-8", **proxy_environment())
        if progress.follow(["fakeroot", "sh", "-c", FIRST_STAGE], env) != 0:
            progress.complain(f"the first stage of debootstrap failed (mirror {env['MIRROR']})")
    progress.close()
    os.replace(out + ".partial", out)
