# Ordinary work on a container's files, with donated descriptors and without: the same results.
# needs: image
. "$FLOW/lib.sh"
mkdir shared
cat >shared/work.sh <<'EOF'
set -e
cd /tmp
tar -C /usr/share -cf a.tar doc
mkdir x
tar -C x -xf a.tar
(cd /usr/share/doc; find . -type f | sort | xargs sha256sum) >one
(cd x/doc; find . -type f | sort | xargs sha256sum) >two
cmp one two
cp -a /usr/lib/python3 copy 2>/dev/null || cp -a /usr/lib/apt copy
mv /usr/share/doc /usr/share/moved
[ "$(cd /usr/share/moved; find . -type f | wc -l)" = "$(wc -l <one)" ]
mkdir /usr/share/doc
[ -z "$(ls /usr/share/doc)" ]
rm -rf /usr/share/moved
[ ! -e /usr/share/moved ]
sed -i s/^root:/toor:/ /etc/passwd
head -1 /etc/passwd | cut -d: -f1
chown 5:6 /bin/ls; chmod 4711 /bin/ls; ln /bin/ls /bin/ls2
stat -c '%u:%g %a' /bin/ls2
dd if=/dev/zero of=big bs=1M count=5 2>/dev/null
truncate -s 100M big
stat -c %s big
exec 3>open; rm open; echo kept >&3; stat -L -c '%s %h' /proc/self/fd/3
mkfifo pipe; (echo through >pipe &); cat pipe
touch -d '2001-02-03 04:05:06 UTC' old; stat -c %Y old
echo end
EOF
for mode in direct strict; do
	expect_status 0 carrick run --rm --fs=$mode -v "$PWD/shared:/mnt:ro" debian:12 sh /mnt/work.sh
	cp out out.$mode
	expect_text out end
done
cmp out.direct out.strict || fail "direct and strict differ"
expect_output "toor
5:6 4711
104857600
5 0
through
981173106
end" cat out.direct
# Nothing of it stays: the next container is fresh, and the store holds no container.
expect_output "root" carrick run --rm debian:12 sh -c 'head -1 /etc/passwd | cut -d: -f1'
for i in $(seq 600); do
	left=$(ls "$CARRICK_HOME/containers" "$CARRICK_HOME/tmp" | grep -v : || true)
	[ -n "$left" ] || exit 0
	sleep 0.1
done
fail "left in the store: $left $(cat "$CARRICK_HOME"/containers/*/config.json)"
