/* A program with no libc: what a runtime such as Go's does about signals, stacks and threads, and what musl does as a thread
 * ends. It marks as mark.h does, and exits with the line of the first thing that is not as it must be. */
#include <stdint.h>
#include <stddef.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/mman.h>

#define MARK 0xc00864c0UL
#define MUST(what) do { if (!(what)) call(SYS_exit_group, __LINE__ % 250 + 1, 0, 0, 0, 0, 0); } while (0)

static long call(long n, long a, long b, long c, long d, long e, long f) {
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	__asm__ volatile("syscall" : "+a"(n) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return n;
}
void *memset(void *to, int byte, size_t len) { for (char *at = to; len--; at++) *at = byte; return to; }
void *memcpy(void *to, const void *from, size_t len) { for (char *at = to; len--;) *at++ = *(const char *)from++; return to; }

static long null;
static void mark(uint32_t n) {
	uint32_t argument[2] = { n, 0 };
	MUST(call(SYS_ioctl, null, MARK, (long)argument, 0, 0, 0) == -25);
}

struct action { void (*handler)(int, void *, void *); unsigned long flags; void (*restorer)(void); uint64_t mask; };
enum { SIGUSR1 = 10, SIGSYS = 31, SETMASK = 2, ONSTACK = 0x08000000, INFO = 4, RESTORER = 0x04000000 };
__asm__("restorer: mov $15, %eax; syscall");
void restorer(void);

static char alternate[65536] __attribute__((aligned(16)));
static volatile int taken;
static void handler(int signal, void *info, void *context) {
	char here;
	MUST(&here > alternate && &here < alternate + sizeof alternate);
	taken = signal;
	mark(2);
}

static long set(int signal, uint64_t mask, struct action *old) {
	struct action action = { handler, ONSTACK | INFO | RESTORER, restorer, mask };
	return call(SYS_rt_sigaction, signal, (long)&action, (long)old, 8, 0, 0);
}

static long self(void) { return call(SYS_gettid, 0, 0, 0, 0, 0, 0); }
static void signal_self(void) { MUST(call(SYS_tgkill, call(SYS_getpid, 0, 0, 0, 0, 0, 0), self(), SIGUSR1, 0, 0, 0) == 0); }

static void signals(void) {
	struct { void *start; int flags; size_t size; } stack = { alternate, 0, sizeof alternate }, old;
	struct action was;
	MUST(call(SYS_sigaltstack, (long)&stack, (long)&old, 0, 0, 0, 0) == 0 && old.flags == 2);
	for (int signal = 1; signal <= 64; signal++)
		if (signal != 9 && signal != 17 && signal != 19) MUST(set(signal, ~0UL, &was) == 0 && (long)was.handler <= 1);
	MUST(set(SIGSYS, 7, &was) == 0 && was.handler == handler && was.mask == (~0UL & ~(1UL << 8) & ~(1UL << 18)));
	MUST(call(SYS_rt_sigaction, SIGSYS, 1, 0, 8, 0, 0) == -14);
	signal_self();
	MUST(taken == SIGUSR1);
	/* Waiting under a mask that blocks everything else. */
	uint64_t all = ~0UL, but_usr1 = ~(1UL << (SIGUSR1 - 1)), now;
	MUST(call(SYS_rt_sigprocmask, SETMASK, (long)&all, 0, 8, 0, 0) == 0);
	mark(4);
	taken = 0;
	signal_self();
	MUST(taken == 0);
	MUST(call(SYS_rt_sigsuspend, (long)&but_usr1, 8, 0, 0, 0, 0) == -4 && taken == SIGUSR1);
	taken = 0;
	signal_self();
	struct { uint64_t *mask; size_t size; } pair = { &but_usr1, 8 };
	MUST(call(SYS_pselect6, 0, 0, 0, 0, 0, (long)&pair) == -4 && taken == SIGUSR1);
	uint64_t none = 0;
	MUST(call(SYS_rt_sigprocmask, SETMASK, (long)&none, (long)&now, 8, 0, 0) == 0);
	MUST((now | 1UL << (SIGSYS - 1)) == (all & ~(1UL << 8) & ~(1UL << 18)));
	stack.flags = 2;
	MUST(call(SYS_sigaltstack, (long)&stack, (long)&old, 0, 0, 0, 0) == 0 && old.start == alternate);
	MUST(call(SYS_sigaltstack, 0, (long)&old, 0, 0, 0, 0) == 0 && old.flags == 2);
}

/* Registers are what they were behind a call, those of floating point too. */
static void registers(void) {
	long kept[2] = { 0, 0 };
	uint32_t argument[2] = { 6, 0 };
	__asm__ volatile(
		"mov $0x1234, %%r12; mov $0x5678, %%r15; movq %%r12, %%xmm7; movq %%r15, %%xmm15; syscall;"
		"movq %%xmm7, %%rcx; sub %%r12, %%rcx; mov %%rcx, (%[kept]); movq %%xmm15, %%rcx; sub $0x5678, %%rcx; sub $0x1234, %%r12;"
		"or %%r12, %%rcx; mov %%rcx, 8(%[kept])"
		: : "a"(SYS_ioctl), "D"(null), "S"(MARK), "d"(argument), [kept] "r"(kept) : "rcx", "r11", "r12", "r15", "memory", "xmm7", "xmm15");
	MUST(kept[0] == 0 && kept[1] == 0);
}

/* Threads without a thread pointer of their own. */
enum { THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID };
static volatile int thread_id;
static void join(void) { for (int id; (id = thread_id);) call(SYS_futex, (long)&thread_id, FUTEX_WAIT, id, 0, 0, 0); }
static void thread(void (*run)(void), char *top) {
	register long r10 __asm__("r10") = (long)&thread_id, r8 __asm__("r8") = 0, r12 __asm__("r12") = (long)run;
	long n = SYS_clone;
	__asm__ volatile("syscall; test %%rax, %%rax; jnz 1f; xor %%ebp, %%ebp; call *%%r12; hlt; 1:"
		: "+a"(n) : "D"(THREAD), "S"(top), "d"(&thread_id), "r"(r10), "r"(r8), "r"(r12) : "rcx", "r11", "memory");
	MUST(n > 0);
	join();
}
static void marks_and_ends(void) { mark(5); call(SYS_exit, 0, 0, 0, 0, 0, 0); }
static char *own;
static void frees_its_stack(void) {
	mark(7);
	__asm__ volatile("syscall; mov $60, %%eax; xor %%edi, %%edi; syscall" : : "a"(SYS_munmap), "D"(own), "S"(65536) : "memory");
}

/* A child on our stack that makes calls and uses it. */
static void vfork_here(void) {
	long n = SYS_vfork, pid, status = -1;
	__asm__ volatile("syscall" : "+a"(n) : : "rcx", "r11", "memory");
	if (!n) {
		mark(8);
		call(SYS_exit, 3, 0, 0, 0, 0, 0);
	}
	pid = n;
	MUST(pid > 0 && call(SYS_wait4, pid, (long)&status, 0, 0, 0, 0) == pid && (status & 0xffff) == 0x300);
}

__asm__(".globl _start; _start: xor %ebp, %ebp; and $-16, %rsp; call begin");
void begin(void) {
	null = call(SYS_open, (long)"/dev/null", 2, 0, 0, 0, 0);
	MUST(null >= 0);
	mark(1);
	signals();
	registers();
	char *stack = (char *)call(SYS_mmap, 0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	thread(marks_and_ends, stack + 65536);
	own = stack;
	thread(frees_its_stack, stack + 65536);
	vfork_here();
	MUST(call(SYS_prctl, 59, 0, 0, 0, 0, 0) == -22);
	mark(3);
	call(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}
