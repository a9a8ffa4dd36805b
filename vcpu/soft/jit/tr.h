/*
 * tr.h: the rules' functions, and what they share.
 */
#ifndef VCPU_SOFT_JIT_TR_H
#define VCPU_SOFT_JIT_TR_H

#include "vcpu/soft/jit/jit.h"

/* Bit 31: the 64-bit form. */
static inline enum x64_width jit_width(const struct a64_op *op)
{
	return op->word >> 31 ? X64 : X32;
}

/* host = guest register r extended (UXTB .. SXTX). */
void jit_extend(struct jit_tr *t, unsigned option, unsigned host, unsigned r);

jit_tr_fn jit_tr_addsub_imm, jit_tr_addsub_reg, jit_tr_addsub_ext, jit_tr_adc, jit_tr_ccmp;
jit_tr_fn jit_tr_logical_reg, jit_tr_logical_imm, jit_tr_move_wide, jit_tr_adr, jit_tr_bitfield,
    jit_tr_extr, jit_tr_csel;
jit_tr_fn jit_tr_rev, jit_tr_rev16, jit_tr_rbit, jit_tr_cls, jit_tr_crc32, jit_tr_crc32c;
jit_tr_fn jit_tr_clz, jit_tr_div, jit_tr_shiftv, jit_tr_madd, jit_tr_maddl, jit_tr_mulh;
jit_tr_fn jit_tr_nothing, jit_tr_b, jit_tr_b_cond, jit_tr_cbz, jit_tr_tbz, jit_tr_br;
jit_tr_fn jit_tr_ldxr, jit_tr_stxr, jit_tr_ldar, jit_tr_stlr, jit_tr_cas, jit_tr_ldadd_swp,
    jit_tr_ldlogic, jit_tr_ldextreme, jit_tr_casp, jit_tr_dc_zva, jit_tr_clrex, jit_tr_barrier,
    jit_tr_mrs;
jit_tr_fn jit_tr_lsv_uimm, jit_tr_lsv_imm9, jit_tr_lsv_reg, jit_tr_lsv_lit, jit_tr_lsv_pair,
    jit_tr_lsv_contiguous;
jit_tr_fn jit_tr_ls_uimm, jit_tr_ls_imm9, jit_tr_ls_reg, jit_tr_ls_lit, jit_tr_ls_pair;

jit_tr_fn jit_tr_vls_lane, jit_tr_vls_replicate, jit_tr_vls_structs;
jit_tr_fn jit_tr_fmov, jit_tr_fmov_imm, jit_tr_fmov_to_gpr, jit_tr_fmov_from_gpr,
    jit_tr_fmov_to_gpr_high, jit_tr_fmov_from_gpr_high, jit_tr_fcsel, jit_tr_modimm;
jit_tr_fn jit_tr_dup_elem_v, jit_tr_dup_elem_scalar, jit_tr_dup_gpr_v, jit_tr_ins_gpr,
    jit_tr_ins_elem, jit_tr_umov, jit_tr_smov;
jit_tr_fn jit_tr_fadd, jit_tr_fsub, jit_tr_fmul, jit_tr_fdiv, jit_tr_fnmul, jit_tr_fabd,
    jit_tr_fsqrt, jit_tr_fneg_v, jit_tr_fabs_v, jit_tr_fmadd, jit_tr_fmla_v, jit_tr_fmul_elem,
    jit_tr_fmla_elem, jit_tr_fmulx_v, jit_tr_fmulx_elem, jit_tr_frecps, jit_tr_frintn,
    jit_tr_frintm, jit_tr_frintp, jit_tr_frintz, jit_tr_frinti, jit_tr_frintx, jit_tr_frinta;
jit_tr_fn jit_tr_fcmp, jit_tr_fccmp, jit_tr_fcmeq_v, jit_tr_fcmge_v, jit_tr_fcmgt_v, jit_tr_facge_v,
    jit_tr_facgt_v, jit_tr_fcmeq_zero, jit_tr_fcmge_zero, jit_tr_fcmgt_zero, jit_tr_fcmle_zero,
    jit_tr_fcmlt_zero, jit_tr_fmax, jit_tr_fmin, jit_tr_faddp, jit_tr_fmaxp, jit_tr_fminp,
    jit_tr_fextremev;
jit_tr_fn jit_tr_fcvt_d_s, jit_tr_fcvt_s_d, jit_tr_fcvt_s_h, jit_tr_fcvt_d_h, jit_tr_fcvt_h_s,
    jit_tr_fcvtl, jit_tr_fcvtn, jit_tr_cvtf, jit_tr_cvtf_fix, jit_tr_cvtf_v, jit_tr_cvtf_fix_v,
    jit_tr_fcvtn_int, jit_tr_fcvtn_int_v, jit_tr_fcvtm_int, jit_tr_fcvtm_int_v, jit_tr_fcvtp_int,
    jit_tr_fcvtp_int_v, jit_tr_fcvtz_int, jit_tr_fcvtz_int_v, jit_tr_fcvta_int, jit_tr_fcvta_int_v,
    jit_tr_fcvtz_fix, jit_tr_fcvtz_fix_v, jit_tr_fjcvtzs;
jit_tr_fn jit_tr_msr;
jit_tr_fn jit_tr_add_v, jit_tr_sub_v, jit_tr_cmeq_v, jit_tr_cmgt_v, jit_tr_max_v, jit_tr_and_v,
    jit_tr_orr_v, jit_tr_eor_v, jit_tr_bic_v, jit_tr_orn_v, jit_tr_bsl_v, jit_tr_bit_v,
    jit_tr_bif_v, jit_tr_cmge_v, jit_tr_cmhs_v, jit_tr_cmhi_v, jit_tr_cmtst_v, jit_tr_neg_v,
    jit_tr_abs_v, jit_tr_not_v, jit_tr_cnt_v, jit_tr_rbit_v, jit_tr_mul_v, jit_tr_mul_elem,
    jit_tr_cm_zero_v, jit_tr_rev_v, jit_tr_clz_v, jit_tr_halving, jit_tr_abd_v, jit_tr_shr,
    jit_tr_shl_imm, jit_tr_sli, jit_tr_sri, jit_tr_shl_reg, jit_tr_xtn, jit_tr_shrn, jit_tr_addhn,
    jit_tr_sqxtn, jit_tr_sqshrn, jit_tr_shll, jit_tr_shll_width, jit_tr_addl, jit_tr_abdl,
    jit_tr_mull, jit_tr_mull_elem, jit_tr_addlp, jit_tr_addlv, jit_tr_sqadd_v, jit_tr_sqneg_v,
    jit_tr_sqdmulh_v, jit_tr_sqdmulh_elem, jit_tr_sqdmull, jit_tr_sqdmull_elem, jit_tr_sqshl_imm,
    jit_tr_zip, jit_tr_uzp, jit_tr_trn, jit_tr_ext_v, jit_tr_tbl, jit_tr_pairwise,
    jit_tr_addp_scalar, jit_tr_addv, jit_tr_extremev;
jit_tr_fn jit_tr_aese, jit_tr_aesd, jit_tr_aesmc, jit_tr_aesimc, jit_tr_pmull_d, jit_tr_pmull_b,
    jit_tr_pmul_v, jit_tr_sha1_rounds, jit_tr_sha1h, jit_tr_sha1su0, jit_tr_sha1su1,
    jit_tr_sha256_rounds, jit_tr_sha256su0, jit_tr_sha256su1;

#endif
