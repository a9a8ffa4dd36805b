/*
 * linux_sandbox.c: the layers of a sandbox in the order in which they can be applied: namespaces
 * need privileges (or a user namespace, which grants them within), capabilities go next,
 * Landlock needs no_new_privs, and seccomp forbids the calls that the others are made of.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "common/plat/errno.h"
#include "common/plat/linux_landlock.h"
#include "common/plat/linux_seccomp.h"
#include "common/plat/linux_userns.h"
#include "common/plat/sandbox.h"
#include "common/plat/sanitize.h"

static int apply_no_new_privs(const struct sandbox_profile *profile)
{
	(void)profile;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? plat_errno(errno) : 0;
}

/* A core would spill the guest's memory onto the host's disk. */
static int apply_limits(const struct sandbox_profile *profile)
{
	struct rlimit none = {0, 0};

	(void)profile;
	return setrlimit(RLIMIT_CORE, &none) < 0 ? plat_errno(errno) : 0;
}

static int apply_namespaces(const struct sandbox_profile *profile)
{
	if (!profile->private_namespaces)
		return 0;
	return userns_unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS |
	                      (profile->network ? 0 : CLONE_NEWNET));
}

static int apply_capabilities(const struct sandbox_profile *profile)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	uint64_t keep = profile->keep_capabilities;

	if (syscall(SYS_capget, &header, data) < 0)
		return plat_errno(errno);
	/* The bounding set only matters for execve, which no_new_privs has disarmed; it may not be
	 * changed without CAP_SETPCAP, so a failure here is none. */
	for (int cap = 0; cap <= 63 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			break;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (int i = 0; i < 2; i++) {
		uint32_t mask = (uint32_t)(keep >> (32 * i));

		data[i].effective &= mask;
		data[i].permitted &= mask;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) < 0 ? plat_errno(errno) : 0;
}

static int apply_seccomp(const struct sandbox_profile *profile)
{
	return seccomp_apply(profile->allow);
}

static const struct {
	enum sandbox_layer layer;
	const char *name;
	int (*apply)(const struct sandbox_profile *profile);
} layers[] = {
    {SANDBOX_LIMITS, "limits", apply_limits},
    {SANDBOX_NAMESPACES, "namespaces", apply_namespaces},
    {SANDBOX_CAPABILITIES, "capabilities", apply_capabilities},
    {SANDBOX_NO_NEW_PRIVS, "no_new_privs", apply_no_new_privs},
    {SANDBOX_LANDLOCK, "landlock", landlock_apply},
    {SANDBOX_SECCOMP, "seccomp", apply_seccomp},
};

const char *sandbox_layer_name(enum sandbox_layer layer)
{
	for (size_t i = 0; i < ARRAY_LEN(layers); i++)
		if (layers[i].layer == layer)
			return layers[i].name;
	return "?";
}

int sandbox_apply(const struct sandbox_profile *profile, bool require, unsigned *applied)
{
	*applied = 0;
	sanitize_before_sandbox();
	for (size_t i = 0; i < ARRAY_LEN(layers); i++) {
		int r = layers[i].apply(profile);

		if (r == 0) {
			*applied |= layers[i].layer;
			continue;
		}
		if (require) {
			log_error("sandbox of the %s: %s cannot be applied here: %s", profile->role,
			          layers[i].name, lx_errno_text(r));
			return r;
		}
		log_debug("sandbox of the %s: no %s: %s", profile->role, layers[i].name,
		          lx_errno_text(r));
	}
	return 0;
}

bool sandbox_suffices(unsigned in_force)
{
	unsigned missing = SANDBOX_ALL & ~(in_force & sandbox_probe());

	for (unsigned layer = 1; layer & SANDBOX_ALL; layer <<= 1)
		if (missing & layer)
			log_warn("sandbox: %s cannot be applied, and a guest requires it",
			         sandbox_layer_name((enum sandbox_layer)layer));
	return missing == 0;
}

unsigned sandbox_probe(void)
{
	struct sandbox_profile profile = {
	    .role = "probe", .allow = SANDBOX_ALLOW_BASE, .private_namespaces = true};
	unsigned applied = 0;
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return 0;
	if (pid == 0) {
		if (sandbox_apply(&profile, false, &applied) < 0)
			applied = 0;
		/* INVARIANT: a child of our own, which exists to find this out. */
		_exit((int)applied);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 0;
}
