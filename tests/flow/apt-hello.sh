# needs: image
# apt fetches the lists from the mirror over the host's network, installs a package and runs it.
. "$FLOW/lib.sh"

mirror=$(carrick run --rm --network none debian:12 sed -n 's/^URIs: //p' /etc/apt/sources.list.d/debian.sources)
python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1] + "/dists/bookworm/InRelease", timeout=20).read(1)' \
	"$mirror" 2>reason || skip "the mirror $mirror cannot be reached from here: $(tail -n 1 reason)"

expect_status 0 carrick run --rm debian:12 sh -c 'apt-get update && apt-get install -y hello && hello && dpkg -s hello'
expect_text out 'Hello, world!'
expect_text out 'Setting up hello'
expect_text out 'Status: install ok installed'
if grep -E '^(W|E|Err):' err out; then fail "apt warns"; fi
