/* Programs that are not allowed what others are, by the name in argv[1]. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mark.h"

/* A filter that ends the process on all that neither the program nor ld.so has a need for; then the program once more. */
static void exec_filtered(char *self) {
#define KILL(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		KILL(getpid), KILL(gettid), KILL(getppid), KILL(geteuid), KILL(getdents64), KILL(readlinkat), KILL(readlink),
		KILL(madvise), KILL(rt_sigprocmask), KILL(prctl), KILL(seccomp), KILL(clock_gettime), KILL(sysinfo),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
	char *arguments[] = { self, "filtered", 0 };
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0)) _exit(1);
	execv(self, arguments);
}

/* A filter that forbids nothing, as far as anybody needs it; then the program once more. */
static void exec_contained(char *self) {
	struct sock_filter filter[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog program = { 1, filter };
	char *arguments[] = { self, "contained", 0 };
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0)) _exit(1);
	execv(self, arguments);
}

/* Without leave to read the time stamp counter. */
static void without_tsc(void) {
	prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0);
	mark(2);
	prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0);
}

static void strictly(void) {
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
	mark(2);
}

int main(int argc, char **argv) {
	if (!strcmp(argv[1], "filtered")) {
		int fd = open("/dev/dri/nonexistent", O_RDONLY);
		mark(10);
		printf("%d\n", fd);
		return 0;
	}
	if (!strcmp(argv[1], "contained")) {
		mark(10);
		pid_t pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		if (!pid) { mark(11); _exit(0); }
		return waitpid(pid, 0, 0) != pid;
	}
	mark(1);
	if (!strcmp(argv[1], "exec-contained")) exec_contained(argv[0]);
	if (!strcmp(argv[1], "exec")) exec_filtered(argv[0]);
	if (!strcmp(argv[1], "tsc")) without_tsc();
	if (!strcmp(argv[1], "strict")) strictly();
	mark(3);
	return argc > 2;
}
