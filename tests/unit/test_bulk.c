/* test_bulk.c: the bulk region's bounds, its allocator, and descriptors that are no region. */
#include <setjmp.h>
#include <stdarg.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "ipc/bulk.h"

#include <cmocka.h>

#define SIZE (64 * 4096u)

static void both_sides_share_memory(void **state)
{
	struct ipc_bulk *server, *client;
	uint64_t off;
	int fd;

	(void)state;
	assert_int_equal(ipc_bulk_create(SIZE, &server, &fd), 0);
	assert_int_equal(ipc_bulk_open(fd, &client), 0);
	close(fd);
	assert_int_equal(ipc_bulk_alloc(client, 5000, &off), 0);
	memset(ipc_bulk_at(client, off, 5000), 0x5a, 5000);
	assert_int_equal(ipc_bulk_at(server, off + 4999, 1)[0], 0x5a);
	ipc_bulk_free(server);
	ipc_bulk_free(client);
	ipc_bulk_free(NULL);
}

static void bounds(void **state)
{
	struct ipc_bulk *b;
	int fd;

	(void)state;
	assert_int_equal(ipc_bulk_create(SIZE, &b, &fd), 0);
	close(fd);
	assert_non_null(ipc_bulk_at(b, 0, SIZE));
	assert_non_null(ipc_bulk_at(b, SIZE, 0));
	assert_null(ipc_bulk_at(b, 0, SIZE + 1));
	assert_null(ipc_bulk_at(b, SIZE, 1));
	assert_null(ipc_bulk_at(b, UINT64_MAX, 1));
	assert_null(ipc_bulk_at(b, UINT64_MAX, UINT32_MAX));
	assert_null(ipc_bulk_at(b, 1, UINT32_MAX));
	ipc_bulk_free(b);
	assert_int_equal(ipc_bulk_create(0, &b, &fd), -LX_EINVAL);
	assert_int_equal(ipc_bulk_create(4097, &b, &fd), -LX_EINVAL);
}

static void allocation(void **state)
{
	struct ipc_bulk *b;
	uint64_t off[64], big;
	int fd;

	(void)state;
	assert_int_equal(ipc_bulk_create(SIZE, &b, &fd), 0);
	close(fd);
	assert_int_equal(ipc_bulk_alloc(b, 0, &big), -LX_EINVAL);
	assert_int_equal(ipc_bulk_alloc(b, SIZE + 1, &big), -LX_EINVAL);
	assert_int_equal(ipc_bulk_alloc(b, UINT32_MAX, &big), -LX_EINVAL);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(ipc_bulk_alloc(b, 1 + i * 60, &off[i]), 0);
	assert_int_equal(ipc_bulk_alloc(b, 1, &big), -LX_ENOMEM);
	ipc_bulk_return(b, off[10], 601);
	ipc_bulk_return(b, off[12], 721);
	assert_int_equal(ipc_bulk_alloc(b, 8192, &big), -LX_ENOMEM);
	ipc_bulk_return(b, off[11], 661);
	assert_int_equal(ipc_bulk_alloc(b, 3 * 4096, &big), 0);
	assert_int_equal(big, off[10]);
	ipc_bulk_return(b, UINT64_MAX - 4095, 4096);
	ipc_bulk_return(b, 1, 4096);
	ipc_bulk_free(b);
}

static void *take_and_return(void *arg)
{
	for (unsigned i = 0; i < 2000; i++) {
		uint32_t len = 4096 * (1 + i % 40);
		uint64_t off;
		uint8_t *p;

		if (ipc_bulk_alloc_wait(arg, len, &off) < 0)
			return arg;
		p = ipc_bulk_at(arg, off, len);
		p[0] = p[len - 1] = (uint8_t)i;
		if (p[0] != (uint8_t)i || p[len - 1] != (uint8_t)i)
			return arg;
		ipc_bulk_return(arg, off, len);
	}
	return NULL;
}

static void threads_wait_for_room(void **state)
{
	struct ipc_bulk *b;
	pthread_t t[4];
	void *bad;
	int fd;

	(void)state;
	assert_int_equal(ipc_bulk_create(SIZE, &b, &fd), 0);
	close(fd);
	for (unsigned i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, take_and_return, b);
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(t[i], &bad);
		assert_null(bad);
	}
	ipc_bulk_free(b);
}

static void impostors(void **state)
{
	struct ipc_bulk *b;
	int fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)state;
	assert_int_equal(ftruncate(fd, 8192), 0);
	assert_int_equal(ipc_bulk_open(fd, &b), -LX_EINVAL);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_int_equal(ipc_bulk_open(fd, &b), 0);
	ipc_bulk_free(b);
	close(fd);
	fd = memfd_create("odd", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, 8191), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_int_equal(ipc_bulk_open(fd, &b), -LX_EINVAL);
	close(fd);
	assert_int_equal(ipc_bulk_open(0, &b), -LX_EINVAL);
	assert_int_equal(ipc_bulk_open(-1, &b), -LX_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_sides_share_memory),
	    cmocka_unit_test(bounds),
	    cmocka_unit_test(allocation),
	    cmocka_unit_test(threads_wait_for_room),
	    cmocka_unit_test(impostors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
