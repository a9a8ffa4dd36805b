# Sockets of every family, the same under every mode and policy.
. "$FLOW/lib.sh"
mkdir root
cp "$GUESTS/sockets" root/sockets
cat >want <<'END'
socketpair=0
write=5 read=5
echo ended=1
bind=0 listen=0
connect=0
accept=1 poll=0
send=8 poll=1
recv=8
bulk=1048576
rdhup=1 eof=0
refused=1
bind=0
sendto=8
recvfrom=8 family=2 len=16
timeout=1
getifaddrs=0
lo=1 index=1
SIOCGIFADDR=0 127.0.0.1
bind=0 listen=0 connect=0
peercred=1 pipe=0
sendmsg=1
recvmsg=1
write=1 read=1
END
for mode in host none; do
	for policy in direct strict; do
		expect_output "$(cat want)" carrick run-elf --network $mode --net-io $policy root/sockets
	done
done
