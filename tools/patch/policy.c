/* SPDX-License-Identifier: MIT */
/* The system's policy: what `repoint patch apply` must not do. */
#define _GNU_SOURCE
#include "policy.h"
#include "trusted_file.h"

#include "../../payload/lines.h"
#include "../tool.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SIZE	(1u << 20)

/* struct parser - @line is what is left of a line: the argument. */
struct parser {
	struct rp_policy *policy;
	const char *path;
	struct rp_lines lines;
	struct rp_word line;
	struct rp_diag *diag;
};

const char *rp_policy_path(void)
{
	return RP_POLICY_PATH;
}

static int wrong(struct parser *p, const char *what)
{
	char where[sizeof(p->diag->where)];

	snprintf(where, sizeof(where), "%.80s:%u", p->path, p->lines.number);
	return rp_diag_set(p->diag, RP_DIAG_LIVE_POLICY, where, "%s", what);
}

static int add(struct parser *p, struct rp_policy_list *list)
{
	struct rp_policy_line *v =
		reallocarray(list->v, list->n + 1, sizeof(*v));

	if (!v)
		return rp_diag_nomem(p->diag);
	list->v = v;
	v[list->n].value = strndup(p->line.start, p->line.size);
	if (!v[list->n].value)
		return rp_diag_nomem(p->diag);
	v[list->n++].line = p->lines.number;
	return 0;
}

static int parse_require_signature(struct parser *p)
{
	if (!p->line.size || p->line.start[0] != '/')
		return wrong(p, "require-signature needs the absolute path of "
			     "a directory with public keys");
	return add(p, &p->policy->require_signature);
}

static int parse_deny(struct parser *p)
{
	// Paths begin with /: anything else would never match.
	if (!p->line.size || !strchr("/*?[", p->line.start[0]))
		return wrong(p, "deny needs an absolute path, or a pattern of "
			     "such ones");
	if (p->line.start[p->line.size - 1] == '\\')
		return wrong(p, "a pattern that ends in a backslash matches "
			     "nothing");
	return add(p, &p->policy->deny);
}

static int parse_choice(struct parser *p, struct rp_policy_choice *choice)
{
	if (choice->line)
		return wrong(p, "this has been said before");
	choice->is_no = rp_word_is(&p->line, "no");
	if (!choice->is_no && !rp_word_is(&p->line, "yes"))
		return wrong(p, "yes or no is expected");
	choice->line = p->lines.number;
	return 0;
}

static int parse_allow_force(struct parser *p)
{
	return parse_choice(p, &p->policy->allow_force);
}

static int parse_allow_allow_active(struct parser *p)
{
	return parse_choice(p, &p->policy->allow_allow_active);
}

static const struct directive {
	const char *name;
	int (*parse)(struct parser *p);
} directives[] = {
	{ "require-signature", parse_require_signature },
	{ "deny", parse_deny },
	{ "allow-force", parse_allow_force },
	{ "allow-allow-active", parse_allow_allow_active },
};

#define DIRECTIVES_NR	(sizeof(directives) / sizeof(directives[0]))

static int unknown_directive(struct parser *p, const struct rp_word *word)
{
	const char *names[DIRECTIVES_NR], *hint;
	char typed[40], text[160];

	for (size_t i = 0; i < DIRECTIVES_NR; i++)
		names[i] = directives[i].name;
	snprintf(typed, sizeof(typed), "%.*s",
		 (int)(word->size < sizeof(typed) ? word->size : sizeof(typed)),
		 word->start);
	hint = rp_closest(typed, names, DIRECTIVES_NR);
	snprintf(text, sizeof(text), "unknown directive %s%s%s%s", typed,
		 hint ? "; did you mean " : "", hint ? hint : "",
		 hint ? "?" : "");
	return wrong(p, text);
}

static bool has_control_character(const struct rp_word *line)
{
	for (size_t i = 0; i < line->size; i++) {
		unsigned char c = line->start[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

static int parse_line(struct parser *p)
{
	// A zero would cut a pattern short.
	if (has_control_character(&p->line))
		return wrong(p, "there is a control character in the line");
	struct rp_word word = rp_word_cut(&p->line);

	for (size_t i = 0; i < DIRECTIVES_NR; i++) {
		if (rp_word_is(&word, directives[i].name))
			return directives[i].parse(p);
	}
	return unknown_directive(p, &word);
}

int rp_policy_parse(struct rp_policy *policy, const char *path,
		    const char *text, size_t size, struct rp_diag *diag)
{
	struct parser p = {
		.policy = policy, .path = path,
		.lines = { text, text + size, 0 }, .diag = diag,
	};
	int rc = 0;

	*policy = (struct rp_policy){ .path = strdup(path) };
	if (!policy->path)
		return rp_diag_nomem(diag);
	while (!rc && rp_lines_next(&p.lines, &p.line))
		rc = parse_line(&p);
	return rc;
}

static int read_and_parse(struct rp_policy *policy, const char *path, int fd,
			  struct rp_diag *diag)
{
	uint8_t *text;
	size_t size;

	int rc = rp_descriptor_read(fd, MAX_SIZE, &text, &size, diag);
	if (rc)
		return rc;
	rc = rp_policy_parse(policy, path, (char *)text, size, diag);
	free(text);
	return rc;
}

// Whatever was wrong: say that it is the policy that stands in the way.
static int not_read(const char *path, struct rp_diag *diag)
{
	struct rp_diag why = *diag;

	if (why.id == RP_DIAG_LIVE_POLICY || why.id == RP_DIAG_NOMEM)
		return -EINVAL;
	return rp_diag_set(diag, RP_DIAG_LIVE_POLICY, path, "the policy cannot "
			   "be used: %s%s%s", why.where, why.where[0] ? ": " : "",
			   why.text);
}

int rp_policy_read(struct rp_policy *policy, const char *path,
		   struct rp_diag *diag)
{
	struct stat st;
	int fd;

	*policy = (struct rp_policy){ 0 };
	// A link that leads nowhere is not "no policy", but a mistake.
	if (lstat(path, &st) && errno == ENOENT)
		return 0;
	int rc = rp_trusted_open(path, RP_TRUST_ROOT, S_IFREG, &fd, diag);
	if (!rc) {
		rc = read_and_parse(policy, path, fd, diag);
		close(fd);
	}
	return rc ? not_read(path, diag) : 0;
}

static void free_list(struct rp_policy_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].value);
	free(list->v);
}

void rp_policy_free(struct rp_policy *policy)
{
	free(policy->path);
	free_list(&policy->require_signature);
	free_list(&policy->deny);
	*policy = (struct rp_policy){ 0 };
}

static int forbidden(const struct rp_policy *policy, unsigned int line,
		     struct rp_diag *diag, const char *what)
{
	char where[sizeof(diag->where)];

	snprintf(where, sizeof(where), "%.80s:%u", policy->path, line);
	return rp_diag_set(diag, RP_DIAG_LIVE_POLICY, where,
		"the policy of this system does not allow %s; only root can "
		"change it", what);
}

int rp_policy_check_force(const struct rp_policy *policy, struct rp_diag *diag)
{
	if (!policy->allow_force.is_no)
		return 0;
	return forbidden(policy, policy->allow_force.line, diag, "--force");
}

int rp_policy_check_allow_active(const struct rp_policy *policy,
				 struct rp_diag *diag)
{
	if (!policy->allow_allow_active.is_no)
		return 0;
	return forbidden(policy, policy->allow_allow_active.line, diag,
			 "--allow-active");
}

// Without FNM_PATHNAME: /opt/* is all that is below /opt.
static bool matches(const char *pattern, const char *path)
{
	// An error of fnmatch() rules nothing out.
	if (fnmatch(pattern, path, 0) != FNM_NOMATCH)
		return true;
	// /proc has no links in its paths, but /bin may be one.
	char *real = realpath(pattern, NULL);
	bool same = real && !strcmp(real, path);
	free(real);
	return same;
}

int rp_policy_check_path(const struct rp_policy *policy, const char *path,
			 struct rp_diag *diag)
{
	static const char deleted[] = " (deleted)";
	const size_t size = sizeof(deleted) - 1;
	size_t n = strlen(path);
	char *name = strdup(path), what[300];
	int rc = 0;

	if (!name)
		return rp_diag_nomem(diag);
	if (n > size && !strcmp(name + n - size, deleted))
		name[n - size] = '\0';
	for (size_t i = 0; i < policy->deny.n && !rc; i++) {
		const struct rp_policy_line *deny = &policy->deny.v[i];

		// A name may really end like that.
		if (!matches(deny->value, name) && !matches(deny->value, path))
			continue;
		snprintf(what, sizeof(what), "%.180s to be patched (deny "
			 "%.80s)", path, deny->value);
		rc = forbidden(policy, deny->line, diag, what);
	}
	free(name);
	return rc;
}
