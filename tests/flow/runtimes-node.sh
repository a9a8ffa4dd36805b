# Node: worker threads, WebAssembly, promises, timers, files, children, HTTP; V8 ten times in a row.
# needs: runtimes
# once
. "$FLOW/lib.sh"
expect_output "workers true
wasm 17711
order tick 3
file hello
child from a child
http 20 path /19
zlib 100000
sha256 ba7816bf
garbage 19986" carrick run --rm -v "$FLOW/programs:/p:ro" runtimes:12 node /p/everything.js
ten_times "17711 9592 sum 1249975000.5 284.188612 123" -v "$FLOW/programs:/p:ro" runtimes:12 node /p/again.js
