# The memory order that Arm promises, and atomic counters, in the translator and the interpreter.
# (For minutes: make litmus SECONDS=300.)
. "$FLOW/lib.sh"
[ "$(nproc)" -gt 1 ] || skip "threads never meet on one CPU"
mkdir root
cp "$GUESTS/litmus" root/litmus
for engine in soft soft-interp; do
	expect_output "bad=0" carrick run-elf --engine $engine root/litmus 8
done
