/*
 * cred.h: changing credentials.  credentials(7), capabilities(7).
 */
#ifndef SUPERVISOR_TASK_CRED_H
#define SUPERVISOR_TASK_CRED_H

#include "common/lx/capability.h"
#include "supervisor/task/task.h"

/* What the guest's root has: everything.  Unlike in a container that shares its host's kernel,
 * whatever a capability permits here (mounting, host names...) touches this guest alone. */
#define CRED_CONTAINER_CAPS ((UINT64_C(1) << (LX_CAP_CHECKPOINT_RESTORE + 1)) - 1)

/* securebits; each has a lock bit one above. */
#define LX_SECBIT_NOROOT                 0x01u
#define LX_SECBIT_NO_SETUID_FIXUP        0x04u
#define LX_SECBIT_KEEP_CAPS              0x10u
#define LX_SECBIT_NO_CAP_AMBIENT_RAISE   0x40u
#define LX_SECBITS_ALL                   0xffu
#define LX_SECBITS_LOCKS                 0xaau

/* A fresh set: everything 0, no groups, no capabilities. */
int cred_new(struct cred **out) MUST_CHECK;
/* A copy of t's to change; then cred_commit, or cred_put to forget it. */
int cred_prepare(struct task *t, struct cred **out) MUST_CHECK;
/* Makes it t's (t is the caller's own task).  Takes over the reference. */
void cred_commit(struct task *t, struct cred *c);
/* Replaces the groups of a prepared one; n at most LX_NGROUPS_MAX. */
int cred_set_groups(struct cred *c, const uint32_t *groups, uint32_t n) MUST_CHECK;
/* What a change of user ids does to the capabilities of c. */
void cred_fix_caps(const struct cred *old, struct cred *c);
/* exec: set-ID bits of the file (0 owner and group when they do not apply), capability rules.
 * True in *secure for AT_SECURE. */
int cred_for_exec(struct task *t, uint32_t mode, uint32_t uid, uint32_t gid, struct cred **out,
		  bool *secure) MUST_CHECK;

#endif
