/* SPDX-License-Identifier: MIT */
/* Error values of the object library: what is wrong, and where in which file. */
#ifndef REPOINT_OBJECT_DIAG_H
#define REPOINT_OBJECT_DIAG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Every message of the tools has a number that never changes its meaning;
 * docs/diagnostics.md has an entry with cause and remedy for each.
 */
#define RP_DIAG_LIST(X) \
	X(READ, 1) X(WRITE, 2) X(NOMEM, 3) X(NOT_REGULAR, 4) X(LIBELF, 5) \
	X(NOT_ELF, 101) X(ARCHIVE, 102) X(MACHINE, 103) X(NOT_REL, 104) \
	X(TRUNCATED, 105) X(SECTION_BOUNDS, 106) X(OVERLAP, 107) \
	X(SECTION_LINK, 108) X(STRING, 109) X(SYMTAB, 110) \
	X(RELOC_SYMBOL, 111) X(RELOC_OFFSET, 112) X(GROUP, 113) \
	X(ENTSIZE, 114) X(RELOC_FORM, 115) X(ALIGNMENT, 116) \
	X(RELOC_TWICE, 117) X(RENUMBER, 118) X(LTO, 119) \
	X(DEBUG_INFO, 120) X(EH_FRAME, 121) X(DEBUG_FILE, 122) \
	X(CC_NOT_FOUND, 201) X(CC_RUN, 202) X(CC_FALLBACK, 203) \
	X(CC_LTO, 204) X(CC_UNANNOTATED, 205) \
	X(PATCHLET_RECORD, 301) X(PATCHLET_BOUNDS, 302) \
	X(PATCHLET_CLOBBERS, 303) X(PATCHLET_DECODE, 304) \
	X(PATCHLET_FLOW, 305) X(PATCHLET_TARGET, 306) X(PATCHLET_CALL, 307) \
	X(PATCHLET_STACK, 308) X(PATCHLET_STATE, 309) \
	X(PATCHLET_UNDECLARED, 310) \
	X(PAYLOAD_FORMAT, 401) X(PAYLOAD_VERSION, 402) \
	X(PAYLOAD_IDENTITY, 403) X(PAYLOAD_RECORD, 404) \
	X(PAYLOAD_SYMBOL, 405) X(PAYLOAD_SECTION, 406) \
	X(PAYLOAD_RELOC, 407) X(PAYLOAD_RANGE, 408) X(PAYLOAD_UNBOUND, 409) \
	X(BINARY_KIND, 501) X(BINARY_BUILD_ID, 502) X(BINARY_SYMBOLS, 503) \
	X(BINARY_DEBUG_FILE, 504) X(BINARY_DAMAGED, 505) \
	X(BUILD_PATCH, 601) X(BUILD_FAILED, 602) X(BUILD_NOT_SEEN, 603) \
	X(BUILD_STALE, 604) X(BUILD_ONE_SIDED, 605) \
	X(PATCH_NOT_LINKED, 701) X(PATCH_MISMATCH, 702) X(PATCH_AMBIGUOUS, 703) \
	X(PATCH_LTO, 704) X(PATCH_LAYOUT, 705) X(PATCH_DATA, 706) \
	X(PATCH_SHORT, 707) X(PATCH_ENTERED, 708) X(PATCH_BEFORE_MAIN, 709) \
	X(PATCH_UNTYPED, 710) X(PATCH_NO_UNWIND, 711) X(PATCH_TLS, 712) \
	X(PATCH_UNDEFINED, 713) X(PATCH_UNBOUND, 714) X(PATCH_SECTIONS, 715) \
	X(PATCH_IFUNC, 716) X(PATCH_PROTOTYPE, 717) X(PATCH_VTABLE, 718) \
	X(PATCH_PAIRING, 719) X(PATCH_MARKER, 720) X(PATCH_REACH, 721) \
	X(PATCH_INIT, 722) X(PATCH_ENUM, 723) X(PATCH_MAIN, 724) \
	X(PATCH_TARGETLESS, 725) X(PATCH_CONST, 726) X(PATCH_MOVED, 727) X(PATCH_ALIAS, 728) X(PATCH_LINES, 729) \
	X(LIVE_PROCESS, 801) X(LIVE_PERMISSION, 802) X(LIVE_TRACED, 803) \
	X(LIVE_ARCH, 804) X(LIVE_TARGET, 805) X(LIVE_BUSY, 806) \
	X(LIVE_STOP, 807) X(LIVE_MEMORY, 808) X(LIVE_MISMATCH, 809) \
	X(LIVE_DATA, 810) X(LIVE_SYMBOL, 811) X(LIVE_TLS, 812) \
	X(LIVE_INJECT, 813) X(LIVE_VETO, 814) X(LIVE_HOOK, 815) \
	X(LIVE_RECORD, 816) X(LIVE_APPLIED, 817) X(LIVE_NOT_APPLIED, 818) \
	X(LIVE_DEPENDS, 819) X(LIVE_ORDER, 820) X(LIVE_FILE, 821) \
	X(LIVE_SIGNATURE, 822) X(LIVE_POLICY, 823) X(LIVE_LEFTOVER, 824) \
	X(LIVE_SECCOMP, 825) X(LIVE_GONE, 826) X(LIVE_CONTEXT, 827) \
	X(LIVE_SHADOW_STACK, 828) X(LIVE_WRITE, 830) \
	X(LIVE_ALLOW, 831) \
	X(CHECK_SHORT, 901) X(CHECK_CLOSE, 902) X(CHECK_ENTERED, 903) \
	X(CHECK_LABEL, 911) X(CHECK_FALLS_THROUGH, 912) X(CHECK_UNTYPED, 913) \
	X(CHECK_UNSIZED, 914) X(CHECK_TWO_SECTIONS, 915) \
	X(CHECK_ALT_RECORD, 921) X(CHECK_ALT_RELOC, 922) \
	X(CHECK_ALT_BRANCH, 923) X(CHECK_ALT_STACK, 924) X(CHECK_ALT_CODE, 925) \
	X(CHECK_SITE, 931) X(CHECK_SITE_CROSSES, 932) X(CHECK_KEY, 933) \
	X(CHECK_STALE, 934) X(CHECK_SITE_RECORD, 935) \
	X(CHECK_MISMATCH, 941) X(CHECK_RETURN, 942) X(CHECK_TAIL, 943) \
	X(CHECK_UNREACHABLE, 944) X(CHECK_INDIRECT, 945) \
	X(CHECK_STACK_POINTER, 946) X(CHECK_CFI, 947) X(CHECK_DECODE, 948) \
	X(CHECK_TARGET, 949) X(CHECK_UNDEFINED, 950) X(CHECK_NO_CFI, 951) \
	X(CHECK_HINT, 952) X(CHECK_KEPT, 953) X(CHECK_SLOT, 954) \
	X(CHECK_RETPOLINE, 961) X(CHECK_RETHUNK, 962) X(CHECK_SLS, 963) \
	X(ORC_RANGE, 971) X(ORC_EXISTS, 972) X(ORC_TABLE, 973) X(ORC_KIND, 974)

enum rp_diag_id {
	RP_DIAG_NONE,
#define RP_DIAG_ENUM(name, number) RP_DIAG_##name = number,
	RP_DIAG_LIST(RP_DIAG_ENUM)
#undef RP_DIAG_ENUM
};

/**
 * struct rp_diag - one error.
 * @id:         what is wrong
 * @where:      section or table that it is in; empty if the file as a whole
 * @offset:     place inside @where, valid if @has_offset
 * @has_offset: see @offset
 * @text:       the sentence for the user
 *
 * All strings are printable, whatever the input held.
 */
struct rp_diag {
	enum rp_diag_id id;
	bool has_offset;
	char where[96];
	uint64_t offset;
	char text[400];
};

/** rp_diag_is_patchlet() - is a patchlet, or its record, not sound? */
static inline bool rp_diag_is_patchlet(enum rp_diag_id id)
{
	return id >= RP_DIAG_PATCHLET_RECORD &&
	       id <= RP_DIAG_PATCHLET_UNDECLARED;
}

/**
 * rp_diag_set() - fill an error in.
 * @diag:  the error
 * @id:    what is wrong
 * @where: section or table, or NULL
 * @fmt:   sentence for the user, printf style
 *
 * Return: -EINVAL, so that `return rp_diag_set(...)` reads well.
 */
int rp_diag_set(struct rp_diag *diag, enum rp_diag_id id, const char *where,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/** rp_diag_set_at() - the same, with an offset inside @where. */
int rp_diag_set_at(struct rp_diag *diag, enum rp_diag_id id, const char *where,
		   uint64_t offset, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/** rp_diag_nomem() - memory has run out. Return: -ENOMEM. */
int rp_diag_nomem(struct rp_diag *diag);

#endif /* REPOINT_OBJECT_DIAG_H */
