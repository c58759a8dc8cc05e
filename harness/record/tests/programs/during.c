/* An ioctl within which something else happens first: what a signal handler does that comes during the call. It takes its place
   behind the recorder's and in front of libc's. */
#include <sys/syscall.h>

void (*during_ioctl)(void);
/* A driver's answer: it succeeds, and is not made. */
void (*answer_ioctl)(void *argument);

int ioctl(int fd, unsigned long request, void *argument) {
	void (*run)(void) = during_ioctl;
	long result;
	during_ioctl = 0;
	if (run) run();
	if (answer_ioctl) { answer_ioctl(argument); answer_ioctl = 0; return 0; }
	__asm__ volatile("syscall" : "=a"(result) : "0"(SYS_ioctl), "D"(fd), "S"(request), "d"(argument) : "rcx", "r11", "memory");
	return result < 0 ? -1 : (int)result;
}
