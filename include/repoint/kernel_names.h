/* SPDX-License-Identifier: MIT */
/*
 * The Linux kernel's spellings, for code that is written for its API. Opt-in:
 * nothing else in Repoint includes this header.
 *
 * Differences that remain: updates return an error instead of void, there is
 * no .ro data, keys are private to an object unless exported, and features are
 * RP_FEATURE_... of <repoint/cpu.h>.
 */
#ifndef REPOINT_KERNEL_NAMES_H
#define REPOINT_KERNEL_NAMES_H

#include <repoint/alternative.h>
#include <repoint/static_call.h>
#include <repoint/static_key.h>

#define DECLARE_STATIC_CALL(name, func)		RP_DECLARE_STATIC_CALL(name, func)
#define DEFINE_STATIC_CALL(name, func)		RP_DEFINE_STATIC_CALL(name, func)
#define DEFINE_STATIC_CALL_NULL(name, func)	RP_DEFINE_STATIC_CALL_NULL(name, func)
#define DEFINE_STATIC_CALL_RET0(name, func)	RP_DEFINE_STATIC_CALL_RET0(name, func)
#define EXPORT_STATIC_CALL(name)		RP_EXPORT_STATIC_CALL(name)
#define EXPORT_STATIC_CALL_GPL(name)		RP_EXPORT_STATIC_CALL(name)
#define EXPORT_STATIC_CALL_TRAMP(name)		RP_EXPORT_STATIC_CALL_TRAMP(name)
#define EXPORT_STATIC_CALL_TRAMP_GPL(name)	RP_EXPORT_STATIC_CALL_TRAMP(name)
#define static_call(name)			rp_static_call(name)
#define static_call_cond(name)			rp_static_call_cond(name)
#define static_call_mod(name)			rp_static_call(name)
#define static_call_update(name, func)		rp_static_call_update(name, func)
#define static_call_query(name)			rp_static_call_query(name)
/* A void pointer, so that it converts to the type of any static call. */
#define __static_call_return0			((void *)rp_static_call_return0)

#define DECLARE_STATIC_KEY_TRUE(name)		RP_DECLARE_STATIC_KEY_TRUE(name)
#define DECLARE_STATIC_KEY_FALSE(name)		RP_DECLARE_STATIC_KEY_FALSE(name)
#define DEFINE_STATIC_KEY_TRUE(name)		RP_DEFINE_STATIC_KEY_TRUE(name)
#define DEFINE_STATIC_KEY_FALSE(name)		RP_DEFINE_STATIC_KEY_FALSE(name)
#define DEFINE_STATIC_KEY_TRUE_RO(name)		RP_DEFINE_STATIC_KEY_TRUE(name)
#define DEFINE_STATIC_KEY_FALSE_RO(name)	RP_DEFINE_STATIC_KEY_FALSE(name)
#define DEFINE_STATIC_KEY_ARRAY_TRUE(name, n)	RP_DEFINE_STATIC_KEY_ARRAY_TRUE(name, n)
#define DEFINE_STATIC_KEY_ARRAY_FALSE(name, n)	RP_DEFINE_STATIC_KEY_ARRAY_FALSE(name, n)
#define static_branch_likely(x)			rp_static_branch_likely(x)
#define static_branch_unlikely(x)		rp_static_branch_unlikely(x)
#define static_branch_enable(x)			rp_static_key_enable(x)
#define static_branch_disable(x)		rp_static_key_disable(x)
#define static_branch_inc(x)			rp_static_key_inc(x)
#define static_branch_dec(x)			rp_static_key_dec(x)
#define static_key_enable(x)			rp_static_key_enable(x)
#define static_key_disable(x)			rp_static_key_disable(x)
#define static_key_slow_inc(x)			rp_static_key_inc(x)
#define static_key_slow_dec(x)			rp_static_key_dec(x)
#define static_key_enabled(x)			rp_static_key_enabled(x)
#define static_key_count(x)			rp_static_key_count(x)

#define ALT_NOT(feature)			RP_NOT(feature)
#define ALTERNATIVE(old, new_, feature)		RP_ALTERNATIVE(old, new_, feature)
#define ALTERNATIVE_2(old, new1, feature1, new2, feature2)		\
	RP_ALTERNATIVE_2(old, new1, feature1, new2, feature2)
#define ALTERNATIVE_3(old, new1, feature1, new2, feature2, new3, feature3) \
	RP_ALTERNATIVE_3(old, new1, feature1, new2, feature2, new3, feature3)
#define ALTERNATIVE_TERNARY(old, feature, yes, no)			\
	RP_ALTERNATIVE_TERNARY(old, feature, yes, no)

#endif /* REPOINT_KERNEL_NAMES_H */
