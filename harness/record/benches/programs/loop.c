/* Nanoseconds per call: loop KIND THREADS. The least of many short runs, so that whatever else runs does not count. */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#ifdef LTTNG
#define LTTNG_UST_TRACEPOINT_DEFINE
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#include "fencelab_bench.h"
#define NOTE(result, argument) lttng_ust_tracepoint(fencelab_bench, call, fd, request, result, (void *)(argument))
#endif
/* What any recorder of this kind must do: look at the clock twice, and store a line. */
#ifdef FLOOR
#include <x86intrin.h>
enum { LINES = 1 << 15 };
static _Thread_local struct { uint64_t enter, exit; uint32_t request, fd, result, tid, kinds; uint32_t words[7]; } ring[LINES];
static _Thread_local uint32_t next;
#define BEGIN() uint64_t enter = __rdtsc()
#define NOTE(out, argument) do { \
	__typeof__(ring[0]) *line = &ring[next++ % LINES]; \
	line->exit = __rdtsc(), line->enter = enter, line->request = request, line->fd = fd, line->result = out; \
	memcpy(line->words, argument, 24), line->tid = 1, line->kinds = 1; \
	__atomic_store_n(&line->words[6], next, __ATOMIC_RELEASE); \
} while (0)
#endif
#ifndef BEGIN
#define BEGIN()
#endif
#ifndef NOTE
#define NOTE(result, argument) (void)(result)
#endif

enum { CALLS = 300 };
static int fd, runs;
static unsigned long request;
static struct { uint64_t handles; int64_t timeout; uint32_t count, flags, first, pad; } argument;

static double now(void) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static void *measure(void *result) {
	uint32_t handle = 7;
	double best = 1e18;
	for (int run = 0; run < runs; run++) {
		/* Of SYNCOBJ_RESET the count is where a wait has its timeout. */
		__typeof__(argument) local = { (uintptr_t)&handle, request == 0xc01064c4, 1, 0, 0, 0 };
		double start = now();
		for (int n = 0; n < CALLS; n++) { BEGIN(); int result = ioctl(fd, request, &local); NOTE(result, &local); }
		double each = (now() - start) / CALLS;
		if (each < best) best = each;
	}
	*(double *)result = best;
	return 0;
}

int main(int argc, char **argv) {
	int threads = atoi(argv[2]);
	double results[8];
	pthread_t ids[8];
	runs = atoi(argv[3]);
	/* TCGETS: not ours. SYNCOBJ_CREATE: one record of one slot. SYNCOBJ_RESET: does not block, and has an array of handles.
	 * SYNCOBJ_WAIT: may block, so two records, with its handles. */
	request = !strcmp(argv[1], "other") ? 0x5401 : !strcmp(argv[1], "create") ? 0xc00864bf
		: !strcmp(argv[1], "array") ? 0xc01064c4 : 0xc02064c3;
	fd = open("/dev/null", O_RDWR);
	for (int n = 0; n < threads; n++) pthread_create(&ids[n], 0, measure, &results[n]);
	double sum = 0;
	for (int n = 0; n < threads; n++) { pthread_join(ids[n], 0); sum += results[n]; }
	printf("%.1f\n", sum / threads);
}
