# The thinnest path through every process: a static program says hi.
. "$FLOW/lib.sh"
mkdir root
cp "$GUESTS/hi" root/hi
expect_output "hi" carrick run-elf root/hi
expect_output "hi
one
two words" carrick run-elf --root root /hi one "two words"
