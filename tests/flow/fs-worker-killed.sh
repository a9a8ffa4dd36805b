# The process that serves a guest's files is killed: the guest gets errors and ends, nothing hangs,
# and the store and the next guest are unharmed.
# needs: image
. "$FLOW/lib.sh"
carrick run --rm debian:12 sh -c 'echo up; i=0
	while [ $i -lt 200 ] && ls / >/dev/null 2>&1; do sleep 0.1; i=$((i + 1)); done; echo lost' >out 2>err &
run=$!
for i in $(seq 300); do
	grep -q up out && break
	sleep 0.1
done
grep -q up out || fail "the guest did not start: $(cat err)"
worker=
for pid in $(ps -e -o pid= -o comm= | awk '$2 == "carrick-fsd" {print $1}'); do
	tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qxF "CARRICK_HOME=$CARRICK_HOME" || continue
	parent=$(awk '/^PPid:/ {print $2}' "/proc/$pid/status")
	if grep -q carrick-fsd "/proc/$parent/comm" 2>/dev/null; then worker=$pid; fi
done
[ -n "$worker" ] || fail "there is no worker"
kill -9 "$worker"
wait "$run" || true
expect_text out lost
expect_output "hi" carrick run --rm debian:12 echo hi
for i in $(seq 100); do
	[ -n "$(ls "$CARRICK_HOME/containers")" ] || exit 0
	sleep 0.1
done
fail "a container is left in the store"
