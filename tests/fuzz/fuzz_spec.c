/*
 * fuzz_spec.c: texts that decide how a guest starts: the specification in JSON, and, from the
 * image, passwd(5) and group(5) for --user.  The first byte chooses; the texts of the latter are
 * separated by zero bytes.
 */
#include "supervisor/boot/boot.h"
#include "supervisor/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void specification(const uint8_t *data, size_t size)
{
	struct guest_spec *spec;
	const char *why = NULL;

	if (guest_spec_parse(data, size, &spec, &why) < 0) {
		if (!why)
			__builtin_trap();
		return;
	}
	if (!spec->argv[0] || !spec->cwd || !spec->user || !spec->hostname || !spec->engine)
		__builtin_trap();
	for (size_t i = 0; i < spec->nmounts; i++)
		if (!spec->mounts[i].target || !spec->mounts[i].type || !spec->mounts[i].options)
			__builtin_trap();
	guest_spec_free(spec);
}

static void user(const uint8_t *data, size_t size)
{
	struct boot_failure f = {0};
	struct boot_user u;
	char *text = malloc(size + 3), *part[3];

	if (!text)
		return;
	memcpy(text, data, size);
	memset(text + size, 0, 3);
	part[0] = text;
	for (unsigned i = 1; i < 3; i++)
		part[i] = part[i - 1] + strlen(part[i - 1]) + 1;
	if (boot_user_parse(part[1], part[2], part[0], &u, &f) == 0)
		boot_user_release(&u);
	else if (!f.message[0])
		__builtin_trap();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 1)
		specification(data + 1, size - 1);
	else
		user(data + 1, size - 1);
	return 0;
}
