# Calls about files with hostile arguments: the guest's children live, and so does the supervisor.
. "$FLOW/lib.sh"
mkdir -p root/tmp
cp "$GUESTS/hostile" root/hostile
expect_output "bad=0" carrick run-elf root/hostile 1 3
expect_output "bad=0" carrick run-elf root/hostile "$(date +%s)" 2
