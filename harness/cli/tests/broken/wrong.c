/*
 * A kernel that breaks one rule, as far as a program can tell: preloaded, it
 * changes what some ioctls ask or answer. BREAK names the rule.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "uapi.h"

static int next(int fd, unsigned long request, void *arg)
{
	static int (*real)(int, unsigned long, ...);

	if (!real)
		real = dlsym(RTLD_NEXT, "ioctl");
	return real(fd, request, arg);
}

/* The rule that is broken; none in the harness itself, which is preloaded too. */
static const char *broken_rule;

__attribute__((constructor)) static void choose(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "case-exec"))
		broken_rule = getenv("BREAK");
}

static int breaks(const char *rule)
{
	return broken_rule && !strcmp(broken_rule, rule);
}

static int fails(int error)
{
	errno = error;
	return -1;
}

/* Fds below this are remembered. */
enum { FDS = 1024 };

/* sync_files that were exported: from which file and object. */
static struct { int drm; uint32_t handle; } exported[FDS];
/* sync_files that were given a deadline. */
static char hurried[FDS];
/* Ids of the properties, of whatever object. */
static uint32_t in_fence[64], out_fence[64];

static void learn(uint32_t *ids, uint32_t id)
{
	for (int i = 0; i < 64; i++) {
		if (!ids[i] || ids[i] == id) {
			ids[i] = id;
			return;
		}
	}
}

static int known(const uint32_t *ids, uint32_t id)
{
	for (int i = 0; i < 64 && ids[i]; i++)
		if (ids[i] == id)
			return 1;
	return 0;
}

static int get_property(int fd, unsigned long request, struct drm_mode_get_property *arg)
{
	int ret = next(fd, request, arg);

	if (!ret && !strcmp(arg->name, "IN_FENCE_FD"))
		learn(in_fence, arg->prop_id);
	if (!ret && !strcmp(arg->name, "OUT_FENCE_PTR"))
		learn(out_fence, arg->prop_id);
	return ret;
}

/* What a driver waits for that gives up on a fence after PATIENCE_MS. */
enum { PATIENCE_MS = 5000 };
struct wait { int fence, timeline; };

static void *give_up(void *arg)
{
	struct wait *wait = arg;
	struct pollfd fence = { .fd = wait->fence, .events = POLLIN };
	uint32_t one = 1;

	poll(&fence, 1, PATIENCE_MS);
	next(wait->timeline, _IOW('W', 1, uint32_t), &one);
	return NULL;
}

/* A fence of a timeline that stands at 0. */
static int sw_fence(uint32_t value, int *timeline)
{
	struct sw_sync_create_fence_data data = { .value = value, .fence = -1 };

	*timeline = open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC);
	if (next(*timeline, _IOWR('W', 0, data), &data))
		abort();
	return data.fence;
}

static int impatient(int fence)
{
	struct wait *wait = malloc(sizeof(*wait));
	pthread_t thread;
	int instead;

	if (!wait)
		abort();
	wait->fence = dup(fence);
	instead = sw_fence(1, &wait->timeline);
	if (pthread_create(&thread, NULL, give_up, wait))
		abort();
	return instead;
}

/* What a commit answers for an out-fence. */
static void out_fence_of(const struct drm_mode_atomic *commit, int failed, int32_t *fence)
{
	int timeline;

	if (breaks("ATOM-OUT"))
		*fence = -1;
	if ((failed && breaks("ATOM-OUT-FAILED")) ||
	    (commit->flags & DRM_MODE_ATOMIC_TEST_ONLY && breaks("ATOM-OUT-TEST")))
		*fence = dup(0);
	if (!failed && !(commit->flags & DRM_MODE_ATOMIC_TEST_ONLY) && breaks("ATOM-OUT-EARLY"))
		*fence = sw_fence(0, &timeline);
}

/* A commit that waits for nothing, or not for long, or whose out-fence nobody gets. */
static int commit(int fd, unsigned long request, struct drm_mode_atomic *arg)
{
	const uint32_t *counts = (uint32_t *)(uintptr_t)arg->count_props_ptr;
	const uint32_t *props = (uint32_t *)(uintptr_t)arg->props_ptr;
	uint64_t *values = (uint64_t *)(uintptr_t)arg->prop_values_ptr;
	uint32_t count = 0;
	int ret, error;

	for (uint32_t i = 0; i < arg->count_objs; i++)
		count += counts[i];
	if (breaks("ATOM-IN") || breaks("ATOM-EXPLICIT") || breaks("ATOM-FOREIGN"))
		for (uint32_t i = 0; i < count; i++)
			if (known(in_fence, props[i]))
				values[i] = (uint64_t)-1;
	if (breaks("FENCE-NO-TIMEOUT"))
		for (uint32_t i = 0; i < count; i++)
			if (known(in_fence, props[i]) && (int)values[i] >= 0)
				values[i] = impatient((int)values[i]);
	ret = next(fd, request, arg);
	error = errno;
	if (ret && error == EBUSY && breaks("ATOM-BUSY"))
		return 0;
	for (uint32_t i = 0; i < count; i++)
		if (known(out_fence, props[i]) && values[i])
			out_fence_of(arg, ret, (int32_t *)(uintptr_t)values[i]);
	errno = error;
	return ret;
}

/* What a sync_file is said to be. */
static int file_info(int fd, unsigned long request, struct sync_file_info *arg)
{
	static uint64_t later;
	struct sync_fence_info *fences = (void *)(uintptr_t)arg->sync_fence_info;
	uint32_t room = arg->num_fences;
	int is_live = (unsigned)fd < FDS && exported[fd].drm && breaks("SYNC-SNAPSHOT");
	int ret, live = -1;

	if (is_live) {
		struct drm_syncobj_handle now = {
			.handle = exported[fd].handle,
			.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
			.fd = -1,
		};

		if (!next(exported[fd].drm - 1, _IOWR('d', 0xc1, now), &now))
			live = now.fd;
	}
	ret = next(live >= 0 ? live : fd, request, arg);
	if (live >= 0)
		close(live);
	if (ret)
		return ret;
	/* What the object has lost, the file has, too. */
	if (is_live && live < 0)
		arg->status = 0;
	if (arg->status < 0 && (breaks("FENCE-OWNER") || breaks("SCHED-ERROR")))
		arg->status = 1;
	if ((unsigned)fd < FDS && hurried[fd] && breaks("FENCE-DEADLINE"))
		arg->status = 1;
	for (uint32_t i = 0; fences && i < room && i < arg->num_fences; i++) {
		if (fences[i].status < 0 && (breaks("FENCE-OWNER") || breaks("SCHED-ERROR")))
			fences[i].status = 1;
		if (fences[i].status && breaks("FENCE-ONCE"))
			fences[i].timestamp_ns += ++later;
	}
	return 0;
}

static int export_syncobj(int fd, unsigned long request, struct drm_syncobj_handle *arg)
{
	int ret = next(fd, request, arg);

	if (!ret && arg->flags & DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE &&
	    arg->fd >= 0 && arg->fd < FDS) {
		exported[arg->fd].drm = fd + 1;
		exported[arg->fd].handle = arg->handle;
	}
	return ret;
}

static int query(int fd, unsigned long request, struct drm_syncobj_timeline_array *arg)
{
	uint64_t *points = (uint64_t *)(uintptr_t)arg->points;
	int ret = next(fd, request, arg);

	for (uint32_t i = 0; !ret && i < arg->count_handles; i++)
		if (points[i])
			points[i]--;
	return ret;
}

/* The pages that a device that never looks again was given, and where they are. */
static struct { char *address; size_t size; } watched;

/*
 * A device that keeps the first pages it was given: they are a file's, of
 * which it has a mapping of its own, until the process throws them away.
 */
static int keep(int fd, unsigned long request, struct userptr *arg)
{
	uint64_t given = arg->addr;
	void *address = (void *)(uintptr_t)given, *own;
	int ret, pages = memfd_create("pages", MFD_CLOEXEC);

	if (pages < 0 || pwrite(pages, address, arg->size, 0) != (ssize_t)arg->size)
		abort();
	own = mmap(NULL, arg->size, PROT_READ | PROT_WRITE, MAP_SHARED, pages, 0);
	if (own == MAP_FAILED || mmap(address, arg->size, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_FIXED, pages, 0) == MAP_FAILED)
		abort();
	close(pages);
	watched.address = address;
	watched.size = arg->size;
	arg->addr = (uintptr_t)own;
	ret = next(fd, request, arg);
	arg->addr = given;
	return ret;
}

int madvise(void *address, size_t length, int advice)
{
	static int (*real)(void *, size_t, int);
	char *start = address;

	if (!real)
		real = dlsym(RTLD_NEXT, "madvise");
	if (advice == MADV_DONTNEED && watched.size && start >= watched.address &&
	    start + length <= watched.address + watched.size) {
		void *fresh = mmap(address, length, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

		return fresh == MAP_FAILED ? -1 : 0;
	}
	return real(address, length, advice);
}

/* A device that looks at other pages than those it was given. */
static int userptr(int fd, unsigned long request, struct userptr *arg)
{
	uint64_t given = arg->addr;
	void *other = mmap(NULL, arg->size ?: 1, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret;

	if (other != MAP_FAILED)
		arg->addr = (uintptr_t)other;
	ret = next(fd, request, arg);
	arg->addr = given;
	return ret;
}

static int broken(int fd, unsigned long request, void *arg)
{
	int ret;

	switch (request & 0xffff) {
	case AMDGPU_GEM_USERPTR:
	case I915_GEM_USERPTR:
		/* Other devices have other ioctls of these numbers. */
		if (_IOC_SIZE(request) == 24 && breaks("UPTR-GUARD"))
			return userptr(fd, request, arg);
		if (_IOC_SIZE(request) == 24 && breaks("UPTR-RESTART"))
			return keep(fd, request, arg);
		break;
	case MODE_GETPROPERTY:
		return get_property(fd, request, arg);
	case MODE_ATOMIC:
		return commit(fd, request, arg);
	case SYNC_FILE_INFO:
		return file_info(fd, request, arg);
	case SYNCOBJ_HANDLE_TO_FD:
		return export_syncobj(fd, request, arg);
	case SW_SYNC_CREATE_FENCE:
		/* The later of two fences gets the lower number. */
		if (breaks("FENCE-ORDER"))
			((struct sw_sync_create_fence_data *)arg)->value ^= 1;
		break;
	case SYNC_SET_DEADLINE:
		if ((unsigned)fd < FDS)
			hurried[fd] = 1;
		break;
	case DMA_BUF_IMPORT_SYNC_FILE:
		if (breaks("BUF-SYNCFILE"))
			return 0;
		if (breaks("RESV-USAGE"))
			((struct dma_buf_import_sync_file *)arg)->flags ^= DMA_BUF_SYNC_RW;
		break;
	case DMA_BUF_SYNC:
		if (breaks("BUF-WAIT"))
			return 0;
		while (breaks("BUF-WAIT-EINTR")) {
			ret = next(fd, request, arg);
			if (!ret || errno != EINTR)
				return ret;
		}
		break;
	case SYNCOBJ_TRANSFER:
		if (breaks("SYNC-TRANSFER") || (breaks("SYNC-TRANSFER-BINARY") &&
						!((struct drm_syncobj_transfer *)arg)->dst_point))
			return 0;
		break;
	case SYNCOBJ_EVENTFD:
		if (breaks("SYNC-EVENTFD"))
			return 0;
		break;
	case SYNCOBJ_QUERY:
		if (breaks("SYNC-POINT"))
			return query(fd, request, arg);
		break;
	case SYNCOBJ_FD_TO_HANDLE:
		if (breaks("SYNC-REPLACE") &&
		    ((struct drm_syncobj_handle *)arg)->flags & DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE)
			return 0;
		break;
	}
	ret = next(fd, request, arg);
	if (!ret)
		return ret;
	switch (request & 0xffff) {
	case SYNCOBJ_WAIT:
	case SYNCOBJ_TIMELINE_WAIT:
		if ((errno == EINVAL && breaks("SYNC-NULL")) ||
		    (errno == ETIME && breaks("SYNC-NULL-ETIME")))
			return 0;
		break;
	case PRIME_FD_TO_HANDLE:
		if (breaks("BUF-ERRNO"))
			return fails(EIO);
		if (breaks("BUF-ERRNO-LEAK")) {
			int error = errno;

			if (dup(((struct drm_prime_handle *)arg)->fd) < 0)
				abort();
			return fails(error);
		}
		break;
	case PRIME_HANDLE_TO_FD:
		if (breaks("UPTR-NOEXPORT")) {
			((struct drm_prime_handle *)arg)->fd = memfd_create("exported", MFD_CLOEXEC);
			return 0;
		}
		break;
	}
	if (errno == EOPNOTSUPP && breaks("SYNC-UNSUPPORTED"))
		return fails(EINVAL);
	return ret;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	void *arg;

	va_start(list, request);
	arg = va_arg(list, void *);
	va_end(list);
	return broken(fd, request, arg);
}

/* What was remembered of an fd goes with it. */
int close(int fd)
{
	static int (*real)(int);

	if (!real)
		real = dlsym(RTLD_NEXT, "close");
	if ((unsigned)fd < FDS) {
		exported[fd].drm = 0;
		hurried[fd] = 0;
	}
	return real(fd);
}

/* Whether what is behind an fd has this in its name. */
static int is_a(int fd, const char *what)
{
	char path[32], name[64] = "";

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return readlink(path, name, sizeof name - 1) > 0 && strstr(name, what);
}

/* Fences that are never seen to signal but for the first, commits whose event never comes. */
int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	static int (*real)(struct pollfd *, nfds_t, int);
	static int first = -1;

	if (!real)
		real = dlsym(RTLD_NEXT, "poll");
	if (first < 0 && count == 1 && is_a(fds->fd, "sync_file"))
		first = fds->fd;
	if (count == 1 && ((breaks("RESET-FOREIGN") && fds->fd != first && is_a(fds->fd, "sync_file")) ||
			   (breaks("ATOM-TIME") && is_a(fds->fd, "/dri/")))) {
		fds->revents = 0;
		usleep(timeout < 0 ? 1000000 : timeout * 1000);
		return 0;
	}
	return real(fds, count, timeout);
}

/* An unmapping that goes on when all that it waited for has signalled. */
int munmap(void *address, size_t length)
{
	static int (*real)(void *, size_t);

	if (!real)
		real = dlsym(RTLD_NEXT, "munmap");
	if (gettid() != getpid() && breaks("UPTR-CHAIN"))
		sleep(3600);
	return real(address, length);
}
