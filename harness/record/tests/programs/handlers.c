/* Signal handlers, and others that come between, by the name in argv[1]. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mark.h"

int __ppoll_chk(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *, size_t);

extern void (*during_ioctl)(void), (*answer_ioctl)(void *);
static struct mark argument = { 2, 0 };
static pid_t pid;

/* The child goes on with the call that its parent has begun, changes the argument, and is gone before its parent goes on. */
static void fork_here(void) { pid = fork(); if (pid) waitpid(pid, 0, 0); else argument.handle = 7; }
static void fork_during(void) {
	during_ioctl = fork_here;
	ioctl(mark_fd(), MARK, &argument);
	if (!pid) { mark(8); _exit(0); }
}
/* The same within a call that may block, of which a record is written before it is made. */
static void fork_during_wait(void) {
	uint64_t wait[5] = { 0, 0, 2 };
	during_ioctl = fork_here;
	ioctl(mark_fd(), 0xc02864c3, wait);
	if (!pid) { mark(8); _exit(0); }
}

static void in_child(void) { mark(4); }
static void at_fork(void) {
	pthread_atfork(0, 0, in_child);
	pid = fork();
	if (!pid) { mark(5); _exit(0); }
	waitpid(pid, 0, 0);
}

/* Marks all the time, in a handler that comes all the time too; says how often in all. */
static volatile unsigned long handled;
static void on_alarm(int unused) { int saved = errno; mark(6); handled++; errno = saved; (void)unused; }
static void alarms(int count) {
	struct itimerval often = { { 0, 20 }, { 0, 20 } }, never = { { 0, 0 }, { 0, 0 } };
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, 0);
	for (int n = 0; n < count; n++) mark(2);
	setitimer(ITIMER_REAL, &never, 0);
	signal(SIGALRM, SIG_IGN);
	printf("%lu\n", count + handled);
}

/* All that waits for fds, on the one that SYNC_IOC_MERGE has brought, as far as anybody can tell. */
static int pair[2];
static void bring(void *argument) { ((int32_t *)argument)[9] = pair[0]; }
static void waits(void) {
	char merge[48] = { 0 };
	struct timespec now = { 0, 0 };
	struct timeval soon = { 0, 0 };
	struct pollfd list = { 0, POLLIN, 0 };
	fd_set set;
	if (pipe(pair)) exit(1);
	answer_ioctl = bring;
	if (ioctl(-1, 0xc0303e03, merge)) exit(1);
	list.fd = pair[0];
	if (write(pair[1], "", 1) != 1 || __ppoll_chk(&list, 1, &now, 0, sizeof list) != 1) exit(1);
	FD_ZERO(&set); FD_SET(pair[0], &set);
	if (select(pair[0] + 1, &set, 0, 0, &soon) != 1) exit(1);
	FD_ZERO(&set); FD_SET(pair[0], &set);
	if (pselect(pair[0] + 1, 0, &set, 0, &now, 0) != 0) exit(1);
}

int main(int argc, char **argv) {
	if (!strcmp(argv[1], "alarms")) { alarms(atoi(argv[2])); return 0; }
	mark(1);
	if (!strcmp(argv[1], "fork")) fork_during();
	if (!strcmp(argv[1], "fork-in-wait")) fork_during_wait();
	if (!strcmp(argv[1], "atfork")) at_fork();
	if (!strcmp(argv[1], "waits")) waits();
	mark(3);
	return argc > 2;
}
