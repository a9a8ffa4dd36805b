/*
 * proc.h: what the files of procfs have in common.  Each proc_*.c gives tables of nodes
 * (synth.h) for one subject; fs_proc.c puts them together.
 */
#ifndef SUPERVISOR_VFS_PROC_H
#define SUPERVISOR_VFS_PROC_H

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/guest.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/synth.h"

/* The process and thread that a node is about (the leader for /proc/PID itself). */
struct proc_ref {
	struct tgroup *tg;
	struct task *t;
};
/* With references; -LX_ESRCH when it is gone. */
int proc_get(const struct synth_ctx *c, struct proc_ref *out) MUST_CHECK;
void proc_put(struct proc_ref *r);
/* The same for files that only those may read who could trace the process; -LX_EACCES. */
int proc_get_inspect(const struct synth_ctx *c, struct proc_ref *out) MUST_CHECK;
/* Its memory too, with a reference; *mm is NULL once the process is a zombie. */
int proc_get_mm(const struct synth_ctx *c, struct proc_ref *r, struct mm **mm) MUST_CHECK;

/* The fixed children of /proc/PID and of /proc/PID/task/TID, and of /proc itself. */
extern const struct synth_node proc_pid_nodes[];
extern const struct synth_node proc_tid_nodes[];
extern const struct synth_node proc_root_nodes[];
/* Subdirectories, for those tables. */
extern const struct synth_node proc_net_nodes[];
extern const struct synth_node proc_sys_nodes[];
extern const struct synth_node proc_attr_nodes[];

/* proc_task.c */
int proc_show_stat(const struct synth_ctx *c, struct seqbuf *s);
int proc_show_statm(const struct synth_ctx *c, struct seqbuf *s);
int proc_show_status(const struct synth_ctx *c, struct seqbuf *s);
/* proc_mem.c */
int proc_show_maps(const struct synth_ctx *c, struct seqbuf *s);
int proc_show_smaps(const struct synth_ctx *c, struct seqbuf *s);
int proc_show_smaps_rollup(const struct synth_ctx *c, struct seqbuf *s);
int proc_show_cmdline(const struct synth_ctx *c, struct seqbuf *s);
int proc_show_environ(const struct synth_ctx *c, struct seqbuf *s);
int proc_show_auxv(const struct synth_ctx *c, struct seqbuf *s);
extern const struct file_ops proc_mem_fops;
/* proc_fd.c */
int proc_fd_lookup(const struct synth_ctx *c, const char *name, struct inode **out);
int proc_fd_list(const struct synth_ctx *c, struct synth_list *l);
int proc_fdinfo_lookup(const struct synth_ctx *c, const char *name, struct inode **out);
int proc_ns_lookup(const struct synth_ctx *c, const char *name, struct inode **out);
int proc_ns_list(const struct synth_ctx *c, struct synth_list *l);
int proc_exe_readlink(const struct synth_ctx *c, char **out);
int proc_exe_follow(const struct synth_ctx *c, struct mount **mnt, struct dentry **dentry);
int proc_cwd_readlink(const struct synth_ctx *c, char **out);
int proc_cwd_follow(const struct synth_ctx *c, struct mount **mnt, struct dentry **dentry);
int proc_root_readlink(const struct synth_ctx *c, char **out);
int proc_root_follow(const struct synth_ctx *c, struct mount **mnt, struct dentry **dentry);
/* proc_mounts.c */
int proc_show_mounts(const struct synth_ctx *c, struct seqbuf *s);
int proc_show_mountinfo(const struct synth_ctx *c, struct seqbuf *s);
int proc_show_mountstats(const struct synth_ctx *c, struct seqbuf *s);
/* proc_system.c */
int proc_parse_pid(const char *name, int32_t *out) MUST_CHECK;

#endif
