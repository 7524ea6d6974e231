/* Two devices in one process, in C: they pair, transfer, are cancelled, and are misused.
 * test HISTORY FOLDER: sends the vCon files of HISTORY; whatever it writes is in FOLDER. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vcon_transfer.h"

#define CHECK(what) \
	do { \
		if (!(what)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
			exit(1); \
		} \
	} while (0)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* What one side was told. */
struct side {
	vcon_transfer_handle handle;
	char offer[4096], code[64], done[8192];
	int dones, events;
	const char *on_offer; /* a command that is given within the event */
	int free_on_offer;
};

/* field copies the text of a field, if it is in the line. */
static void field(const char *line, const char *name, char *to, size_t size)
{
	char key[64];
	snprintf(key, sizeof key, "\"%s\":\"", name);
	const char *at = strstr(line, key), *end;
	if (at == NULL || (end = strchr(at += strlen(key), '"')) == NULL || (size_t)(end - at) >= size)
		return;
	memcpy(to, at, (size_t)(end - at));
	to[end - at] = 0;
}

static int is(const char *line, const char *event)
{
	char head[64];
	snprintf(head, sizeof head, "{\"v\":1,\"event\":\"%s\"", event);
	return strncmp(line, head, strlen(head)) == 0;
}

static void on_event(uintptr_t context, vcon_transfer_text line)
{
	struct side *s = (struct side *)context;
	pthread_mutex_lock(&mutex);
	vcon_transfer_handle handle = s->handle;
	CHECK(s->dones == 0);
	s->events++;
	if (is(line, "offer"))
		field(line, "text", s->offer, sizeof s->offer);
	if (is(line, "check_code"))
		field(line, "code", s->code, sizeof s->code);
	if (is(line, "done")) {
		s->dones++;
		snprintf(s->done, sizeof s->done, "%s", line);
	}
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);

	/* Answers from within. Waiting for oneself is refused; while the handle is freed it
	 * is none any more. */
	CHECK(vcon_transfer_wait(handle, -1) < 0);
	if (is(line, "consent"))
		CHECK(vcon_transfer_command(handle, "{\"cmd\":\"consent\",\"ok\":true}") == 0);
	if (is(line, "offer") && s->on_offer != NULL) {
		CHECK(vcon_transfer_wait(handle, 0) == VCON_TRANSFER_IN_EVENT);
		CHECK(vcon_transfer_command(handle, s->on_offer) == 0);
	}
	if (is(line, "offer") && s->free_on_offer)
		CHECK(vcon_transfer_free(handle) == 0);
}

/* await waits for a text that on_event fills in. */
static void await(char *text)
{
	pthread_mutex_lock(&mutex);
	while (text[0] == 0)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

typedef vcon_transfer_handle (*maker)(vcon_transfer_text, vcon_transfer_event_fn, uintptr_t, char **);

static struct side *begin(maker make, const char *config)
{
	char *problem = NULL;
	struct side *s = calloc(1, sizeof *s);
	CHECK(s != NULL);
	s->handle = make(config, on_event, (uintptr_t)s, &problem);
	if (problem != NULL)
		fprintf(stderr, "%s\n", problem);
	CHECK(s->handle != 0 && problem == NULL);
	return s;
}

static struct side *receiver(const char *folder, const char *name)
{
	char config[8192];
	snprintf(config, sizeof config, "{\"folder\":\"%s/%s\",\"listen\":\"127.0.0.1:0\",\"label\":\"new\"}", folder, name);
	return begin(vcon_transfer_receiver, config);
}

/* A transfer, from the offer to the receipt. */
static void transfers(const char *history, const char *folder)
{
	char config[16384], command[128];
	struct side *r = receiver(folder, "new");
	CHECK(vcon_transfer_wait(r->handle, 0) == 0);
	CHECK(vcon_transfer_start(r->handle) == 0 && vcon_transfer_start(r->handle) == 0);
	await(r->offer);
	snprintf(config, sizeof config, "{\"sources\":[\"%s\"],\"offer\":\"%s\",\"label\":\"old\"}", history, r->offer);
	struct side *s = begin(vcon_transfer_sender, config);
	CHECK(vcon_transfer_start(s->handle) == 0);
	await(s->code);
	snprintf(command, sizeof command, "{\"cmd\":\"check_code\",\"code\":\"%s\"}", s->code);
	do /* the first one may come before the question */
		CHECK(vcon_transfer_command(r->handle, command) == 0);
	while (vcon_transfer_wait(r->handle, 20) == 0);
	CHECK(vcon_transfer_wait(r->handle, 60000) == 1 && vcon_transfer_wait(s->handle, 60000) == 1);
	CHECK(r->dones == 1 && s->dones == 1);
	CHECK(strstr(r->done, "\"ok\":true,\"exit\":0,\"code\":\"ok\"") && strstr(s->done, "\"ok\":true"));
	char *a = strstr(r->done, "\"ledger\":"), *b = strstr(s->done, "\"ledger\":");
	CHECK(a != NULL && b != NULL);
	CHECK(strncmp(a, b, (size_t)(strstr(a, "\"sent\":") - a)) == 0);
	CHECK(vcon_transfer_command(r->handle, "{\"cmd\":\"pause\"}") == 0); /* nobody is there any more */
	CHECK(vcon_transfer_free(r->handle) == 0 && vcon_transfer_free(s->handle) == 0);
	CHECK(vcon_transfer_free(r->handle) == VCON_TRANSFER_BAD_HANDLE);
	CHECK(vcon_transfer_start(r->handle) == VCON_TRANSFER_BAD_HANDLE);
	CHECK(vcon_transfer_wait(r->handle, -1) == VCON_TRANSFER_BAD_HANDLE);
	CHECK(vcon_transfer_command(r->handle, "{}") == VCON_TRANSFER_BAD_HANDLE);
	CHECK(r->dones == 1);
	free(r);
	free(s);
}

static void cancels(const char *folder)
{
	/* By a command from within. */
	struct side *r = receiver(folder, "cancelled");
	r->on_offer = "{\"cmd\":\"cancel\"}";
	CHECK(vcon_transfer_start(r->handle) == 0);
	CHECK(vcon_transfer_wait(r->handle, 60000) == 1);
	CHECK(strstr(r->done, "\"exit\":130,\"code\":\"interrupted\""));
	CHECK(vcon_transfer_free(r->handle) == 0);
	free(r);
	/* By free, which waits for the end. */
	r = receiver(folder, "freed");
	CHECK(vcon_transfer_start(r->handle) == 0);
	await(r->offer);
	CHECK(vcon_transfer_free(r->handle) == 0);
	CHECK(r->dones == 1);
	free(r);
	/* By free from within, after which nothing comes. */
	r = receiver(folder, "within");
	r->free_on_offer = 1;
	CHECK(vcon_transfer_start(r->handle) == 0);
	await(r->offer);
	while (vcon_transfer_command(r->handle, "{}") != VCON_TRANSFER_BAD_HANDLE)
		;
	/* Its folder is given back when it has ended. */
	for (;;) {
		struct side *next = receiver(folder, "within");
		CHECK(vcon_transfer_start(next->handle) == 0);
		next->on_offer = "{\"cmd\":\"cancel\"}";
		CHECK(vcon_transfer_wait(next->handle, 60000) == 1);
		int mine = strstr(next->done, "\"code\":\"storage\"") == NULL;
		CHECK(vcon_transfer_free(next->handle) == 0);
		free(next);
		if (mine)
			break;
	}
	CHECK(r->dones == 0 && r->events == 1);
	free(r);
	/* Never begun. */
	r = receiver(folder, "never");
	CHECK(vcon_transfer_free(r->handle) == 0 && r->events == 0);
	free(r);
}

static void refuses(void)
{
	char *problem = (char *)1;
	CHECK(vcon_transfer_receiver(NULL, on_event, 0, &problem) == 0 && problem != NULL);
	vcon_transfer_free_string(problem);
	CHECK(vcon_transfer_receiver("{\"folder\":\"x\"}", NULL, 0, NULL) == 0);
	CHECK(vcon_transfer_sender("{", on_event, 1, NULL) == 0);
	CHECK(vcon_transfer_sender("{\"sources\":[\"x\"],\"nothing\":1}", on_event, 1, &problem) == 0);
	CHECK(strncmp(problem, "usage: ", 7) == 0);
	vcon_transfer_free_string(problem);
	vcon_transfer_free_string(NULL);
	const vcon_transfer_handle bad[] = {0, 4711, (vcon_transfer_handle)-1};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		CHECK(vcon_transfer_start(bad[i]) == VCON_TRANSFER_BAD_HANDLE);
		CHECK(vcon_transfer_command(bad[i], NULL) == VCON_TRANSFER_BAD_HANDLE);
		CHECK(vcon_transfer_wait(bad[i], -1) == VCON_TRANSFER_BAD_HANDLE);
		CHECK(vcon_transfer_free(bad[i]) == VCON_TRANSFER_BAD_HANDLE);
	}
	/* Small numbers are as good a context as pointers. */
	vcon_transfer_handle h = vcon_transfer_receiver("{\"folder\":\"x\"}", on_event, 1, &problem);
	CHECK(h != 0 && problem == NULL);
	CHECK(vcon_transfer_command(h, NULL) == VCON_TRANSFER_BAD_ARGUMENT);
	CHECK(vcon_transfer_command(h, "no command") == 0);
	CHECK(vcon_transfer_free(h) == 0);
	char *version = vcon_transfer_version();
	CHECK(version != NULL && version[0] != 0);
	vcon_transfer_free_string(version);
}

/* Eight threads do everything to one handle. */
static void *abuse(void *handle)
{
	vcon_transfer_handle h = *(vcon_transfer_handle *)handle;
	for (int i = 0; i < 50; i++) {
		vcon_transfer_start(h);
		vcon_transfer_command(h, "{\"cmd\":\"nothing\"}");
		vcon_transfer_command(h, i % 2 ? "{\"cmd\":\"pause\"}" : "{\"cmd\":\"resume\"}");
		vcon_transfer_wait(h, 1);
	}
	return (void *)(intptr_t)(vcon_transfer_free(h) == 0);
}

static void threads(const char *folder)
{
	pthread_t all[8];
	intptr_t freed = 0;
	struct side *r = receiver(folder, "threads");
	for (int i = 0; i < 8; i++)
		CHECK(pthread_create(&all[i], NULL, abuse, &r->handle) == 0);
	for (int i = 0; i < 8; i++) {
		void *result;
		CHECK(pthread_join(all[i], &result) == 0);
		freed += (intptr_t)result;
	}
	CHECK(freed == 1 && r->dones == 1); /* one of them, which has waited for the end */
	free(r);
}

int main(int argc, char **argv)
{
	CHECK(argc == 3);
	refuses();
	transfers(argv[1], argv[2]);
	cancels(argv[2]);
	threads(argv[2]);
	puts("ok");
	return 0;
}
