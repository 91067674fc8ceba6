/* SPDX-License-Identifier: MIT */
/* Options of the commands on running processes. */
#include "live_settings.h"

#include "../tool.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

const char rp_live_help_processes[] =
"  PID                  the process\n"
"      --name NAME      all processes of that name, instead of PID\n"
"      --all-using PATH all that run or have loaded this program or library, by\n"
"                       path or by name (libexpat.so.1), instead of PID\n";

const char rp_live_help_last[] =
"      --json           print JSON\n"
"  -h, --help           this text\n";

const char rp_live_help_stop[] =
"      --timeout SEC    how long to wait for functions that are in use (10;\n"
"                       0: try once)\n"
"      --wait           wait for ever\n"
"      --retry N        after a refusal, try again N times (0)\n"
"      --hook-timeout SEC  how long a hook may run (5)\n"
"      --allow-active FUNCTION  this function may be in use: it goes on in its\n"
"                       old code until it returns. Read repoint-patch(1) first\n"
"      --contexts auto|scan|ignore  look for coroutines that are suspended in\n"
"                       functions: if the program seems to have any, always,\n"
"                       never\n"
"  -q, --quiet          print errors only\n"
"  -v, --verbose        print more of what is found and done\n";

/* Seconds, with a fraction; in milliseconds. */
static bool milliseconds(const char *text, unsigned int *ret)
{
	char *end;
	double s;

	errno = 0;
	s = strtod(text, &end);
	if (end == text || *end || errno || !(s >= 0) || s > INT_MAX / 1000)
		return false;
	*ret = s * 1000 + 0.5;
	return true;
}

static bool number(const char *text, unsigned int *ret)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (end == text || *end || errno || *text == '-' || n > INT_MAX)
		return false;
	*ret = n;
	return true;
}

static bool contexts(const char *text, enum rp_contexts *ret)
{
	static const char *const names[] = {
		[RP_CONTEXTS_AUTO] = "auto",
		[RP_CONTEXTS_SCAN] = "scan",
		[RP_CONTEXTS_IGNORE] = "ignore",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(text, names[i])) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static bool add_word(struct rp_word_list *list, const char *word)
{
	const char **more = reallocarray(list->v, list->n + 1, sizeof(*more));

	if (!more)
		return false;
	list->v = more;
	more[list->n++] = word;
	return true;
}

static bool take_timeout(struct rp_live_options *o, const char *text)
{
	if (!milliseconds(text, &o->timeout_ms))
		return false;
	o->once = !o->timeout_ms;
	return true;
}

static void take_process(struct rp_live_settings *s, enum rp_which which,
			 const char *what)
{
	s->which = which;
	s->what = what;
	s->have_what = true;
}

/* Return: false: its argument is not right. */
static bool take(struct rp_live_settings *s, int c, const char *argument)
{
	switch (c) {
	case RP_LIVE_OPT_NAME:
		take_process(s, RP_WHICH_NAME, argument);
		return true;
	case RP_LIVE_OPT_USING:
		take_process(s, RP_WHICH_USING, argument);
		return true;
	case RP_LIVE_OPT_ALL:
		take_process(s, RP_WHICH_ALL, "");
		return true;
	case RP_LIVE_OPT_TIMEOUT:
		return take_timeout(&s->options, argument);
	case RP_LIVE_OPT_RETRY:
		return number(argument, &s->retries);
	case RP_LIVE_OPT_WAIT:
		s->options.timeout_ms = UINT_MAX;
		s->retries = UINT_MAX;
		return true;
	case RP_LIVE_OPT_HOOK:
		return milliseconds(argument, &s->options.hook_ms) &&
		       s->options.hook_ms;
	case RP_LIVE_OPT_ACTIVE:
		return add_word(&s->allow_active, argument);
	case RP_LIVE_OPT_CONTEXTS:
		return contexts(argument, &s->options.contexts);
	case RP_LIVE_OPT_KEYS:
		s->require_signature = argument;
		return true;
	case RP_LIVE_OPT_FORCE:
		return s->force = true;
	case RP_LIVE_OPT_EVERY:
		return s->every = true;
	case RP_LIVE_OPT_GONE:
		return s->gone = true;
	case RP_LIVE_OPT_JSON:
		return s->json = true;
	case 'o':
		s->output = argument;
		return true;
	case 'q':
		return s->quiet = true;
	case 'v':
		return s->verbose = true;
	default:
		return s->help = true;
	}
}

int rp_live_settings_parse(struct rp_live_settings *s, const char *command,
			   const struct option *options, int argc, char **argv,
			   int words, const char *missing)
{
	int c;

	*s = (struct rp_live_settings){ 0 };
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":o:qvh", options, NULL)) != -1) {
		if (c == '?' || c == ':')
			return rp_usage_error(command, options, argv);
		if (!take(s, c, optarg))
			return rp_misuse(command, "this value is not "
					 "understood: %s", optarg);
	}
	if (s->help)
		return 0;
	s->options.allow_active = s->allow_active.v;
	s->options.nallow_active = s->allow_active.n;
	if (!s->have_what) {
		if (optind == argc)
			return rp_misuse(command, "%s", missing);
		take_process(s, RP_WHICH_PID, argv[optind++]);
	}
	if (argc - optind != words - s->every)
		return rp_misuse(command, "%s", missing);
	return 0;
}

bool rp_live_may_retry(const struct rp_diag *diag)
{
	return diag->id == RP_DIAG_LIVE_BUSY || diag->id == RP_DIAG_LIVE_STOP ||
	       diag->id == RP_DIAG_LIVE_VETO ||
	       diag->id == RP_DIAG_LIVE_CONTEXT;
}

/* Refused: the process is not as the payload needs it. All else is an error. */
int rp_live_exit(const struct rp_diag *diag)
{
	switch (diag->id) {
	case RP_DIAG_LIVE_BUSY:
	case RP_DIAG_LIVE_STOP:
	case RP_DIAG_LIVE_TRACED:
	case RP_DIAG_LIVE_VETO:
	case RP_DIAG_LIVE_CONTEXT:
	case RP_DIAG_LIVE_TARGET:
	case RP_DIAG_LIVE_MISMATCH:
	case RP_DIAG_LIVE_DATA:
	case RP_DIAG_LIVE_DEPENDS:
	case RP_DIAG_LIVE_ORDER:
	case RP_DIAG_LIVE_APPLIED:
	case RP_DIAG_LIVE_NOT_APPLIED:
		return RP_PATCH_EXIT_REFUSED;
	default:
		return RP_EXIT_ERROR;
	}
}
