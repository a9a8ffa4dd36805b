# lib.sh: what scenarios share.  Each runs with `sh -eu`, in an empty directory of its own, with
# CARRICK_HOME and CARRICK_RUNTIME_DIR its own, carrick in PATH, and $GUESTS holding the static
# arm64 programs of tests/flow/guest.

# fail TEXT: ends the scenario
fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# skip TEXT: ends the scenario as skipped, with its reason
skip() {
	echo "$*"
	exit 77
}

# expect_status N COMMAND...: runs the command, which must end with N; output in out and err
expect_status() {
	want=$1
	shift
	got=0
	"$@" >out 2>err || got=$?
	[ "$got" = "$want" ] || fail "status $got instead of $want: $*
$(cat out err)"
}

# expect_text FILE TEXT: the file must contain the text
expect_text() {
	grep -qF -- "$2" "$1" || fail "$1 lacks \"$2\":
$(cat "$1")"
}

# expect_output TEXT COMMAND...: standard output must be exactly TEXT
expect_output() {
	text=$1
	shift
	expect_status 0 "$@"
	[ "$(cat out)" = "$text" ] || fail "output of $*:
$(cat out)
instead of:
$text"
}

# ten_times TEXT [OPTION...] IMAGE COMMAND...: the command, ten times in one guest, each printing
# exactly TEXT
ten_times() {
	text=$1
	shift
	options=
	for word; do
		case $word in
		*:12) break ;;
		esac
		options="$options $word"
		shift
	done
	image=$1
	shift
	: >want
	for i in 1 2 3 4 5 6 7 8 9 10; do
		printf '%s\n' "$text" >>want
	done
	# shellcheck disable=SC2086,SC2016 # options of the container; the guest's shell expands
	expect_status 0 carrick run --rm $options "$image" \
		sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do "$@" || exit; done' sh "$@"
	cmp out want || fail "output of ten times $*:
$(cat out)"
}
