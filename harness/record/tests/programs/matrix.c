/* One way of life per name in argv[1]. Every program marks 1 at its start, 2 in the interesting place, 3 at its end. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mark.h"

extern char **environ;
static char *self, *plugin;
static char stack[65536] __attribute__((aligned(16)));

static int child(void *unused) { (void)unused; mark(2); _exit(0); }
static void reap(pid_t pid) { int status; while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR) {} }

static void via_fork(void) { pid_t pid = fork(); if (!pid) child(0); reap(pid); }
static void via_fork_only(void) { pid_t pid = _Fork(); if (!pid) child(0); reap(pid); }
static void via_vfork(void) { pid_t pid = vfork(); if (!pid) child(0); reap(pid); }
static void via_clone(void) { reap(clone(child, stack + sizeof stack, SIGCHLD, 0)); }
static void via_clone_vm(void) { reap(clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, 0)); }
static void via_raw_clone(void) { pid_t pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); if (!pid) child(0); reap(pid); }

static void via_spawn(void) {
	pid_t pid;
	char *arguments[] = { self, "one", 0 };
	if (!posix_spawn(&pid, self, 0, 0, arguments, environ)) reap(pid);
}
static void via_spawn_bare(void) {
	pid_t pid;
	char *arguments[] = { self, "one", 0 }, *none[] = { 0 };
	if (!posix_spawn(&pid, self, 0, 0, arguments, none)) reap(pid);
}
static void via_exec(void) { execl(self, self, "one", (char *)0); }
static void via_execv(void) { char *arguments[] = { self, "one", 0 }; execv(self, arguments); }
static void via_vfork_exec(void) {
	char *arguments[] = { self, "one", 0 };
	pid_t pid = vfork();
	if (!pid) { execve(self, arguments, environ); _exit(1); }
	reap(pid);
}
static void via_daemon(void) { if (!daemon(1, 1)) mark(2); }

static void *thread(void *n) { mark((uint32_t)(uintptr_t)n); return 0; }
static void churn(void) {
	for (uintptr_t n = 100; n < 300; n++) {
		pthread_t id;
		if (!pthread_create(&id, 0, thread, (void *)n)) pthread_join(id, 0);
	}
}

static sigjmp_buf back;
static void jump(int unused) { (void)unused; mark(2); siglongjmp(back, 1); }
static void via_longjmp(void) { signal(SIGUSR1, jump); if (!sigsetjmp(back, 1)) raise(SIGUSR1); }
static void fork_here(int unused) { (void)unused; via_fork(); }
static void via_signal_fork(void) { signal(SIGUSR1, fork_here); raise(SIGUSR1); }

static void load(void *library) {
	int (*call)(uint32_t) = library ? (int (*)(uint32_t))dlsym(library, "plugin_mark") : 0;
	if (call) call(2); else fprintf(stderr, "%s\n", dlerror());
}
static void via_dlopen(void) { load(dlopen(plugin, RTLD_NOW)); }
static void via_deepbind(void) { load(dlopen(plugin, RTLD_NOW | RTLD_DEEPBIND)); }
static void via_dlmopen(void) { load(dlmopen(LM_ID_NEWLM, plugin, RTLD_NOW)); }
static void via_dlsym(void) {
	void *libc = dlopen("libc.so.6", RTLD_NOW);
	int (*call)(int, unsigned long, ...) = (int (*)(int, unsigned long, ...))dlsym(libc, "ioctl");
	struct mark argument = { 2, 0 };
	call(mark_fd(), MARK, &argument);
}
static void by_number(void) { struct mark argument = { 2, 0 }; syscall(SYS_ioctl, mark_fd(), MARK, &argument); }
static void by_instruction(void) {
	struct mark argument = { 2, 0 };
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "0"(SYS_ioctl), "D"(mark_fd()), "S"(MARK), "d"(&argument) : "rcx", "r11", "memory");
}

static void send_fd(int socket, int fd) {
	char byte = 0, control[CMSG_SPACE(sizeof fd)] = { 0 };
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET; header->cmsg_type = SCM_RIGHTS; header->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(header), &fd, sizeof fd);
	sendmsg(socket, &message, 0);
}
static int receive_fd(int socket) {
	int fd = -1;
	char byte, control[CMSG_SPACE(sizeof fd)];
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	if (recvmsg(socket, &message, 0) > 0) memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
	return fd;
}
static void via_rights(void) {
	int pair[2];
	struct mark argument = { 2, 0 };
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return;
	pid_t pid = fork();
	if (!pid) { ioctl(receive_fd(pair[1]), MARK, &argument); _exit(0); }
	send_fd(pair[0], mark_fd());
	reap(pid);
}

/* What a program sees of its own mistakes, to be compared with a run without the recorder. */
static void show(const char *what, long result) { printf("%s %ld %d\n", what, result, result < 0 ? errno : 0); }
static void garbage(void) {
	void *gone = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *bad[] = { 0, (void *)1, (void *)-1, (void *)0x7fffffffffff, gone, (void *)0xdeadbeefdead0000 };
	munmap(gone, 4096);
	/* mark, SYNCOBJ_WAIT, TIMELINE_WAIT, MODE_ATOMIC, an unknown one, sync_file MERGE, dma-buf SYNC. */
	unsigned long requests[] = { MARK, 0xc02864c3, 0xc03064ca, 0xc03864bc, 0xc00864ff, 0xc0303e03, 0x40086200 };
	for (unsigned r = 0; r < sizeof requests / sizeof *requests; r++)
		for (unsigned b = 0; b < sizeof bad / sizeof *bad; b++) {
			show("ioctl", ioctl(mark_fd(), requests[r], bad[b]));
			show("ioctl on none", ioctl(-1, requests[r], bad[b]));
		}
	for (unsigned b = 0; b < sizeof bad / sizeof *bad; b++) {
		show("open", open(bad[b], O_RDONLY));
		show("poll", poll(bad[b], 1, 0));
		show("sendmsg", sendmsg(0, bad[b], 0));
		show("recvmsg", recvmsg(0, bad[b], MSG_DONTWAIT));
		show("connect", connect(0, bad[b], 110));
		show("execve", execve(bad[b], 0, 0));
		show("execve", execve("/nonexistent", bad[b], bad[b]));
	}
	/* Arrays that a good argument points to. */
	struct { uint64_t handles; int64_t timeout; uint32_t count, flags, first, pad; } wait = { 1, 0, 1000000, 0, 0, 0 };
	show("wait", ioctl(mark_fd(), 0xc02064c3, &wait));
	show("ioctl on none", ioctl(9999, 0xc02064c3, &wait));
	show("close", close(-1));
	show("dup", dup(-1));
	show("dup2", dup2(-1, 5));
	show("close_range", close_range(7, 3, 0));
}
/* Numbers of recorded files that others get: by dup2 in their place, and by dup once they are closed. */
static void reused(void) {
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || dup2(2, pair[0]) != pair[0]) _exit(1);
	close(pair[0]);
	close(pair[1]);
	int first = dup(2), second = dup(2);
	close(first);
	close(second);
}

static void close_all(void) { closefrom(3); struct mark argument = { 2, 0 }; ioctl(0, MARK, &argument); _exit(0); }

/* A filter that ends the process on everything that a recorder could be tempted to call. */
static void confined(void) {
#define KILL(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		KILL(rt_sigprocmask), KILL(gettid), KILL(getpid), KILL(mmap), KILL(madvise), KILL(openat), KILL(open),
		KILL(readlink), KILL(process_vm_readv), KILL(write), KILL(futex), KILL(clock_gettime),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
	struct mark *far = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	far->handle = 2;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0)) _exit(1);
	mark(2);
	ioctl(mark_fd(), 0xc02864c3, far);
	pid_t pid = fork();
	if (!pid) { mark(3); _exit(0); }
	int status;
	_exit(waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1);
}
static void in_chroot(void) { if (chroot("/proc/self")) _exit(1); mark(2); }
static void as_nobody(void) { if (setuid(65534)) _exit(1); mark(2); }

static void *polls(void *unused) { (void)unused; poll(0, 0, -1); return 0; }
static void cancelled(void) {
	pthread_t id;
	pthread_create(&id, 0, polls, 0);
	pthread_cancel(id);
	pthread_join(id, 0);
	mark(2);
}
static void leaves(void) { _exit(0); }
static void dies(void) { kill(getpid(), SIGKILL); }
static void exits(void) { exit(7); }
static void exits_quickly(void) { quick_exit(5); }
static void exits_by_number(void) { syscall(SYS_exit_group, 6); }
static void *lasts(void *unused) { usleep(20000); return unused; }
static void exits_by_thread(void) { pthread_t id; pthread_create(&id, 0, lasts, 0); pthread_exit(0); }
/* Children that end as a signal has it, one of them before it is looked at. */
static void kills(void) {
	int signals[] = { SIGKILL, SIGSEGV, SIGTERM };
	for (unsigned n = 0; n < 3; n++) {
		pid_t pid = fork();
		if (!pid) { mark(2); if (n) usleep(50000); raise(signals[n]); }
		reap(pid);
	}
}
static void nothing(void) {}
static void one(void) { mark(10); _exit(0); }

/* Marks 1, 2, 3 ... and says in shared memory how many have returned. */
static void forever(void) {
	int fd = open(plugin, O_RDWR);
	volatile uint32_t *count = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (uint32_t n = 2;; n++) { mark(n); *count = n; }
}

/* Every task marks its own id. */
static void *mark_id(void *unused) { (void)unused; mark(gettid()); return 0; }
static int mark_id_and_exit(void *unused) { mark_id(unused); _exit(0); }
static void ids(void) {
	pthread_t id;
	pid_t pid;
	mark_id(0);
	pthread_create(&id, 0, mark_id, 0); pthread_join(id, 0);
	pid = fork();
	if (!pid) { mark_id(0); pthread_create(&id, 0, mark_id, 0); pthread_join(id, 0); _exit(0); }
	reap(pid);
	pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid) mark_id_and_exit(0);
	reap(pid);
	pid = vfork();
	if (!pid) mark_id_and_exit(0);
	reap(pid);
	reap(clone(mark_id_and_exit, stack + sizeof stack, CLONE_VM | SIGCHLD, 0));
	pthread_create(&id, 0, mark_id, 0); pthread_join(id, 0);
	_exit(0);
}

/* Marks up to a number. */
static void count(void) { for (uint32_t n = 2, end = atoi(plugin); n <= end; n++) mark(n); exit(0); }

/* The same, once somebody has opened a FIFO: argv[2] is its path, argv[3] the number. */
static char *number;
static void gate(void) { close(open(plugin, O_RDONLY)); plugin = number; count(); }

static const struct { const char *name; void (*run)(void); } ways[] = {
	{ "fork", via_fork }, { "_Fork", via_fork_only }, { "vfork", via_vfork }, { "clone", via_clone },
	{ "clone-vm", via_clone_vm }, { "raw-clone", via_raw_clone }, { "spawn", via_spawn }, { "spawn-bare", via_spawn_bare },
	{ "exec", via_exec }, { "execv", via_execv }, { "vfork-exec", via_vfork_exec }, { "daemon", via_daemon }, { "churn", churn },
	{ "longjmp", via_longjmp }, { "signal-fork", via_signal_fork }, { "dlopen", via_dlopen }, { "deepbind", via_deepbind },
	{ "dlmopen", via_dlmopen }, { "dlsym", via_dlsym }, { "by-number", by_number }, { "by-instruction", by_instruction },
	{ "rights", via_rights }, { "garbage", garbage }, { "close-all", close_all }, { "seccomp", confined },
	{ "chroot", in_chroot }, { "nobody", as_nobody }, { "cancel", cancelled }, { "_exit", leaves }, { "sigkill", dies },
	{ "exit", exits }, { "quick_exit", exits_quickly }, { "exit_group", exits_by_number }, { "pthread_exit", exits_by_thread },
	{ "kills", kills }, { "nothing", nothing }, { "forever", forever }, { "count", count }, { "gate", gate }, { "ids", ids },
	{ "reused", reused },
};

int main(int argc, char **argv) {
	self = argv[0];
	plugin = argc > 2 ? argv[2] : 0;
	number = argc > 3 ? argv[3] : 0;
	if (!strcmp(argv[1], "one")) one();
	mark(1);
	for (unsigned n = 0; n < sizeof ways / sizeof *ways; n++)
		if (!strcmp(argv[1], ways[n].name)) { ways[n].run(); mark(3); return 0; }
	return 2;
}
