# A command, a shell pipeline and exit statuses in a real Debian image.
# needs: image
. "$FLOW/lib.sh"
expect_output "hi" carrick run --rm debian:12 /bin/echo hi
expect_output "aarch64" carrick run --rm debian:12 uname -m
expect_output "3" carrick run --rm debian:12 sh -c 'printf "a\nb\nc\n" | cat | wc -l'
expect_status 7 carrick run --rm debian:12 sh -c 'exit 7'
expect_status 137 carrick run --rm debian:12 sh -c 'sh -c "kill -9 \$\$"'
expect_status 0 carrick run --rm debian:12 sh -c 'kill -9 $$' # init does not kill itself
expect_status 127 carrick run --rm debian:12 no-such-program
expect_text err "no-such-program"
expect_status 126 carrick run --rm debian:12 /etc/passwd
expect_status 125 carrick run --rm no-such-image:1 true
expect_text err "no-such-image:1"
