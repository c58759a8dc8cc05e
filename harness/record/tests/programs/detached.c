/* Threads that nobody joins: musl's free their own stack and end without one. */
#include <pthread.h>
#include <unistd.h>
#include "mark.h"

static void *run(void *n) { mark((uint32_t)(uintptr_t)n); return 0; }

int main(void) {
	for (uintptr_t n = 100; n < 150; n++) {
		pthread_t id;
		if (pthread_create(&id, 0, run, (void *)n) || pthread_detach(id)) return 1;
	}
	usleep(200000);
	mark(3);
	return 0;
}
