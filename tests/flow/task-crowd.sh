# Three hundred processes at once, five hundred threads, more mappings than the host would allow,
# and memory that is mapped and unmapped all over the address space.
. "$FLOW/lib.sh"
mkdir root
cp "$GUESTS/crowd" root/crowd
expect_output "alive=300 listed=300
ended=300 left=0" carrick run-elf root/crowd processes 300
expect_output "made=500
joined=500 locked=100000 atomic=100000" carrick run-elf root/crowd threads 500
expect_output "protected=32000 right=64000
after_fork=64000
left=32000 unmap=ok" carrick run-elf root/crowd mappings 64000
expect_output "churned=40000 wrong=0" carrick run-elf root/crowd churn 40000
