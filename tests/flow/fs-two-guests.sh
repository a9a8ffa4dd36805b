# Two guests of one image write to their own roots; one supervisor is killed: the other guest and
# the store are unharmed.
# needs: image
. "$FLOW/lib.sh"
mkdir shared
carrick run --rm -v "$PWD/shared:/mnt" debian:12 sh -c '
	echo one >/etc/mine; sleep 1000 &
	sleep 0.2; touch /mnt/one # one call is under way from here on
	while [ ! -e /mnt/go ]; do cat /etc/mine >>/var/log/busy; done' >one.out 2>one.err &
one=$!
carrick run --rm -v "$PWD/shared:/mnt" debian:12 sh -c '
	echo two >/etc/mine; touch /mnt/two
	while [ ! -e /mnt/go ]; do echo x >>/var/log/busy; done
	[ -s /var/log/busy ]; cat /etc/mine' >two.out 2>two.err &
two=$!
for i in $(seq 300); do
	[ -e shared/one ] && [ -e shared/two ] && break
	sleep 0.1
done
[ -e shared/one ] && [ -e shared/two ] || fail "a guest did not start: $(cat one.err two.err)"
supervisor=
for pid in $(ps -e -o pid= -o ppid= | awk -v p=$one '$2 == p {print $1}'); do
	grep -q carrick-superv "/proc/$pid/comm" && supervisor=$pid
done
[ -n "$supervisor" ] || fail "the guest has no supervisor"
kill -9 "$supervisor"
status=0; wait "$one" || status=$?
[ "$status" = 125 ] || fail "the killed guest ended with $status: $(cat one.err)"
[ -s one.err ] || fail "no word about the killed guest"
[ "$(wc -l <one.err)" = 1 ] || fail "more than one sentence: $(cat one.err)"
# What the guest did last is kept.
report=$(sed -n 's/.*`carrick debug crash \([^`]*\)`.*/\1/p' one.err)
[ -f "$report" ] || fail "no crash report: $(cat one.err)"
expect_status 0 carrick debug crash "$report"
expect_text out 'was ended by signal 9'
expect_text out 'openat('
expect_text out 'has not returned'
touch shared/go
status=0; wait "$two" || status=$?
[ "$status" = 0 ] || fail "the other guest ended with $status: $(cat two.err)"
[ "$(cat two.out)" = two ] || fail "the other guest said: $(cat two.out)"
expect_output "fresh" carrick run --rm debian:12 sh -c '[ -e /etc/mine ] || echo fresh'
expect_status 0 carrick images
expect_text out "debian:12"
for i in $(seq 100); do
	[ -n "$(ls "$CARRICK_HOME/containers")" ] || exit 0
	sleep 0.1
done
fail "a container is left in the store"
