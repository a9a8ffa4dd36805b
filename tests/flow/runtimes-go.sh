# Go: the tool chain, and a program with thousands of goroutines, channels and HTTP; ten times.
# needs: runtimes
# once
. "$FLOW/lib.sh"
mkdir built
expect_output "go version go1.19.8 linux/arm64" carrick run --rm runtimes:12 go version
carrick run --rm -v "$FLOW/programs:/p:ro" -v "$PWD/built:/b" runtimes:12 \
	sh -c 'cd /tmp && cp /p/everything.go . && go vet everything.go && go build -o /b/everything everything.go'
ten_times "goroutines 49995000
ring 2000
http 170
ticks
preempted true" -v "$PWD/built:/b:ro" runtimes:12 /b/everything
