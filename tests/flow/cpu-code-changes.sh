# Code that changes under the threads that run it, in the translator and the interpreter.
# (For minutes: make code_changes SECONDS=300.)
. "$FLOW/lib.sh"
mkdir root
cp "$GUESTS/code_changes" root/code_changes
for engine in soft soft-interp; do
	expect_output "bad=0" carrick run-elf --engine $engine root/code_changes 8
done
