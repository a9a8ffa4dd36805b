# Shell, find, tar, perl, git, gcc with threads: real programs doing their real work.
# needs: image
. "$FLOW/lib.sh"
expect_output "EREH OLLEH
15" carrick run --rm debian:12 bash -c 'cat <<EOT | tr a-z A-Z | rev
hello here
EOT
for i in {1..5}; do echo $i; done | awk "{s+=\$1} END {print s}"'
expect_status 0 carrick run --rm debian:12 sh -c 'find / -xdev | sort | sha256sum'
first=$(cat out)
expect_status 0 carrick run --rm debian:12 sh -c 'find / -xdev | sort | sha256sum'
[ "$(cat out)" = "$first" ] || fail "find is not stable"
expect_output "same" carrick run --rm debian:12 sh -c 'cd /tmp
digest() { (cd "$1" && find . -type f | sort | xargs sha256sum | sha256sum); }
tar cf u.tar -C /usr/share perl5 && mkdir x && tar xf u.tar -C x
[ "$(digest /usr/share/perl5)" = "$(digest x/perl5)" ] && echo same'
expect_output "505000,495100" carrick run --rm debian:12 perl -e \
	'my %h; $h{$_ % 100} += $_ for 1..10000; print join(",", map { $h{$_} } (sort { $a <=> $b } keys %h)[0..1]), "\n"'
expect_output "2 commits" carrick run --rm debian:12 sh -c 'cd /tmp && git init -q r 2>/dev/null && cd r
git config user.email a@example.org && git config user.name a
for i in 1 2; do echo $i >file; git add file; git commit -qm "$i"; done
git fsck --strict 2>/dev/null && echo "$(git log --oneline | wc -l) commits"'
cat >threads.c <<'END'
#include <pthread.h>
#include <stdio.h>
static void *body(void *arg) { return arg; }
int main(void)
{
	pthread_t t[4];
	long sum = 0;
	for (long i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, body, (void *)i);
	for (int i = 0; i < 4; i++) {
		void *r;
		pthread_join(t[i], &r);
		sum += (long)r;
	}
	printf("sum %ld\n", sum);
	return 0;
}
END
expect_output "sum 6" carrick run --rm -v "$PWD:/work:ro" debian:12 sh -c 'gcc -O2 -pthread -o /tmp/t /work/threads.c && /tmp/t'
expect_output "14" carrick run --rm debian:12 sqlite3 :memory: 'create table t(a,b); insert into t values(1,2),(3,4); select sum(a*b) from t;'
