/* progress.c: a thread reads the service's lines and draws the bar on stderr. */
#include "supervisor/cli/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define BAR_WIDTH 30

static void draw_bar(uint64_t done, uint64_t total, const char *text)
{
	char bar[BAR_WIDTH + 1];
	uint64_t filled = total ? MIN(done, total) * BAR_WIDTH / total : 0;

	for (uint64_t i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[BAR_WIDTH] = 0;
	if (total)
		fprintf(stderr, "\r\033[K[%s] %3u%% %.40s", bar, (unsigned)(MIN(done, total) * 100 / total), text);
	else
		fprintf(stderr, "\r\033[K%7.1f MB %.50s", (double)done / 1e6, text);
}

static void take_line(struct progress *p, char *line)
{
	uint64_t done, total;
	int used = 0;

	if (strncmp(line, "error ", 6) == 0) {
		snprintf(p->error, sizeof(p->error), "%s", line + 6);
		return;
	}
	if (p->draw && sscanf(line, "progress %lu %lu %n", &done, &total, &used) == 2)
		draw_bar(done, total, line + used);
}

static void *read_lines(void *arg)
{
	struct progress *p = arg;
	FILE *in = fdopen(p->fd, "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (!in) {
		close(p->fd);
		return NULL;
	}
	while ((len = getline(&line, &size, in)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = 0;
		take_line(p, line);
	}
	free(line);
	fclose(in);
	return NULL;
}

bool progress_start(struct progress *p, bool quiet, int *write_fd)
{
	int fds[2], error;

	*p = (struct progress){.draw = !quiet && isatty(STDERR_FILENO)};
	if (pipe2(fds, O_CLOEXEC) < 0)
		return false;
	p->fd = fds[0];
	error = pthread_create(&p->thread, NULL, read_lines, p);
	if (error) {
		close(fds[0]);
		close(fds[1]);
		errno = error;
		return false;
	}
	*write_fd = fds[1];
	return true;
}

void progress_finish(struct progress *p)
{
	pthread_join(p->thread, NULL);
	if (p->draw)
		fprintf(stderr, "\r\033[K");
}
