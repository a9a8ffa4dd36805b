# Ten thousand forks from four threads at once, whose children fork again: none fails, nothing is
# left over.
. "$FLOW/lib.sh"
mkdir root
cp "$GUESTS/forkstorm" root/forkstorm
expect_output "bad=0
lost_kilobytes=0
fds=same
processes=same" carrick run-elf root/forkstorm 4 1250
