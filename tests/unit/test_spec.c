/* test_spec.c: the guest's specification: what is read from JSON, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>

#include "common/lx/errno.h"
#include "supervisor/spec.h"

#include <cmocka.h>

static int parse(const char *text, struct guest_spec **out)
{
	const char *why = NULL;
	int err = guest_spec_parse((const uint8_t *)text, strlen(text), out, &why);

	assert_int_equal(err < 0, why != NULL);
	return err;
}

/* Characters are bytes: U+00FF is the byte 0xff, and what is no byte is refused. */
static void strings_are_bytes(void **state)
{
	struct guest_spec *s;

	(void)state;
	assert_int_equal(parse("{\"argv\":[\"\xc3\xbf\xc2\x80\\u00e4z\"],\"cwd\":\"/\xc3\x83\"}", &s), 0);
	assert_string_equal(s->argv[0], "\xff\x80\xe4z");
	assert_string_equal(s->cwd, "/\xc3");
	guest_spec_free(s);
	assert_int_equal(parse("{\"argv\":[\"\\u0100\"]}", &s), -LX_EINVAL);
	assert_int_equal(parse("{\"argv\":[\"a\",\"\xe2\x82\xac\"]}", &s), -LX_EINVAL);
}

static void fields_are_read(void **state)
{
	struct guest_spec *s;

	(void)state;
	assert_int_equal(parse("{\"argv\":[\"/bin/sh\",\"-c\"],\"env\":[\"A=b\"],\"cwd\":\"/x\",\"tty\":true,"
			       "\"memory\":1073741824,\"cpus\":1.5,\"rows\":25,\"unknown\":[1],\"mounts\":["
			       "{\"target\":\"/t\",\"type\":\"tmpfs\",\"options\":\"size=1m\"},"
			       "{\"target\":\"/b\",\"type\":\"bind\",\"node\":7,\"read_only\":true}]}",
			       &s),
			 0);
	assert_string_equal(s->argv[1], "-c");
	assert_null(s->argv[2]);
	assert_string_equal(s->env[0], "A=b");
	assert_string_equal(s->cwd, "/x");
	assert_string_equal(s->user, "");
	assert_null(s->resolv_conf);
	assert_true(s->tty);
	assert_false(s->init);
	assert_int_equal(s->memory, 1 << 30);
	assert_int_equal(s->rows, 25);
	assert_true(s->cpus > 1.4 && s->cpus < 1.6);
	assert_int_equal(s->nmounts, 2);
	assert_string_equal(s->mounts[0].options, "size=1m");
	assert_int_equal(s->mounts[1].node, 7);
	assert_true(s->mounts[1].read_only);
	guest_spec_free(s);
}

static void nonsense_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{",
		"{}",
		"{\"argv\":[]}",
		"{\"argv\":\"sh\"}",
		"{\"argv\":[1]}",
		"{\"argv\":[\"a\\u0000b\"]}",
		"{\"argv\":[\"a\"],\"tty\":1}",
		"{\"argv\":[\"a\"],\"cwd\":3}",
		"{\"argv\":[\"a\"],\"memory\":-1}",
		"{\"argv\":[\"a\"],\"rows\":65536}",
		"{\"argv\":[\"a\"],\"mounts\":{}}",
		"{\"argv\":[\"a\"],\"mounts\":[3]}",
		"{\"argv\":[\"a\"],\"mounts\":[{\"target\":\"x\",\"type\":\"tmpfs\"}]}",
		"{\"argv\":[\"a\"],\"mounts\":[{\"target\":\"/x\",\"type\":\"nfs\"}]}",
		"{\"argv\":[\"a\"],\"argv\":[\"b\"]}",
	};
	struct guest_spec *s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(parse(bad[i], &s), -LX_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_bytes),
		cmocka_unit_test(fields_are_read),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
