"""Where probes are, how they are built, and how their outputs are read and compared."""
import glob
import os
import re
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCES = os.path.join(TOP, "conformance-probes")
BUILD = os.path.join(TOP, "build/probes")
DRIVER = os.path.join(BUILD, "driver/driver")


def names(only=""):
    """Probe names such as fs/open_errors, sorted."""
    found = [os.path.relpath(path, SOURCES)[:-2] for path in glob.glob(os.path.join(SOURCES, "*/*.c"))]
    return sorted(name for name in found if not name.startswith("driver/") and (not only or only in name))


def build():
    """Builds all probes (make knows what is stale)."""
    subprocess.run(["make", "-s", "--no-print-directory", "-C", TOP, "probes"], check=True)


def binary(name):
    return os.path.join(BUILD, name)


def expect_path(name):
    return os.path.join(SOURCES, name + ".expect")


def expected(name):
    """The recorded output without its provenance; None if there is no recording."""
    try:
        with open(expect_path(name), errors="surrogateescape") as file:
            return "".join(line for line in file if not line.startswith("#"))
    except FileNotFoundError:
        return None


def provenance(name):
    """The digest of the source that the recording was made from."""
    try:
        with open(expect_path(name)) as file:
            match = re.match(r"# source sha256:(\w+)", file.readline())
            return match.group(1) if match else None
    except FileNotFoundError:
        return None


def parse(text):
    """The driver's report: {path: output with its last line `exit=N`, `signal=N` or `timeout`}."""
    outputs, path, lines = {}, None, []
    for line in text.splitlines():
        line = line.rstrip("\r")
        if line.startswith("BEGIN "):
            path, lines = line[6:], []
        elif path is not None and line.startswith("|"):
            lines.append(line[1:])
        elif path is not None and line.startswith(f"END {path} "):
            lines.append(line[len(path) + 5:])
            outputs[path] = "\n".join(lines) + "\n"
            path = None
    return outputs
