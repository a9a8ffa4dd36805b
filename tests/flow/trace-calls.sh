# carrick trace, as text and as JSON lines, and the compatibility report.
# needs: image
. "$FLOW/lib.sh"
expect_status 0 carrick trace run --rm debian:12 sh -c 'cat /etc/hostname >/dev/null; echo done'
expect_text out "done"
expect_text err 'openat(dirfd=AT_FDCWD, path="/etc/hostname"'
expect_text err 'execve(path="/'
[ "$(grep -o '^\[[0-9]*\]' err | sort -u | wc -l)" -ge 2 ] || fail "the trace does not follow children"
expect_status 0 carrick trace --format json run --rm debian:12 true
python3 -c 'import json, sys
calls = [json.loads(line) for line in open("err")]
assert any(c["call"] == "execve" or c["call"] == "brk" for c in calls)
assert all("tid" in c and "args" in c for c in calls)' || fail "the JSON lines do not parse"
expect_status 1 carrick compat-report debian:12 cat /proc/no-such-file
expect_text err "compatibility report"
expect_text err "/proc/no-such-file"
