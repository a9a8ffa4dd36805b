# A terminal session: bash with line editing and history, job control, resizing, less, top, vi.
# needs: image
. "$FLOW/lib.sh"
drive="$(cd "$FLOW/../.." && pwd)/harness/drive-terminal"
expect_status 0 "$drive" --rows 30 --columns 100 --timeout 60 \
	carrick run --rm -it -e TERM=xterm -e PS1='ready> ' debian:12 bash --norc <<'END'
expect ready> 
type tty; stty size\r
expect /dev/pts/0\r\n30 100
expect ready> 
# Editing and history: the last command again, with another end.
type echo onx\x7fe two\r
expect one two\r\n
expect ready> 
type \x1b[A\x7f\x7f\x7f2\r
expect one 2\r\n
expect ready> 
# Interrupt, suspend, continue.
type sleep 100\r
pause 1
type \x03
expect ^C
expect ready> 
type sleep 100\r
pause 1
type \x1a
expect Stopped
expect ready> 
type jobs; fg\r
expect Stopped
expect sleep 100
pause 1
type \x03
expect ready> 
# A background process that reads the terminal stops; quit; end of file.
type (read x </dev/tty) & sleep 1; jobs\r
expect Stopped
expect ready> 
type kill -9 %1; wait\r
expect ready> 
type sleep 100\r
pause 1
type \x1c
expect Quit
expect ready> 
type cat\r
pause 0.5
type seen\r\x04
expect seen\r\nseen\r\n
expect ready> 
# The window's size.
type trap 'stty size' WINCH\r
expect ready> 
size 40 120
pause 0.5
type \r
expect 40 120
# Full-screen programs, where the image has them.
type command -v less >/dev/null && seq 1 500 | less || echo no-less\r
pause 1.5
type q
expect ready> 
type top -d 1\r
expect PID
pause 1.5
type q
expect ready> 
type command -v vi >/dev/null && vi /tmp/note || echo note >/tmp/note\r
pause 2
type inote\x1b:wq\r
pause 1
type \x03
type cat /tmp/note\r
expect note\r\n
# Another terminal inside this one.
type script -qc tty /dev/null\r
expect /dev/pts/1
expect ready> 
type exit 7\r
status 7
END
