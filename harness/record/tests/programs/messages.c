/* Ways that fds come and go, and that programs start each other, by the name in argv[1]. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include "mark.h"

extern char **environ;

static int sockets[2], passed[2];
static char *memory;
struct control { struct cmsghdr header; int fd, pad; };

/* A message that lies, with its control data, in memory of which nobody but the kernel knows that it is there. */
static struct msghdr *message(void *at, int fd) {
	struct mmsghdr *message = at;
	struct iovec *data = (void *)(message + 1);
	struct control *control = (void *)(data + 1);
	memset(message, 0, sizeof *message);
	data->iov_base = control + 1; data->iov_len = 1;
	message->msg_hdr.msg_iov = data; message->msg_hdr.msg_iovlen = 1;
	message->msg_hdr.msg_control = control; message->msg_hdr.msg_controllen = CMSG_SPACE(sizeof fd);
	control->header.cmsg_level = SOL_SOCKET; control->header.cmsg_type = SCM_RIGHTS;
	control->header.cmsg_len = CMSG_LEN(sizeof fd);
	control->fd = fd;
	return &message->msg_hdr;
}
static void far_message(void) {
	sendmsg(sockets[0], message(memory, passed[0]), 0);
	recvmsg(sockets[1], message(memory, -1), 0);
}
static void *thread(void *unused) {
	memory = malloc(4096);
	far_message();
	return unused;
}
static void heap_of_thread(void) { pthread_t id; pthread_create(&id, 0, thread, 0); pthread_join(id, 0); }
static void many_messages(void) {
	message(memory, passed[0]);
	sendmmsg(sockets[0], (void *)memory, 1, 0);
	message(memory, -1);
	recvmmsg(sockets[1], (void *)memory, 1, 0, 0);
}
static void by_number(void) {
	int copy = syscall(SYS_dup, sockets[0]), pidfd;
	syscall(SYS_close, copy);
	syscall(SYS_fcntl, sockets[0], F_DUPFD, 20);
	pidfd = syscall(SYS_pidfd_open, getpid(), 0);
	syscall(SYS_pidfd_getfd, pidfd, sockets[0], 0);
	syscall(SYS_sendmsg, sockets[0], message(memory, passed[0]), 0);
	syscall(SYS_recvmsg, sockets[1], message(memory, -1), 0);
	if (syscall(SYS_close, -1) != -1) _exit(1);
}

static void starts(char *self) {
	if (!fork()) { execl(self, self, "one", "2", "3", "4", "5", "6", (char *)0); _exit(1); }
	wait(0);
	if (!fork()) { execle(self, self, "one", (char *)0, environ); _exit(1); }
	wait(0);
	if (!fork()) { execlp(self, self, "one", (char *)0); _exit(1); }
	wait(0);
	if (!fork()) { char *arguments[] = { self, "one", 0 }; syscall(SYS_execve, self, arguments, environ); _exit(1); }
	wait(0);
	if (execl("/nonexistent", "x", (char *)0) != -1) _exit(1);
}

/* A child that borrows our memory until it ends; behind it nobody may ask the kernel who we are. */
static char stack[65536] __attribute__((aligned(16)));
static int child(void *unused) { (void)unused; mark(2); _exit(0); }
static void borrow(const char *way) {
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_gettid, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
	int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
	pid_t pid = !strcmp(way, "vfork-by-number") ? syscall(SYS_vfork)
		: !strcmp(way, "clone-by-number") ? syscall(SYS_clone, flags, 0, 0, 0, 0)
		: clone(child, stack + sizeof stack, flags, 0);
	if (!pid) child(0);
	waitpid(pid, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0)) _exit(1);
}

/* One libc after the other. */
static void libcs(void) {
	for (uint32_t n = 0; n < 6; n++) {
		struct mark argument = { 20 + n, 0 };
		void *libc = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
		int (*call)(int, unsigned long, ...) = libc ? dlsym(libc, "ioctl") : 0;
		if (!call) _exit(1);
		call(-1, MARK, &argument);
		dlclose(libc);
	}
}

int main(int argc, char **argv) {
	const char *way = argv[1];
	if (!strcmp(way, "one")) { mark(10); return argc == 2 || argc == 7 ? 0 : 1; }
	memory = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mark(1);
	if (!strcmp(way, "starts")) { starts(argv[0]); mark(3); return 0; }
	if (strstr(way, "by-number") || !strcmp(way, "clone")) { borrow(way); mark(3); return 0; }
	if (!strcmp(way, "libcs")) { libcs(); mark(3); return 0; }
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) || pipe(passed)) return 1;
	if (!strcmp(way, "far")) far_message();
	if (!strcmp(way, "thread")) heap_of_thread();
	if (!strcmp(way, "many")) many_messages();
	if (!strcmp(way, "number")) by_number();
	mark(3);
	return 0;
}
