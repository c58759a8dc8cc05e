/* The same call as an LTTng-UST tracepoint: fd, request, result and as many bytes of the argument as a short record holds. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER fencelab_bench
#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./fencelab_bench.h"
#if !defined(FENCELAB_BENCH_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define FENCELAB_BENCH_H
#include <stdint.h>
#include <lttng/tracepoint.h>
LTTNG_UST_TRACEPOINT_EVENT(fencelab_bench, call,
	LTTNG_UST_TP_ARGS(int, fd, unsigned long, request, int, result, const uint8_t *, argument),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(int, fd, fd)
		lttng_ust_field_integer_hex(unsigned long, request, request)
		lttng_ust_field_integer(int, result, result)
		lttng_ust_field_array(uint8_t, argument, argument, 24)))
#endif
#include <lttng/tracepoint-event.h>
