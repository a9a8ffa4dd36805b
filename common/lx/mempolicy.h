/*
 * mempolicy.h: numbers of the calls about memory nodes.  set_mempolicy(2), mbind(2),
 * get_mempolicy(2), move_pages(2).
 */
#ifndef COMMON_LX_MEMPOLICY_H
#define COMMON_LX_MEMPOLICY_H

#define LX_MPOL_DEFAULT        0u
#define LX_MPOL_PREFERRED      1u
#define LX_MPOL_BIND           2u
#define LX_MPOL_INTERLEAVE     3u
#define LX_MPOL_LOCAL          4u
#define LX_MPOL_PREFERRED_MANY 5u

#define LX_MPOL_F_NUMA_BALANCING 0x2000u
#define LX_MPOL_F_RELATIVE_NODES 0x4000u
#define LX_MPOL_F_STATIC_NODES   0x8000u
#define LX_MPOL_MODE_FLAGS       0xe000u

#define LX_MPOL_F_NODE         1u
#define LX_MPOL_F_ADDR         2u
#define LX_MPOL_F_MEMS_ALLOWED 4u

#define LX_MPOL_MF_STRICT   1u
#define LX_MPOL_MF_MOVE     2u
#define LX_MPOL_MF_MOVE_ALL 4u

#endif
