/* What becomes of an fd that came from elsewhere, and that no ioctl has named: argv[1] says which way it came. */
#define _GNU_SOURCE
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "mark.h"

union control { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof(int))]; };

static struct msghdr message(struct iovec *data, union control *control) {
	struct msghdr message = { .msg_iov = data, .msg_iovlen = 1 };
	message.msg_control = control->bytes;
	message.msg_controllen = sizeof control->bytes;
	return message;
}

static int send_fd(int socket, int fd) {
	char byte = 0;
	struct iovec data = { &byte, 1 };
	union control control = { .header = { .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct msghdr sent = message(&data, &control);
	memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	return sendmsg(socket, &sent, 0);
}

static int receive_fd(int socket, int flags) {
	char byte;
	int fd = -1;
	struct iovec data = { &byte, 1 };
	union control control;
	struct msghdr received = message(&data, &control);
	if (recvmsg(socket, &received, flags) == 1 && CMSG_FIRSTHDR(&received)) memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&received)), sizeof fd);
	return fd;
}

/* Everything that is done to fds; then it is gone. */
static void live(int fd) {
	struct pollfd polled = { fd, POLLIN, 0 };
	poll(&polled, 1, 1);
	close(dup(fd));
	close(fd);
}

int main(int argc, char **argv) {
	int pair[2], other[2];
	if (argc != 2 || pipe(other)) return 2;
	if (!strcmp(argv[1], "pidfd")) {
		int pidfd = syscall(SYS_pidfd_open, getpid(), 0);
		live(syscall(SYS_pidfd_getfd, pidfd, other[0], 0));
		return 0;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return 2;
	send_fd(pair[0], other[0]);
	if (!strcmp(argv[1], "peek")) close(receive_fd(pair[1], MSG_PEEK));
	live(receive_fd(pair[1], 0));
	return 0;
}
