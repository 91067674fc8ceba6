/* SPDX-License-Identifier: MIT */
/* The ORC table of one file: made, compared, written. */
#include "orc_table.h"
#include "../../object/orc/file.h"
#include "../../object/printable.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static bool has_table(const struct rp_relobj *obj)
{
	return rp_orc_section(obj, RP_ORC_SECTION) ||
	       rp_orc_section(obj, RP_ORC_IP_SECTION);
}

/* Of the stack, of alternatives, and of the code as such. Where only .eh_frame is
 * wrong the table is right: it is made from the code. */
bool rp_orc_table_spoils(const struct rp_finding *finding)
{
	return finding->severity == RP_ERROR &&
	       finding->id != RP_DIAG_CHECK_CFI;
}

static size_t count_errors(const struct rp_findings *findings)
{
	size_t n = 0;

	for (size_t i = 0; i < findings->n; i++)
		n += rp_orc_table_spoils(&findings->v[i]);
	return n;
}

static int check_findings(struct rp_orc_result *r, struct rp_diag *diag)
{
	if (r->findings.nomem)
		return rp_diag_nomem(diag);
	rp_findings_sort(&r->findings);
	size_t n = count_errors(&r->findings);
	if (!n)
		return 0;
	for (size_t i = 0; i < r->findings.n; i++) {
		if (rp_orc_table_spoils(&r->findings.v[i]))
			return rp_diag_set(diag, r->findings.v[i].id, NULL,
				"no table is written: %zu error%s in what the "
				"code does to the stack%s", n, rp_s(n),
				r->obj.linked && r->rows.nfdes ? "; "
				"--from-eh-frame makes one of what .eh_frame "
				"says" : "");
	}
	return 0;
}

static int make_from_walk(struct rp_orc_result *r, unsigned int prefix,
			  struct rp_diag *diag)
{
	int rc = 0;

	if (!r->abi->kernel)
		rc = rp_frame_rows_init(&r->rows, &r->obj, diag);
	if (!rc)
		rc = rp_code_init_frames(&r->code, &r->obj, r->abi, &r->rows,
					 &r->findings, diag);
	if (!rc)
		rc = rp_stack_walk_init(&r->walk, &r->code,
					r->rows.nfdes ? &r->rows : NULL,
					&r->findings, diag);
	if (!rc)
		rc = check_findings(r, diag);
	if (!rc && prefix)
		rp_orc_set_prefix(&r->code, prefix);
	if (!rc)
		rc = rp_orc_from_walk(&r->orc, &r->walk,
				      r->rows.nfdes ? &r->rows : NULL, diag);
	r->unsaid = r->orc.unsaid;
	return rc;
}

static int make_from_rows(struct rp_orc_result *r, struct rp_diag *diag)
{
	int rc = rp_frame_rows_init(&r->rows, &r->obj, diag);

	if (!rc && !r->rows.nfdes)
		return rp_diag_set(diag, RP_DIAG_CHECK_NO_CFI, NULL,
			"has no .eh_frame to make a table of");
	return rc ? rc : rp_orc_from_rows(&r->orc, &r->obj, &r->rows,
					  &r->unsaid, diag);
}

static int make(struct rp_orc_result *r, const struct rp_orc_options *options,
		struct rp_diag *diag)
{
	if (rp_orc_is_table_file(&r->obj))
		return rp_diag_set(diag, RP_DIAG_ORC_KIND, NULL,
			"is a table file: it can be printed (--dump) only");
	return options->from_eh_frame ? make_from_rows(r, diag) :
					make_from_walk(r, options->prefix, diag);
}

static int write_object(void *context, int fd, struct rp_diag *diag)
{
	struct rp_orc_result *r = context;
	struct rp_elf_edit edit;

	int rc = rp_elf_edit_init(&edit, &r->obj, diag);
	if (!rc && (r->outcome == RP_ORC_WRITTEN ||
		    r->outcome == RP_ORC_REPLACED))
		rc = rp_orc_put(&edit, &r->orc, r->abi, diag);
	if (!rc)
		rc = rp_elf_edit_write(&edit, fd, diag);
	rp_elf_edit_deinit(&edit);
	return rc;
}

static int write_table(void *context, int fd, struct rp_diag *diag)
{
	struct rp_orc_result *r = context;

	return rp_orc_write_table(&r->orc, &r->obj, fd, diag);
}

static int path_too_long(struct rp_diag *diag)
{
	return rp_diag_set(diag, RP_DIAG_WRITE, NULL,
		"cannot write the table: the path is too long");
}

/* In a directory tables are named as rp_unwind_space_add_self() looks for them. */
static int name_by_build_id(const struct rp_orc_result *r,
			    const char *directory, char *ret,
			    struct rp_diag *diag)
{
	size_t size, n;
	const uint8_t *id = rp_orc_build_id_bytes(&r->obj, &size);

	if (!id || size > 64)
		return rp_diag_set(diag, RP_DIAG_BINARY_BUILD_ID, NULL, "has no "
			"build ID to name its table by: name the table itself "
			"(-o FILE.orc), or link with -Wl,--build-id");
	n = snprintf(ret, PATH_MAX, "%s/", directory);
	for (size_t i = 0; i < size && n < PATH_MAX; i++)
		n += snprintf(ret + n, PATH_MAX - n, "%02x", id[i]);
	if (n < PATH_MAX)
		n += snprintf(ret + n, PATH_MAX - n, ".orc");
	return n < PATH_MAX ? 0 : path_too_long(diag);
}

/* Where the table of a linked file is to go. */
static int find_output(const struct rp_orc_result *r, const char *output,
		       char *ret, struct rp_diag *diag)
{
	struct stat st;

	if (!output)
		return rp_diag_set(diag, RP_DIAG_ORC_KIND, NULL,
			"is linked, and linked files are not changed: say with "
			"-o where the table is to go");
	if (!stat(output, &st)) {
		if (S_ISDIR(st.st_mode))
			return name_by_build_id(r, output, ret, diag);
		if (st.st_dev == r->file.st.st_dev &&
		    st.st_ino == r->file.st.st_ino)
			return rp_diag_set(diag, RP_DIAG_ORC_KIND, NULL,
				"is linked, and -o names the file itself: its "
				"table would replace it");
	}
	if (snprintf(ret, PATH_MAX, "%s", output) >= PATH_MAX)
		return path_too_long(diag);
	return 0;
}

static int finish_linked(struct rp_orc_result *r,
			 const struct rp_orc_options *options,
			 struct rp_diag *diag)
{
	char output[PATH_MAX];

	if (r->abi->kernel)
		return rp_diag_set(diag, RP_DIAG_ORC_KIND, NULL,
			"is linked: a kernel's table is made of its objects");
	r->no_build_id = !rp_orc_build_id(&r->obj);
	r->outcome = RP_ORC_WOULD_WRITE;
	int rc = find_output(r, options->output, output, diag);
	if (rc || options->dry_run)
		return rc;
	r->outcome = RP_ORC_WRITTEN;
	return rp_whole_file_replace(output, write_table, r, diag);
}

static int finish_object(struct rp_orc_result *r, const char *path,
			 const struct rp_orc_options *options,
			 struct rp_diag *diag)
{
	bool had_table = has_table(&r->obj), matches;
	int rc = rp_orc_matches(&r->obj, &r->orc, r->abi, &matches, diag);

	if (rc)
		return rc;
	r->outcome = RP_ORC_WOULD_WRITE;
	if (matches)
		r->outcome = r->orc.n ? RP_ORC_UNCHANGED : RP_ORC_NO_CODE;
	if (options->dry_run || (matches && !options->output))
		return 0;
	if (!matches)
		r->outcome = had_table ? RP_ORC_REPLACED : RP_ORC_WRITTEN;
	return rp_whole_file_replace(options->output ? options->output : path,
				     write_object, r, diag);
}

static int read_file(struct rp_orc_result *r, const char *path,
		     struct rp_diag *diag)
{
	int rc = rp_whole_file_read(&r->file, path, diag);

	if (!rc)
		rc = rp_relobj_open_linked(&r->obj, r->file.image,
					   r->file.size, diag);
	return rc ? rc : rp_relobj_refuse_debug_file(&r->obj, diag);
}

static int dump(struct rp_orc_result *r, const struct rp_orc_options *options,
		struct rp_diag *diag)
{
	int rc = -ENOENT;

	r->outcome = RP_ORC_READ;
	if (r->abi->kernel && rp_orc_is_table_file(&r->obj))
		return rp_diag_set(diag, RP_DIAG_ORC_TABLE, NULL,
			"is a table file of a program: print it without --abi");
	if (!options->from_eh_frame && !options->dry_run)
		rc = rp_orc_read(&r->orc, &r->obj, r->abi, diag);
	if (rc != -ENOENT)
		return rc;
	r->outcome = RP_ORC_MADE;
	return make(r, options, diag);
}

static int work(struct rp_orc_result *r, const char *path,
		const struct rp_orc_options *options, struct rp_diag *diag)
{
	int rc = read_file(r, path, diag);

	if (rc)
		return rc;
	if (r->obj.lto == RP_LTO_SLIM) {
		r->outcome = RP_ORC_BYTECODE;
		return 0;
	}
	if (options->dump)
		return dump(r, options, diag);
	rc = make(r, options, diag);
	if (rc)
		return rc;
	return r->obj.linked ? finish_linked(r, options, diag) :
				    finish_object(r, path, options, diag);
}

void rp_orc_file(struct rp_orc_result *result, const char *path,
		 const struct rp_orc_options *options, struct rp_diag *diag)
{
	memset(result, 0, sizeof(*result));
	result->abi = options->abi;
	if (work(result, path, options, diag))
		result->outcome = RP_ORC_FAILED;
}

void rp_orc_result_deinit(struct rp_orc_result *result)
{
	rp_orc_deinit(&result->orc);
	rp_stack_walk_deinit(&result->walk);
	rp_frame_rows_deinit(&result->rows);
	rp_code_deinit(&result->code);
	rp_findings_deinit(&result->findings);
	rp_relobj_close(&result->obj);
	rp_whole_file_deinit(&result->file);
	memset(result, 0, sizeof(*result));
}
