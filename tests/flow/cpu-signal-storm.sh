# Computing threads of two processes under a storm of SIGSEGV from both, in both engines.
# (For minutes: make signal_storm SECONDS=300.)
. "$FLOW/lib.sh"
mkdir root
cp "$GUESTS/signal_storm" root/signal_storm
for engine in soft soft-interp; do
	expect_output "bad=0" carrick run-elf --engine $engine root/signal_storm 6
done
