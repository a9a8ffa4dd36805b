# Environment, working directory, user, host name, read-only root, tmpfs, binds.
# needs: image
. "$FLOW/lib.sh"
expect_output "x y" carrick run --rm -e GREETING="x y" debian:12 sh -c 'echo "$GREETING"'
printf 'A=1\n# comment\nB=two\n' >env.list
expect_output "1two" carrick run --rm --env-file env.list debian:12 sh -c 'echo $A$B'
expect_output "/usr/share" carrick run --rm -w /usr/share debian:12 pwd
expect_output "nobody" carrick run --rm -u nobody debian:12 id -un
expect_output "1000:1001" carrick run --rm -u 1000:1001 debian:12 sh -c 'echo $(id -u):$(id -g)'
expect_output "boat" carrick run --rm --hostname boat debian:12 hostname
expect_status 1 carrick run --rm --read-only debian:12 sh -c 'touch /file 2>/dev/null'
expect_output "in memory" carrick run --rm --read-only --tmpfs /tmp debian:12 sh -c 'echo in memory >/tmp/f; cat /tmp/f'
mkdir shared
echo outside >shared/file
expect_output "outside" carrick run --rm -v "$PWD/shared:/mnt:ro" debian:12 cat /mnt/file
expect_status 2 carrick run --rm -v "$PWD/shared:/mnt:ro" debian:12 sh -c 'echo x >/mnt/file'
expect_output "" carrick run --rm --mount "type=bind,source=$PWD/shared,target=/mnt" debian:12 sh -c 'echo inside >/mnt/new'
[ "$(cat shared/new)" = inside ] || fail "the bind was not written"
expect_output "stdin" sh -c 'echo stdin | carrick run --rm -i debian:12 cat'
expect_output "/bin/sh -c" carrick run --rm --entrypoint /bin/echo debian:12 /bin/sh -c
# The race checker's own thread is in the way of a user namespace.
if [ "${SANITIZER-}" != tsan ]; then
	expect_output "contained" carrick run --rm --sandbox=require debian:12 echo contained
fi
expect_status 125 carrick run --rm --sandbox=perhaps debian:12 true

# Arguments, variables and names are bytes, whatever they mean.
odd=$(printf 'a\377\200b')
mkdir "$odd"
echo inside >"$odd/$odd"
expect_status 0 carrick run --rm debian:12 printf '%s\n' "$odd" "ü€"
[ "$(od -An -tx1 out | tr -d ' \n')" = 61ff80620ac3bce282ac0a ] || fail "arguments changed: $(od -An -tx1 out)"
expect_status 0 carrick run --rm -e "ODD=$odd" -v "$PWD/$odd:/$odd:ro" -w "/$odd" debian:12 sh -c 'printf "%s " "$ODD"; cat "$ODD"'
[ "$(od -An -tx1 out | tr -d ' \n')" = 61ff806220696e736964650a ] || fail "variables or names changed: $(od -An -tx1 out)"

# The guest's name resolves.
expect_output '127.0.1.1 box' carrick run --rm --hostname box debian:12 sh -c 'getent hosts "$(hostname)" | tr -s " "'
expect_status 0 carrick run --rm --jit-stats debian:12 true
expect_text err "memory: code"
expect_status 0 carrick run --rm --jit-stats --jit=off debian:12 true
expect_text err "engine soft-interp"
