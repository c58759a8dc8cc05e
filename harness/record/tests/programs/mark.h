/* mark(n): an ioctl that the recorder knows, DRM_IOCTL_SYNCOBJ_DESTROY of handle n, on a file that refuses it. */
#pragma once
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define MARK 0xc00864c0UL
struct mark { uint32_t handle, pad; };

static int mark_fd(void) {
	static int fd = -1;
	if (fd < 0) fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return fd;
}

static inline int mark(uint32_t n) {
	struct mark argument = { n, 0 };
	return ioctl(mark_fd(), MARK, &argument);
}
