# needs: image
# --sandbox=require is fatal in whichever process a layer is missing: the command, a supervisor,
# a service that was started where a layer cannot be had.
. "$FLOW/lib.sh"

without() {
	layer=$1
	shift
	python3 "$FLOW/without-layer.py" "$layer" "$@"
}

if carrick info | grep -A6 '^Sandbox layers' | grep -q ' no$'; then
	skip "this host does not permit every sandbox layer: $(carrick info | grep ' no$' | tr -s ' \n' ' ')"
fi
expect_output confined carrick run --rm --sandbox=require debian:12 echo confined

# The command finds out by itself; without "require" the guest runs.
for layer in landlock namespaces; do
	expect_status 125 without $layer carrick run --rm --sandbox=require debian:12 true
	expect_text err "does not permit the sandbox layer \"$layer\""
	expect_output lenient without $layer carrick run --rm debian:12 echo lenient
done

# The supervisor, which asks nobody.
supervisor=$(dirname "$(command -v carrick)")/carrick-supervisor
expect_status 125 without landlock "$supervisor" --sandbox=require 3<>/dev/null
expect_text err 'sandbox of the supervisor: landlock cannot be applied'

# A service that runs already, started where the layer was missing.
export CARRICK_RUNTIME_DIR=$PWD/weak-fsd
mkdir -m 700 "$CARRICK_RUNTIME_DIR"
expect_status 0 without landlock carrick images
expect_status 125 carrick run --rm --sandbox=require debian:12 true
expect_text err 'carrick-fsd cannot apply every sandbox layer'
export CARRICK_RUNTIME_DIR=$PWD/weak-netd
mkdir -m 700 "$CARRICK_RUNTIME_DIR"
expect_status 0 carrick images
expect_status 0 without landlock carrick run --rm debian:12 true
expect_status 125 carrick run --rm --sandbox=require debian:12 true
expect_text err 'carrick-netd cannot apply every sandbox layer'
expect_output lenient carrick run --rm debian:12 echo lenient
