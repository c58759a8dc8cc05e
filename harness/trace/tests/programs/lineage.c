// One program whose objects go through everything that a reader has to follow: timelines that are waited for before they are
// submitted, in another process that got them over a socket; sync_files; sw_sync; a buffer from one device in another.
// Needs a guest with virtio-gpu, vgem and sw_sync. Its recorded session is in ../golden/lineage.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct create { uint32_t handle, flags; };
struct handle { uint32_t handle, flags; int32_t fd; uint32_t pad; };
struct wait { uint64_t handles, points; int64_t timeout; uint32_t count, flags, first, pad; };
struct array { uint64_t handles, points; uint32_t count, flags; };
struct transfer { uint32_t src, dst; uint64_t src_point, dst_point; uint32_t flags, pad; };
struct dumb { uint32_t height, width, bpp, flags, handle, pitch; uint64_t size; };
struct prime { uint32_t handle, flags; int32_t fd; };
struct attach { uint32_t handle, flags, out_fence, pad; };
struct fence { uint32_t value; char name[32]; int32_t fence; };
struct merge { char name[32]; int32_t fd2, fence; uint32_t flags, pad; };
struct sync_file { uint32_t flags; int32_t fd; };
struct version { int32_t major, minor, patch, pad; uint64_t name_len, name, date_len, date, desc_len, desc; };

#define VERSION _IOWR('d', 0, struct version)
#define CREATE _IOWR('d', 0xbf, struct create)
#define DESTROY _IOWR('d', 0xc0, struct create)
#define TO_FD _IOWR('d', 0xc1, struct handle)
#define TO_HANDLE _IOWR('d', 0xc2, struct handle)
#define TIMELINE_WAIT _IOWR('d', 0xca, struct wait)
#define TRANSFER _IOWR('d', 0xcc, struct transfer)
#define TIMELINE_SIGNAL _IOWR('d', 0xcd, struct array)
#define DUMB _IOWR('d', 0xb2, struct dumb)
#define GEM_CLOSE _IOW('d', 9, struct create)
#define EXPORT _IOWR('d', 0x2d, struct prime)
#define IMPORT _IOWR('d', 0x2e, struct prime)
#define ATTACH _IOWR('d', 0x41, struct attach)
#define SIGNAL _IOW('d', 0x42, struct create)
#define MERGE _IOWR('>', 3, struct merge)
#define SW_FENCE _IOWR('W', 0, struct fence)
#define SW_INC _IOW('W', 1, uint32_t)
#define FENCES_OUT _IOWR('b', 2, struct sync_file)

static void must(int ok, const char *what) {
    if (!ok) {
        perror(what);
        _exit(1);
    }
}

static int device(const char *driver, const char *node, int first) {
    for (int nr = first; nr < first + 8; nr++) {
        char path[64], name[32] = "";
        snprintf(path, sizeof path, "/dev/dri/%s%d", node, nr);
        int fd = open(path, O_RDWR | O_CLOEXEC);
        struct version version = { .name_len = sizeof name - 1, .name = (uintptr_t)name };
        if (fd >= 0 && ioctl(fd, VERSION, &version) == 0 && !strcmp(name, driver))
            return fd;
        if (fd >= 0)
            close(fd);
    }
    must(0, driver);
    return -1;
}

static void send_fd(int socket, int fd) {
    char byte = 0, control[CMSG_SPACE(sizeof fd)] = { 0 };
    struct iovec data = { &byte, 1 };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS, head->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    must(sendmsg(socket, &message, 0) == 1, "sendmsg");
}

static int receive_fd(int socket) {
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec data = { &byte, 1 };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    must(recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1, "recvmsg");
    int fd;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

static void wait_for(int gpu, uint32_t syncobj, uint64_t point, int64_t timeout) {
    struct wait wait = { (uintptr_t)&syncobj, (uintptr_t)&point, timeout, 1, 3, 0, 0 };
    ioctl(gpu, TIMELINE_WAIT, &wait);
}

static void signal_point(int gpu, uint32_t syncobj, uint64_t point) {
    struct array array = { (uintptr_t)&syncobj, (uintptr_t)&point, 1, 0 };
    must(ioctl(gpu, TIMELINE_SIGNAL, &array) == 0, "signal");
}

// The other process: its own open of the device, the timeline from the socket.
static void other(int socket) {
    int gpu = device("virtio_gpu", "renderD", 128);
    struct handle handle = { .fd = receive_fd(socket) };
    must(ioctl(gpu, TO_HANDLE, &handle) == 0, "import");
    close(handle.fd);
    must(write(socket, "", 1) == 1, "write");
    wait_for(gpu, handle.handle, 3, INT64_MAX);
    struct create destroy = { handle.handle, 0 };
    must(ioctl(gpu, DESTROY, &destroy) == 0, "destroy");
    _exit(0);
}

struct orphan { int gpu; uint32_t syncobj; };

static void *wait_in_vain(void *argument) {
    struct orphan *orphan = argument;
    wait_for(orphan->gpu, orphan->syncobj, 9, INT64_MAX);
    return NULL;
}

static void timelines(void) {
    int pair[2], gpu = device("virtio_gpu", "renderD", 128);
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
    struct create timeline = { 0, 0 };
    must(ioctl(gpu, CREATE, &timeline) == 0, "create");
    struct handle handle = { .handle = timeline.handle };
    must(ioctl(gpu, TO_FD, &handle) == 0, "export");
    pid_t child = fork();
    if (child == 0)
        other(pair[1]);
    send_fd(pair[0], handle.fd);
    close(handle.fd);
    char byte;
    must(read(pair[0], &byte, 1) == 1, "read");
    usleep(20000);
    signal_point(gpu, timeline.handle, 3);
    waitpid(child, NULL, 0);
    // A wait that nobody will end, of which the trace ends in the middle.
    struct orphan orphan = { gpu, timeline.handle };
    pthread_t thread;
    pthread_create(&thread, NULL, wait_in_vain, &orphan);
    usleep(20000);
    // The binary payload of a point, as a sync_file.
    struct create binary = { 0, 0 };
    must(ioctl(gpu, CREATE, &binary) == 0, "create");
    struct transfer transfer = { timeline.handle, binary.handle, 3, 0, 0, 0 };
    must(ioctl(gpu, TRANSFER, &transfer) == 0, "transfer");
    struct handle file = { .handle = binary.handle, .flags = 1 };
    must(ioctl(gpu, TO_FD, &file) == 0, "export a sync_file");
    close(file.fd);
    must(ioctl(gpu, DESTROY, &binary) == 0, "destroy");
}

static void sync_files(void) {
    mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
    int timeline = open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC);
    must(timeline >= 0, "sw_sync");
    struct fence first = { 1, "first", -1 }, second = { 2, "second", -1 };
    must(ioctl(timeline, SW_FENCE, &first) == 0 && ioctl(timeline, SW_FENCE, &second) == 0, "fence");
    struct merge merge = { "both", second.fence, -1, 0, 0 };
    must(ioctl(first.fence, MERGE, &merge) == 0, "merge");
    uint32_t by = 2;
    must(ioctl(timeline, SW_INC, &by) == 0, "inc");
    struct pollfd ready = { merge.fence, POLLIN, 0 };
    must(poll(&ready, 1, 1000) == 1, "poll");
    close(first.fence), close(second.fence), close(merge.fence), close(timeline);
}

static void buffers(void) {
    int vgem = device("vgem", "card", 0), twice = device("vgem", "card", 0);
    struct dumb dumb = { 16, 16, 32 };
    must(ioctl(vgem, DUMB, &dumb) == 0, "dumb");
    struct prime prime = { .handle = dumb.handle, .flags = O_CLOEXEC | O_RDWR };
    must(ioctl(vgem, EXPORT, &prime) == 0, "export");
    struct attach attach = { dumb.handle, 1 };
    must(ioctl(vgem, ATTACH, &attach) == 0, "attach");
    struct sync_file fences = { 2, -1 };
    must(ioctl(prime.fd, FENCES_OUT, &fences) == 0, "fences");
    struct prime import = { .fd = prime.fd };
    must(ioctl(twice, IMPORT, &import) == 0, "import");
    struct create signal = { attach.out_fence, 0 };
    must(ioctl(vgem, SIGNAL, &signal) == 0, "signal");
    int copy = dup(prime.fd);
    close(fences.fd), close(prime.fd), close(copy);
    struct create gem = { import.handle, 0 };
    must(ioctl(twice, GEM_CLOSE, &gem) == 0, "close");
    close(twice), close(vgem);
}

int main(void) {
    timelines();
    sync_files();
    buffers();
    _exit(0);
}
