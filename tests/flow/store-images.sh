# Loading, tagging, listing and removing images; hostile input leaves nothing behind.
. "$FLOW/lib.sh"
mkdir -p tree/bin
cp "$GUESTS/hi" tree/bin/hi
tar -C tree -czf root.tar.gz .
expect_status 0 carrick import -q -c 'CMD ["/bin/hi"]' root.tar.gz mine:1
expect_output "hi" carrick run --rm mine:1
expect_status 0 carrick tag mine:1 mine:2
expect_status 0 carrick images
expect_text out "mine:2"
expect_status 0 carrick rmi mine:1
expect_output "hi" carrick run --rm mine:2
expect_status 0 carrick rmi mine:2
expect_status 125 carrick run --rm mine:2
expect_status 125 carrick rmi mine:2
head -c 2000 root.tar.gz >truncated.tar.gz
expect_status 125 carrick import truncated.tar.gz bad:1
expect_status 125 carrick load -i root.tar.gz -t bad:2
expect_status 0 carrick images
! grep -q bad out || fail "a failed import left an image"
