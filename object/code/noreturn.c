/* SPDX-License-Identifier: MIT */
/*
 * Functions that never return, by name. An object does not say so of functions
 * that it only calls, but code behind such a call is not there.
 *
 * The kernel's are those that its objtool of the same version knows: which
 * instructions are reached, and with which stack, follows from it.
 */
#include "internal.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

// All sorted by strcmp().
static const char *const linux_6_1[] = {
	"__invalid_creds", "__module_put_and_kthread_exit",
	"__reiserfs_panic", "__stack_chk_fail",
	"__ubsan_handle_builtin_unreachable", "cpu_bringup_and_idle",
	"cpu_startup_entry", "do_exit", "do_group_exit", "do_task_dead",
	"ex_handler_msr_mce", "fortify_panic", "kthread_complete_and_exit",
	"kthread_exit", "kunit_try_catch_throw", "lbug_with_loc",
	"machine_real_restart", "make_task_dead", "panic",
	"rewind_stack_and_make_dead", "sev_es_terminate", "snp_abort",
	"stop_this_cpu", "usercopy_abort", "xen_start_kernel",
};

static const char *const linux_6_12[] = {
	"__fortify_panic", "__ia32_sys_exit", "__ia32_sys_exit_group",
	"__kunit_abort", "__module_put_and_kthread_exit", "__reiserfs_panic",
	"__stack_chk_fail", "__tdx_hypercall_failed",
	"__ubsan_handle_builtin_unreachable", "__x64_sys_exit",
	"__x64_sys_exit_group", "arch_cpu_idle_dead",
	"bch2_trans_in_restart_error", "bch2_trans_restart_error",
	"bch2_trans_unlocked_error", "cpu_bringup_and_idle",
	"cpu_startup_entry", "do_exit", "do_group_exit", "do_task_dead",
	"ex_handler_msr_mce", "hlt_play_dead", "hv_ghcb_terminate",
	"kthread_complete_and_exit", "kthread_exit", "kunit_try_catch_throw",
	"machine_real_restart", "make_task_dead", "mpt_halt_firmware",
	"nmi_panic_self_stop", "panic", "panic_smp_self_stop", "rest_init",
	"rewind_stack_and_make_dead", "rust_begin_unwind", "rust_helper_BUG",
	"sev_es_terminate", "snp_abort", "start_kernel", "stop_this_cpu",
	"usercopy_abort", "x86_64_start_kernel", "x86_64_start_reservations",
	"xen_cpu_bringup_again", "xen_start_kernel",
};

// The C and C++ libraries', POSIX', those of compilers and of sanitizers.
static const char *const user[] = {
	"_Exit", "_Unwind_Resume", "_Unwind_SjLj_Resume", "_ZSt10unexpectedv",
	"_ZSt17__throw_bad_allocv", "_ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE",
	"_ZSt9terminatev", "__GI___assert_fail", "__GI_abort", "__GI_exit",
	"___longjmp_chk", "__assert", "__assert_c99",
	"__assert_fail", "__assert_perror_fail",
	"__chk_fail", "__clang_call_terminate", "__cxa_bad_cast",
	"__cxa_bad_typeid", "__cxa_call_terminate", "__cxa_call_unexpected",
	"__cxa_deleted_virtual", "__cxa_pure_virtual", "__cxa_rethrow",
	"__cxa_throw", "__cxa_throw_bad_array_length",
	"__cxa_throw_bad_array_new_length", "__fortify_fail",
	"__longjmp_chk", "__stack_chk_fail",
	"__stack_chk_fail_local", "__stack_smash_handler",
	"__ubsan_handle_builtin_unreachable", "__ubsan_handle_missing_return",
	"_exit", "_longjmp", "abort", "err", "errc", "errx", "exit",
	"g_assertion_message", "g_assertion_message_expr", "longjmp",
	"pthread_exit", "quick_exit", "rust_begin_unwind", "siglongjmp",
	"thrd_exit", "verr", "verrc", "verrx",
};

static int by_name(const void *key, const void *element)
{
	return strcmp(key, *(const char *const *)element);
}

static bool is_in(const char *name, const char *const *v, size_t n)
{
	return bsearch(name, v, n, sizeof(*v), by_name);
}

#define IS_IN(name, list) is_in(name, list, sizeof(list) / sizeof(*(list)))

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), n = strlen(end);

	return length >= n && !memcmp(name + length - n, end, n);
}

static bool contains(const char *name, const char *part)
{
	return strstr(name, part);
}

// Rust's names have a hash of the crate in them: what surrounds it counts.
static bool is_rust_noreturn(const char *name)
{
	static const char *const ends[] = {
		"_4core3num22from_ascii_radix_panic",
		"_4core5sliceSp15copy_from_slice17len_mismatch_fail",
		"_4core6option13expect_failed", "_4core6option13unwrap_failed",
		"_4core6result13unwrap_failed",
		"_4core6result13unwrap_failed19unwrap_failed_inner",
		"_4core9panicking5panic", "_4core9panicking9panic_fmt",
		"_4core9panicking14panic_explicit",
		"_4core9panicking14panic_nounwind",
		"_4core9panicking18panic_bounds_check",
		"_4core9panicking18panic_nounwind_fmt",
		"_4core9panicking19assert_failed_inner",
		"_4core9panicking30panic_null_pointer_dereference",
		"_4core9panicking32panic_null_reference_constructed",
		"_4core9panicking36panic_misaligned_pointer_dereference",
		"_7___rustc17rust_begin_unwind",
	};

	if (strncmp(name, "_R", 2))
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		if (ends_with(name, ends[i]))
			return true;
	}
	return contains(name, "_4core9panicking13assert_failed") ||
	       contains(name, "_4core9panicking11panic_const24panic_const_") ||
	       (contains(name, "_4core5slice5index") &&
		contains(name, "slice_") && ends_with(name, "_fail"));
}

// std::__throw_*: a mangled name's length precedes it.
static bool is_std_throw(const char *name)
{
	if (strncmp(name, "_ZSt", 4) || name[4] < '1' || name[4] > '9')
		return false;
	name += 4 + strspn(name + 4, "0123456789");
	return !strncmp(name, "__throw_", 8);
}

static bool is_user_noreturn(const char *full)
{
	char name[256];
	size_t n = strcspn(full, "@");		// without a version

	if (n >= sizeof(name))
		return false;
	memcpy(name, full, n);
	name[n] = '\0';
	return IS_IN(name, user) || is_std_throw(name) || is_rust_noreturn(name);
}

static bool is_noreturn(const struct rp_code *code, uint32_t symbol)
{
	const struct rp_symbol *s = &code->obj->symbols[symbol];

	switch (code->abi->kind) {
	case RP_ABI_LINUX_6_1:
		return s->bind == STB_GLOBAL && IS_IN(s->name, linux_6_1);
	case RP_ABI_LINUX_6_12:
		return s->bind != STB_LOCAL &&
		       (IS_IN(s->name, linux_6_12) || is_rust_noreturn(s->name));
	default:
		return s->bind != STB_LOCAL && is_user_noreturn(s->name);
	}
}

bool rp_symbol_is_noreturn(const struct rp_code *code, uint32_t symbol)
{
	uint8_t *known = &code->index->noreturn[symbol];

	// Each call asks, several times: names are looked up once.
	if (symbol && !*known)
		*known = 1 + is_noreturn(code, symbol);
	return *known == 2;
}
