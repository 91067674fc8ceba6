/* SPDX-License-Identifier: MIT */
/* Error values of the object library. */
#include "diag.h"
#include "printable.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int set(struct rp_diag *diag, enum rp_diag_id id, const char *where,
	       const char *fmt, va_list args)
{
	diag->id = id;
	diag->has_offset = false;
	diag->offset = 0;
	snprintf(diag->where, sizeof(diag->where), "%s", where ? where : "");
	rp_make_printable(diag->where);
	vsnprintf(diag->text, sizeof(diag->text), fmt, args);
	rp_make_printable(diag->text);
	return -EINVAL;
}

int rp_diag_set(struct rp_diag *diag, enum rp_diag_id id, const char *where,
		const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set(diag, id, where, fmt, args);
	va_end(args);
	return -EINVAL;
}

int rp_diag_set_at(struct rp_diag *diag, enum rp_diag_id id, const char *where,
		   uint64_t offset, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set(diag, id, where, fmt, args);
	va_end(args);
	diag->has_offset = true;
	diag->offset = offset;
	return -EINVAL;
}

int rp_diag_nomem(struct rp_diag *diag)
{
	rp_diag_set(diag, RP_DIAG_NOMEM, NULL, "out of memory");
	return -ENOMEM;
}
