/* SPDX-License-Identifier: MIT */
/* `repoint patch apply`, `replace`, `check`, `revert`: change running processes. */
#define _GNU_SOURCE
#include "../tool.h"
#include "payload_input.h"
#include "transcript.h"

#include "../../object/grow.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRY_PAUSE_MS	200
/* How often a group of processes is looked through for new ones. */
#define ROUNDS		4

static const char apply_help[] =
"Usage: repoint patch %s [OPTION...] PID FILE.rpp\n"
"       repoint patch %s [OPTION...] --name NAME FILE.rpp\n"
"       repoint patch %s [OPTION...] --all-using PATH FILE.rpp\n"
"\n"
"%s\n"
"\n"
"%s"
"%s"
"      --force          others may write to FILE.rpp or to a directory above it\n"
"      --require-signature DIR  somebody whose public key is in DIR has signed it\n"
"%s"
"\n"
"Exit status: 0 if it is done, 2 if a process was not in a state for it (nothing\n"
"was changed there; the reason is printed), 1 after an error, 64 if the command\n"
"line is wrong. Of several processes, the worst counts.\n";

static const char revert_help[] =
"Usage: repoint patch revert [OPTION...] PID NAME\n"
"       repoint patch revert [OPTION...] --name PROCESS NAME\n"
"       repoint patch revert [OPTION...] --all-using PATH NAME\n"
"\n"
"Takes a live patch away: the old functions run again. NAME is that of the\n"
"payload, as repoint patch list prints it, or --all for all of them.\n"
"\n"
"%s"
"%s"
"%s"
"\n"
"Exit status: as repoint patch apply.\n";

static const char *const what_it_does[] = {
[RP_VERB_APPLY] =
"Applies a live patch to a running process. All of its threads are stopped for\n"
"less than a millisecond, in a moment in which none of them is in a function that\n"
"is replaced. Nothing is changed unless all of it can be.",
[RP_VERB_REPLACE] =
"Puts a live patch in the place of all that are applied to the same program or\n"
"library, in one stop: between them the old code does not run.",
[RP_VERB_CHECK] =
"Does all that repoint patch apply does, except for changing anything: says whether\n"
"the payload fits the process, and whether its functions are in use.",
};

static const struct option apply_options[] = {
	RP_LIVE_OPTIONS_PROCESS, RP_LIVE_OPTIONS_STOP, RP_LIVE_OPTIONS_PAYLOAD,
	{ NULL, 0, NULL, 0 }
};
static const struct option revert_options[] = {
	RP_LIVE_OPTIONS_PROCESS, RP_LIVE_OPTIONS_STOP,
	{ "all", no_argument, NULL, RP_LIVE_OPT_EVERY },
	{ NULL, 0, NULL, 0 }
};

/**
 * struct job - one command.
 * @input: NULL to revert
 * @name:  to revert; NULL: all
 */
struct job {
	enum rp_live_verb verb;
	struct rp_live_settings *settings;
	struct rp_payload_input *input;
	const char *name;
	struct rp_live_result *results;
	size_t n;
	size_t capacity;
};

static volatile sig_atomic_t cancelled;

static void cancel(int sig)
{
	cancelled = sig;
}

/* Threads of the process are in our hands: end when they are not. */
static void catch_signals(bool on)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct sigaction action;

		sigaction(signals[i], NULL, &action);
		if (action.sa_handler == SIG_IGN)
			continue;
		action = (struct sigaction){
			.sa_handler = on ? cancel : SIG_DFL,
		};
		sigaction(signals[i], &action, NULL);
	}
}

static int attempt(const struct job *job, struct rp_live_result *result)
{
	const struct rp_live_options *o = &job->settings->options;

	rp_live_report_free(&result->report);
	result->diag = (struct rp_diag){ 0 };
	result->attempts++;
	if (!job->input)
		return rp_live_revert(result->pid, job->name, o,
				      &result->report, &result->diag);
	return rp_live_apply(result->pid, &job->input->payload,
			     job->verb == RP_VERB_REPLACE ? RP_LIVE_REPLACE :
			     RP_LIVE_APPLY, o, &result->report, &result->diag);
}

static void act(const struct job *job, struct rp_live_result *result)
{
	const struct rp_live_settings *s = job->settings;
	unsigned int left = s->retries;
	int ret = attempt(job, result);

	while (ret && left && !cancelled && rp_live_may_retry(&result->diag)) {
		left -= left != UINT_MAX;
		nanosleep(&(struct timespec){ 0, RETRY_PAUSE_MS * 1000000 },
			  NULL);
		ret = attempt(job, result);
	}
	result->status = ret ? rp_live_exit(&result->diag) : RP_EXIT_OK;
	/* Of a group, the children of a patched process are patched. */
	if (ret && s->which != RP_WHICH_PID && job->input &&
	    result->diag.id == RP_DIAG_LIVE_APPLIED) {
		result->skipped = true;
		result->status = RP_EXIT_OK;
	}
}

static bool was_done(const struct job *job, pid_t pid)
{
	for (size_t i = 0; i < job->n; i++) {
		if (job->results[i].pid == pid)
			return true;
	}
	return false;
}

static struct rp_live_result *add_result(struct job *job, pid_t pid)
{
	if (rp_grow(&job->results, &job->capacity, job->n + 1,
		    sizeof(*job->results)))
		return NULL;
	job->results[job->n] = (struct rp_live_result){ .pid = pid };
	return &job->results[job->n++];
}

/* Return: how many were new; a negative errno. */
static int act_on(struct job *job, const struct rp_processes *processes)
{
	int n = 0;

	for (size_t i = 0; i < processes->n; i++) {
		struct rp_live_result *result;

		if (cancelled || was_done(job, processes->v[i]))
			continue;
		result = add_result(job, processes->v[i]);
		if (!result)
			return -ENOMEM;
		act(job, result);
		/* It ended while others were patched: not one of them. */
		if (result->status && job->settings->which != RP_WHICH_PID &&
		    (result->diag.id == RP_DIAG_LIVE_GONE ||
		     result->diag.id == RP_DIAG_LIVE_PROCESS))
			job->n--;
		else
			rp_transcript_process(job->settings, job->verb,
					      result);
		n++;
	}
	return n;
}

static int no_processes(const struct job *job, const struct rp_diag *diag)
{
	rp_error(job->settings->what, diag);
	return RP_EXIT_ERROR;
}

/* Servers that fork: until a round finds nobody new. */
static int run_rounds(struct job *job)
{
	struct rp_live_settings *s = job->settings;
	struct rp_processes processes;
	struct rp_diag diag = { 0 };
	int ret = 1;

	for (int i = 0; i < ROUNDS && ret > 0; i++) {
		ret = rp_processes_find(&processes, s->which, s->what, &diag);
		if (ret && !i) {
			rp_processes_free(&processes);
			return no_processes(job, &diag);
		}
		ret = ret ? 0 : act_on(job, &processes);
		rp_processes_free(&processes);
		if (s->which == RP_WHICH_PID)
			break;
	}
	return ret == -ENOMEM ? RP_EXIT_ERROR : RP_EXIT_OK;
}

static int worst_status(const struct job *job)
{
	int worst = RP_EXIT_OK;

	for (size_t i = 0; i < job->n; i++) {
		int status = job->results[i].status;

		if (status == RP_EXIT_ERROR || worst == RP_EXIT_OK)
			worst = status ? status : worst;
	}
	return worst;
}

static int run(struct job *job, const char *what)
{
	int status;

	job->settings->options.cancel = &cancelled;
	catch_signals(true);
	rp_transcript_begin(job->settings, job->verb, what);
	status = run_rounds(job);
	rp_transcript_end(job->settings, job->verb, job->results, job->n);
	if (!status)
		status = worst_status(job);
	for (size_t i = 0; i < job->n; i++)
		rp_live_report_free(&job->results[i].report);
	free(job->results);
	free(job->settings->allow_active.v);
	catch_signals(false);
	if (cancelled && status) {
		fflush(NULL);
		raise(cancelled);
	}
	return status;
}

static int permit(void *context, const char *program, const char *module,
		  struct rp_diag *diag)
{
	const struct rp_policy *policy = context;
	int ret = rp_policy_check_path(policy, program, diag);

	return ret ? ret : rp_policy_check_path(policy, module, diag);
}

static void progress(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "  %s\n", text);
}

static int apply(enum rp_live_verb verb, const char *command, int argc,
		 char **argv)
{
	struct rp_live_settings settings;
	struct rp_payload_input input;
	struct job job = { .verb = verb, .settings = &settings,
			   .input = &input };
	int status = rp_live_settings_parse(&settings, command, apply_options,
		argc, argv, 1, "name a process and a payload");

	if (status)
		return status;
	if (settings.help) {
		const char *word = strchr(command, ' ') + 1;

		printf(apply_help, word, word, word, what_it_does[verb],
		       rp_live_help_processes, rp_live_help_stop,
		       rp_live_help_last);
		return RP_EXIT_OK;
	}
	status = RP_EXIT_ERROR;
	if (!rp_payload_input_open(&input, argv[optind],
				   &(struct rp_payload_demands){
			.force = settings.force,
			.allow_active = settings.allow_active.n,
			.require_signature = settings.require_signature })) {
		settings.options.permit = permit;
		settings.options.context = &input.policy;
		settings.options.dry_run = verb == RP_VERB_CHECK;
		if (settings.verbose)
			settings.options.progress = progress;
		status = run(&job, argv[optind]);
	}
	rp_payload_input_close(&input);
	return status;
}

int rp_cmd_patch_apply(int argc, char **argv)
{
	return apply(RP_VERB_APPLY, "patch apply", argc, argv);
}

int rp_cmd_patch_replace(int argc, char **argv)
{
	return apply(RP_VERB_REPLACE, "patch replace", argc, argv);
}

int rp_cmd_patch_check(int argc, char **argv)
{
	return apply(RP_VERB_CHECK, "patch check", argc, argv);
}

int rp_cmd_patch_revert(int argc, char **argv)
{
	struct rp_live_settings settings;
	struct job job = { .verb = RP_VERB_REVERT, .settings = &settings };
	int status = rp_live_settings_parse(&settings, "patch revert",
		revert_options, argc, argv, 1,
		"name a process, and a payload or --all");

	if (status)
		return status;
	if (settings.help) {
		printf(revert_help, rp_live_help_processes, rp_live_help_stop,
		       rp_live_help_last);
		return RP_EXIT_OK;
	}
	job.name = settings.every ? NULL : argv[optind];
	if (settings.verbose)
		settings.options.progress = progress;
	return run(&job, job.name ? job.name : "");
}
