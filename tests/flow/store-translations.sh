# The second run of a program takes its translations from the first; a damaged file is ignored with
# a warning, and made again.
# needs: image
. "$FLOW/lib.sh"
program='python3 -c "print(6*7)"'
run() {
	expect_output 42 carrick run --rm "$@" debian:12 sh -c "$program"
}
file() {
	find "$CARRICK_HOME/translations" -type f
}
# It is stored behind the run's back.
wait_for_file() {
	for i in $(seq 100); do
		[ -n "$(file)" ] && [ -z "$(find "$CARRICK_HOME/tmp" -type f)" ] && return
		sleep 0.2
	done
	fail "no translations were kept"
}
run --aot=off
sleep 1
[ -z "$(file)" ] || fail "translations were kept though --aot=off"
run
wait_for_file
CARRICK_LOG=info run
! grep -q translations err || fail "the kept translations were not used: $(cat err)"
before=$(stat -c %i "$(file)")
printf 'damaged' | dd of="$(file)" bs=1 seek=100 conv=notrunc 2>/dev/null
run
expect_text err "damaged"
for i in $(seq 100); do
	[ "$(stat -c %i "$(file)")" != "$before" ] && break
	sleep 0.2
done
run
[ ! -s err ] || fail "the new translations were not used: $(cat err)"
# A container that is still being removed keeps its image's files.
for i in $(seq 100); do
	[ "$(carrick ps | wc -l)" = 1 ] && break
	sleep 0.1
done
carrick rmi -f debian:12 >/dev/null
[ -z "$(file)" ] || fail "translations are left of an image that is gone"
