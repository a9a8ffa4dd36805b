/* test_errno.c: the guest's error numbers and their way from the host's. */
#include <setjmp.h>
#include <stdarg.h>

#include "common/plat/errno.h"

#include <cmocka.h>

static void numbers_are_linux_generic(void **state)
{
	(void)state;
	assert_int_equal(LX_EAGAIN, 11);
	assert_int_equal(LX_ENAMETOOLONG, 36);
	assert_int_equal(LX_ENOSYS, 38);
	assert_int_equal(LX_ELOOP, 40);
	assert_int_equal(LX_EOPNOTSUPP, 95);
	assert_int_equal(LX_ECONNREFUSED, 111);
	assert_int_equal(LX_EHWPOISON, 133);
}

static void names_and_texts(void **state)
{
	(void)state;
	assert_string_equal(lx_errno_name(-LX_ENOENT), "ENOENT");
	assert_string_equal(lx_errno_name(LX_EHWPOISON), "EHWPOISON");
	assert_string_equal(lx_errno_text(LX_ENOENT), "No such file or directory");
	assert_string_equal(lx_errno_name(0), "E?");
	assert_string_equal(lx_errno_name(41), "E?");
	assert_string_equal(lx_errno_name(134), "E?");
	assert_string_equal(lx_errno_name(INT64_MIN), "E?");
	assert_string_equal(lx_errno_name(INT64_MAX), "E?");
}

static void host_numbers_map(void **state)
{
	(void)state;
	assert_int_equal(plat_errno(ENOENT), -LX_ENOENT);
	assert_int_equal(plat_errno(ENOTSUP), -LX_EOPNOTSUPP);
	assert_int_equal(plat_errno(EWOULDBLOCK), -LX_EAGAIN);
	assert_int_equal(plat_errno(ECONNREFUSED), -LX_ECONNREFUSED);
	assert_int_equal(plat_errno(0), -LX_EIO);
	assert_int_equal(plat_errno(-1), -LX_EIO);
	assert_int_equal(plat_errno(41), -LX_EIO);
	assert_int_equal(plat_errno(100000), -LX_EIO);
	errno = EACCES;
	assert_int_equal(plat_result(-1), -LX_EACCES);
	assert_int_equal(plat_result(7), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_are_linux_generic),
	    cmocka_unit_test(names_and_texts),
	    cmocka_unit_test(host_numbers_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
