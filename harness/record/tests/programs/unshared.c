/* Two children in a new pid namespace, which their parent is not in: they are 1 and 2 there. */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mark.h"

int main(void) {
	int go[2];
	if (pipe(go) || unshare(CLONE_NEWPID)) return 2;
	for (int n = 0; n < 2; n++)
		if (!fork()) {
			char byte;
			close(go[1]);
			mark(getpid());
			/* The first one's end is the other's. */
			read(go[0], &byte, 1);
			_exit(0);
		}
	usleep(100000);
	close(go[1]);
	while (wait(0) > 0) {}
	return 0;
}
