# Eight threads, children that end in every way, signals all the while: each status is right.
. "$FLOW/lib.sh"
mkdir root
cp "$GUESTS/chaos" root/chaos
expect_output "bad=0" carrick run-elf root/chaos 200
