# OCI archives, layouts and docker-archives with several layers; and what is damaged or hostile.
. "$FLOW/lib.sh"
command -v sha256sum >/dev/null && command -v python3 >/dev/null || skip "needs sha256sum and python3"
mkdir -p l1/bin l1/etc l2/etc
cp "$GUESTS/hi" l1/bin/hi
echo one >l1/etc/a
echo two >l2/etc/b
: >l2/etc/.wh.a
for l in l1 l2; do tar --owner=0 --group=0 -C $l -cf $l.tar .; done
python3 - <<'EOF'
import gzip, hashlib, io, json, os, tarfile

def blob(data):
    digest = hashlib.sha256(data).hexdigest()
    os.makedirs("oci/blobs/sha256", exist_ok=True)
    open("oci/blobs/sha256/" + digest, "wb").write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}

tars = [open(name, "rb").read() for name in ("l1.tar", "l2.tar")]
layers = [blob(gzip.compress(t)) for t in tars]
config = {"os": "linux", "architecture": "arm64", "config": {"Cmd": ["/bin/hi"]},
          "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(t).hexdigest() for t in tars]}}
manifest = blob(json.dumps({"schemaVersion": 2, "config": blob(json.dumps(config).encode()), "layers": layers}).encode())
manifest.update(mediaType="application/vnd.oci.image.manifest.v1+json",
                annotations={"org.opencontainers.image.ref.name": "layered:1"})
open("oci/index.json", "w").write(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
open("oci/oci-layout", "w").write('{"imageLayoutVersion":"1.0.0"}')
os.makedirs("docker")
for name, data in (("c.json", json.dumps(config).encode()), ("1.tar", tars[0]), ("2.tar", tars[1]),
                   ("manifest.json", json.dumps([{"Config": "c.json", "RepoTags": ["dock:1"],
                                                  "Layers": ["1.tar", "2.tar"]}]).encode())):
    open("docker/" + name, "wb").write(data)
with tarfile.open("escape.tar", "w") as t:
    link = tarfile.TarInfo("out"); link.type = tarfile.SYMTYPE; link.linkname = os.getcwd(); t.addfile(link)
    f = tarfile.TarInfo("out/escaped"); f.size = 1; t.addfile(f, io.BytesIO(b"x"))
open("big.manifest", "w").write("x")
EOF
tar -C oci -cf oci.tar .
tar -C docker -czf docker.tar.gz .
expect_status 0 carrick load -i oci.tar
expect_text out "layered:1"
expect_output "hi" carrick run --rm layered:1
expect_status 0 carrick load -i oci -t dir:1
expect_output "hi" carrick run --rm dir:1
expect_status 0 carrick load -i docker.tar.gz
expect_text out "dock:1"
expect_output "hi" carrick run --rm dock:1
expect_status 0 sh -c 'carrick load -t piped:1 <oci.tar'
expect_output "hi" carrick run --rm piped:1
# Archives of several images: all of them, with all their names.
python3 - <<'EOF'
import json
index = json.load(open("oci/index.json"))
second = json.loads(json.dumps(index["manifests"][0]))
second["annotations"] = {"org.opencontainers.image.ref.name": "1", "io.containerd.image.name": "docker.io/library/other:1"}
index["manifests"].append(second)
json.dump(index, open("oci/index.json", "w"))
manifest = json.load(open("docker/manifest.json"))
manifest[0]["RepoTags"].append("dock:alias")
manifest.append(dict(manifest[0], RepoTags=["dock:2"], Layers=["1.tar", "2.tar"]))
json.dump(manifest, open("docker/manifest.json", "w"))
EOF
expect_status 0 carrick load -i oci
[ "$(grep -c 'Loaded image' out)" = 2 ] || fail "not both images: $(cat out)"
expect_output "hi" carrick run --rm other:1
expect_status 0 carrick load -i docker
[ "$(grep -c 'Loaded image' out)" = 3 ] || fail "not all names: $(cat out)"
expect_output "hi" carrick run --rm dock:alias
expect_output "hi" carrick run --rm dock:2
for name in other:1 dock:alias dock:2; do expect_status 0 carrick rmi $name; done
[ "$(ls "$CARRICK_HOME/layers" | wc -l)" = 2 ] || fail "equal layers are stored twice"
expect_status 125 carrick import escape.tar bad:1
expect_text err "through a link"
[ ! -e escaped ] || fail "the archive wrote outside"
expect_status 125 carrick load -i oci.tar --platform linux/amd64 -t bad:2
expect_text err "linux/amd64"
layer=$(ls -S oci/blobs/sha256 | head -1)
printf X | dd of="oci/blobs/sha256/$layer" bs=1 seek=100 conv=notrunc 2>/dev/null
for image in $(carrick images -q 2>/dev/null || echo layered:1 dir:1 dock:1 piped:1); do
	carrick rmi -f "$image" >/dev/null 2>&1 || true
done
expect_status 125 carrick load -i oci -t bad:3
expect_text err "damaged"
for i in $(seq 50); do
	[ -n "$(ls "$CARRICK_HOME/layers" "$CARRICK_HOME/tmp" | grep -v :)" ] || exit 0
	sleep 0.1
done
fail "left in the store: $(ls "$CARRICK_HOME/layers" "$CARRICK_HOME/tmp")"
