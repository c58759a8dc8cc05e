/* Arguments on the page below a stack that may not be touched: the kernel says EBADF or EFAULT, nobody else may look. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "mark.h"

#define SIZE (1 << 20)
#define GUARD 4096
/* A small stack, a guard page, and a thread's stack above it. */
static char *stacks;
static ucontext_t outer, inner;

static void look(void) {
	unsigned long requests[] = { MARK, 0xc02864c3 };
	for (int n = 0; n < 2; n++) {
		int result = ioctl(-1, requests[n], stacks + SIZE);
		printf("%d %d\n", result, errno);
	}
	mark(2);
}
static void on_signal(int unused) { (void)unused; look(); }

static void *coroutine(void *unused) {
	getcontext(&inner);
	inner.uc_stack.ss_sp = stacks;
	inner.uc_stack.ss_size = SIZE;
	inner.uc_link = &outer;
	makecontext(&inner, look, 0);
	swapcontext(&outer, &inner);
	return unused;
}
static void *handler(void *unused) {
	stack_t stack = { .ss_sp = stacks, .ss_size = SIZE };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };
	sigaltstack(&stack, 0);
	sigaction(SIGUSR1, &action, 0);
	raise(SIGUSR1);
	return unused;
}
/* On a thread's own stack an argument is read, even if the call fails. */
static void *plain(void *unused) { mark(2); return unused; }

int main(int argc, char **argv) {
	pthread_attr_t attributes;
	pthread_t id;
	stacks = mmap(0, 4 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(stacks + SIZE, GUARD, PROT_NONE);
	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, stacks + SIZE + GUARD, 3 * SIZE - GUARD);
	void *(*run)(void *) = !strcmp(argv[1], "coroutine") ? coroutine : !strcmp(argv[1], "handler") ? handler : plain;
	pthread_create(&id, argc > 2 ? 0 : &attributes, run, 0);
	pthread_join(id, 0);
	return 0;
}
