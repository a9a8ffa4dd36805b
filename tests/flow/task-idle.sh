# Idle guests use no CPU: a sleeping command, a shell at its prompt, Node waiting for a timer.
# needs: runtimes
# once
. "$FLOW/lib.sh"
drive="$(cd "$FLOW/../.." && pwd)/harness/drive-terminal"
marks="$PWD/marks"
mkdir marks
chmod 777 marks

# supervisor_below PID: the pid of the supervisor among its descendants
supervisor_below() {
	for below in $(cat "/proc/$1/task/"*/children); do
		case $(cat "/proc/$below/comm") in
		carrick-supervi*) echo "$below" ;;
		*) supervisor_below "$below" ;;
		esac
	done
}

# ticks PID: hundredths of a second of processor time it has used
ticks() {
	set -- $(cut -d ' ' -f 14,15 "/proc/$1/stat")
	echo $(($1 + $2))
}

carrick run --rm -v "$marks:/m" runtimes:12 sh -c 'echo >/m/sleep; exec sleep 1000' >/dev/null 2>&1 &
guests=$!
carrick run --rm -v "$marks:/m" runtimes:12 \
	node -e 'setTimeout(() => 0, 1e6); require("fs").writeFileSync("/m/node", "")' >/dev/null 2>&1 &
guests="$guests $!"
"$drive" --timeout 200 carrick run --rm -it -e PS1='ready> ' -v "$marks:/m" runtimes:12 bash --norc \
	>/dev/null 2>&1 <<'END' &
expect ready> 
type echo >/m/bash\r
expect ready> 
pause 100
END
guests="$guests $!"
# shellcheck disable=SC2064 # these guests
trap "kill $guests 2>/dev/null; wait" EXIT
for i in $(seq 600); do
	[ -e marks/sleep ] && [ -e marks/node ] && [ -e marks/bash ] && break
	sleep 0.1
done
[ "$i" -lt 600 ] || fail "not all guests came up: $(ls marks)"
sleep 3
for pid in $guests; do
	supervisor=$(supervisor_below "$pid")
	[ -n "$supervisor" ] || fail "no supervisor below $pid"
	echo "$supervisor $(ticks "$supervisor")"
done >before
sleep 4
while read -r supervisor ticks; do
	used=$(($(ticks "$supervisor") - ticks))
	[ "$used" -le 8 ] || fail "an idle guest used $used hundredths of a second in four: $(cat before)"
done <before
[ "$(wc -l <before)" -eq 3 ] || fail "three guests, not: $(cat before)"
