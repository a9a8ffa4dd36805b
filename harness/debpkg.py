"""Debian packages of another architecture, without privilege: apt's resolver on a private state."""
import io
import lzma
import os
import re
import subprocess
import sys
import tarfile

ARCH = "arm64"


def fail(message):
    sys.exit(f"{os.path.basename(sys.argv[0])}: {message}")


def run(argv, env=None, **kwargs):
    try:
        return subprocess.run(argv, check=True, env=env, **kwargs)
    except FileNotFoundError:
        fail(f"{argv[0]} is not installed; run `make deps`")
    except subprocess.CalledProcessError as error:
        fail(f"`{' '.join(argv[:3])} …` ended with status {error.returncode}")


class Apt:
    """apt with a state of its own below `home`, for another architecture."""

    def __init__(self, home, suite):
        self.home = os.path.abspath(home)
        for sub in ("lists/partial", "archives/partial", "etc/apt.conf.d", "etc/preferences.d"):
            os.makedirs(os.path.join(self.home, sub), exist_ok=True)
        self.status = os.path.join(self.home, "status")
        open(self.status, "w").close()
        self.sources = os.path.join(self.home, "debian.sources")
        with open(self.sources, "w") as out:
            out.write(debian_sources(suite))
        options = {
            "APT::Architecture": ARCH,
            "APT::Architectures": ARCH,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Dir::State": self.home,
            "Dir::State::lists": os.path.join(self.home, "lists"),
            "Dir::State::status": self.status,
            "Dir::Cache": self.home,
            "Dir::Cache::archives": os.path.join(self.home, "archives"),
            "Dir::Etc::sourcelist": self.sources,
            "Dir::Etc::sourceparts": "-",
            "Dir::Etc::main": os.path.join(self.home, "none"),
            "Dir::Etc::preferences": os.path.join(self.home, "none"),
            "Dir::Etc::preferencesparts": os.path.join(self.home, "etc/preferences.d"),
            "Debug::NoLocking": "true",
        }
        self.options = [f"-o{key}={value}" for key, value in options.items()]

    def get(self, *args):
        return run(["apt-get", "-qq", *self.options, *args], capture_output=True, text=True).stdout

    def update(self):
        self.get("update")

    def essential(self):
        """Names of the essential and required packages of the suite."""
        out = run(["apt-cache", *self.options, "dumpavail"], capture_output=True, text=True).stdout
        names = []
        for stanza in out.split("\n\n"):
            if re.search(r"^Essential: yes$", stanza, re.M) or re.search(r"^Priority: required$", stanza, re.M):
                names.append(re.match(r"Package: (\S+)", stanza).group(1))
        return sorted(set(names))

    def download(self, packages):
        """Paths of the .deb files of packages and all they depend on."""
        # Against an empty archive, since files that are there already are not printed.
        empty = os.path.join(self.home, "empty")
        os.makedirs(os.path.join(empty, "partial"), exist_ok=True)
        uris = self.get("install", "-y", "--print-uris", f"-oDir::Cache::archives={empty}", *packages)
        names = [line.split()[1] for line in uris.splitlines() if line.startswith("'")]
        self.get("install", "-y", "--download-only", *packages)
        return [os.path.join(self.home, "archives", name) for name in names]


def debian_sources(suite):
    """This machine's apt sources for Debian, narrowed to the suite; else the archive's default."""
    uri, keyring = None, "/usr/share/keyrings/debian-archive-keyring.gpg"
    files = ["/etc/apt/sources.list"]
    parts = "/etc/apt/sources.list.d"
    if os.path.isdir(parts):
        files += [os.path.join(parts, name) for name in sorted(os.listdir(parts))]
    for path in files:
        try:
            text = open(path).read()
        except OSError:
            continue
        match = re.search(r"^URIs:\s*(\S+/debian)/?\s*$", text, re.M) or re.search(
            r"^deb\s+(?:\[[^]]*\]\s*)?(\S+/debian)/?\s", text, re.M
        )
        if match:
            uri = match.group(1)
            break
    if uri is None:
        script = "/usr/share/debootstrap/scripts/debian-common"
        text = open("/usr/share/debootstrap/scripts/sid").read() if os.path.exists(script) else ""
        match = re.search(r"^\s*default_mirror\s+(\S+)", text, re.M)
        if not match:
            fail("no Debian mirror in /etc/apt and debootstrap is not installed; run `make deps`")
        uri = match.group(1)
    return f"Types: deb\nURIs: {uri}\nSuites: {suite} {suite}-updates\nComponents: main\nSigned-By: {keyring}\n"


def ar_members(path):
    """The members of an ar archive (deb(5)) as {name: bytes}."""
    members = {}
    with open(path, "rb") as deb:
        if deb.read(8) != b"!<arch>\n":
            fail(f"{path} is not a Debian package")
        while len(header := deb.read(60)) == 60:
            size = int(header[48:58])
            members[header[:16].decode().strip().rstrip("/")] = deb.read(size)
            deb.read(size & 1)
    return members


def open_tar(members, stem):
    for name, data in members.items():
        if not name.startswith(stem):
            continue
        if name.endswith(".xz"):
            data = lzma.decompress(data)
        elif name.endswith(".zst"):
            data = run(["zstd", "-dc"], input=data, capture_output=True).stdout
        return tarfile.open(fileobj=io.BytesIO(data), mode="r:*")
    fail(f"a package has no {stem}")
