# Wrong command lines get one sentence that names the thing, and status 125.
. "$FLOW/lib.sh"
expect_status 125 carrick frobnicate
expect_text err 'frobnicate'
expect_status 125 carrick run --no-such-option image
expect_text err '--no-such-option'
expect_status 125 carrick run --memory lots image
expect_text err 'lots'
expect_status 125 carrick run
expect_text err 'no image'
expect_status 125 carrick run -v relative image true
expect_text err 'absolute'
expect_status 125 carrick run --mount type=bind,source=/nonexistent,target=/mnt image true
expect_text err '/nonexistent'
expect_status 0 carrick help run
expect_text out '--read-only'
expect_status 0 carrick version
expect_status 0 carrick info
expect_text out "seccomp      yes"
printf 'not an elf' >file
expect_status 126 carrick inspect-elf file
expect_status 0 carrick inspect-elf "$GUESTS/hi"
expect_text out 'arm64'

# A crash report is read with suspicion.
echo nonsense >not-a-report
expect_status 125 carrick debug crash not-a-report
expect_text err 'not-a-report is no crash report'
{ printf 'carrick crash 1\n'; head -c 900000 /dev/urandom; } >hostile
expect_status 0 carrick debug crash hostile
expect_status 125 carrick debug crash missing
expect_status 125 carrick debug
