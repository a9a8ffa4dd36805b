/* test_boot_user.c: whom --user names, by texts of passwd and group, good and hostile. */
#include <setjmp.h>
#include <stdarg.h>

#include "supervisor/boot/boot.h"

#include <cmocka.h>

static const char passwd[] = "root:x:0:0:root:/root:/bin/bash\n"
			     "# a comment\n"
			     "broken:x:notanumber:5::/x:/bin/sh\n"
			     "short\n"
			     "ann:x:1000:1001:Ann,,,:/home/ann:/bin/sh\n"
			     "nohome:x:7:8\n"
			     "huge:x:99999999999:1::/:/bin/sh\n";
static const char group[] = "root:x:0:\n"
			    "audio:x:29:bob,ann\n"
			    "annex:x:30:annex\n"
			    "staff:x:50:ann\n";

static int parse(const char *text, struct boot_user *u)
{
	struct boot_failure f = {0};
	int err = boot_user_parse(passwd, group, text, u, &f);

	assert_int_equal(err < 0, f.status != 0);
	return err;
}

static void names_numbers_and_groups(void **state)
{
	struct boot_user u;

	(void)state;
	assert_int_equal(parse("", &u), 0);
	assert_int_equal(u.uid, 0);
	assert_string_equal(u.home, "/root");
	boot_user_release(&u);

	assert_int_equal(parse("ann", &u), 0);
	assert_int_equal(u.uid, 1000);
	assert_int_equal(u.gid, 1001);
	assert_string_equal(u.home, "/home/ann");
	assert_int_equal(u.ngroups, 2);
	assert_int_equal(u.groups[0], 29);
	assert_int_equal(u.groups[1], 50);
	boot_user_release(&u);

	assert_int_equal(parse("1000", &u), 0); /* a number that is there is that user */
	assert_int_equal(u.gid, 1001);
	assert_int_equal(u.ngroups, 2);
	boot_user_release(&u);

	assert_int_equal(parse("4711", &u), 0); /* one that is not is fine, too */
	assert_int_equal(u.uid, 4711);
	assert_int_equal(u.gid, 0);
	assert_string_equal(u.home, "/");
	boot_user_release(&u);

	assert_int_equal(parse("ann:audio", &u), 0); /* a group of one's own: no others */
	assert_int_equal(u.gid, 29);
	assert_int_equal(u.ngroups, 0);
	boot_user_release(&u);

	assert_int_equal(parse("5:6", &u), 0);
	assert_int_equal(u.uid, 5);
	assert_int_equal(u.gid, 6);
	boot_user_release(&u);

	assert_int_equal(parse("nohome", &u), 0);
	assert_int_equal(u.gid, 8);
	assert_string_equal(u.home, "/");
	boot_user_release(&u);
}

static void who_is_not_there_is_an_error(void **state)
{
	static const char *const bad[] = {"bob", "broken", "short", "huge", "ann:nogroup", "-1", "4294967296",
					  "12x", "# a comment"};
	struct boot_user u;
	char longname[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_true(parse(bad[i], &u) < 0);
		boot_user_release(&u);
	}
	memset(longname, 'a', sizeof(longname) - 1);
	longname[sizeof(longname) - 1] = '\0';
	assert_true(parse(longname, &u) < 0);
	boot_user_release(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_numbers_and_groups),
		cmocka_unit_test(who_is_not_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
