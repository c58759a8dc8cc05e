/*@ base */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

/* What all processes see: who is where, and what has happened. */
static struct shared {
    int64_t start_ns;
    unsigned begun[STEPS], done[STEPS];
    pid_t by[STEPS];
    unsigned at[THREADS], ended[THREADS];
    unsigned started[PROCESSES];
    pid_t pid[PROCESSES];
    unsigned failed, timed_out;
    int64_t late_ns;
    /* How often somebody went on, and until when somebody means to sleep. */
    unsigned moves;
    int64_t asleep_ns;
} *shared;

static __thread unsigned me;

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void sleep_ns(int64_t ns)
{
    struct timespec t = { ns / 1000000000, ns % 1000000000 };

    while (nanosleep(&t, &t) && errno == EINTR)
        ;
}

static void moved(void)
{
    __atomic_add_fetch(&shared->moves, 1, __ATOMIC_RELAXED);
}

/* Sleeps where the program says so: that is not being stuck. */
static UNUSED void rest(int64_t ns)
{
    int64_t until = now_ns() + ns, last = __atomic_load_n(&shared->asleep_ns, __ATOMIC_RELAXED);

    while (until > last &&
           !__atomic_compare_exchange_n(&shared->asleep_ns, &last, until, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    sleep_ns(ns);
    moved();
}

/* Says that something happened. */
static void tell(unsigned *flag)
{
    moved();
    __atomic_store_n(flag, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, flag, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Waits until it has. */
static UNUSED void after(unsigned *flag)
{
    while (!__atomic_load_n(flag, __ATOMIC_SEQ_CST))
        syscall(SYS_futex, flag, FUTEX_WAIT, 0, NULL, NULL, 0);
}

/* Whether a thread sleeps in the kernel, or is gone. */
static UNUSED int is_idle(pid_t thread)
{
    char path[64], stat[300] = "";

    snprintf(path, sizeof path, "/proc/%d/stat", thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, stat, sizeof stat - 1) < 0)
        stat[0] = 0;
    if (fd >= 0)
        close(fd);
    const char *state = strrchr(stat, ')');
    return !state || strchr("SDZX", state[2]);
}

/* Waits until another thread's call sleeps, or is over. One look alone may meet it on the way there. */
static UNUSED void after_begun(unsigned n)
{
    after(&shared->begun[n]);
    for (int looks = 0; looks < 3 && !__atomic_load_n(&shared->done[n], __ATOMIC_SEQ_CST);) {
        looks = is_idle(shared->by[n]) ? looks + 1 : 0;
        sleep_ns(5000000);
    }
}

static UNUSED void step(unsigned n)
{
    shared->at[me] = n;
    shared->by[n] = (pid_t)syscall(SYS_gettid);
    tell(&shared->begun[n]);
}

static void done(unsigned n)
{
    tell(&shared->done[n]);
}

static const char *const step_text[];

/* A call was refused: said, counted, and gone on from, as the program would. */
static UNUSED void refused(const char *call)
{
    int error = errno;

    __atomic_add_fetch(error == ETIME ? &shared->timed_out : &shared->failed, 1, __ATOMIC_SEQ_CST);
    fprintf(stderr, "%s: %s: %s\n", step_text[shared->at[me]], call, strerror(error));
}

/* The machine lacks something: no result. */
static UNUSED void lacks(const char *what)
{
    fprintf(stderr, "not here: %s: %s\n", what, strerror(errno));
    _exit(77);
}

/*@ at */
/* Waits for a moment after the start. */
static void at(int64_t ns)
{
    int64_t late = now_ns() - shared->start_ns - ns;

    if (late < 0)
        rest(-late);
    late = now_ns() - shared->start_ns - ns;
    if (late > shared->late_ns)
        shared->late_ns = late;
}

/*@ ioctl */
static int control(int fd, unsigned long request, void *argument)
{
    int result;

    do
        result = ioctl(fd, request, argument);
    while (result < 0 && (errno == EINTR || errno == EAGAIN));
    moved();
    return result;
}

/*@ device */
/* One spelling for what sysfs and modules write differently. */
static int same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
            return 0;
    return !*a && !*b;
}

/* Whether /sys/class/drm/NODE is of that driver; vgem and vkms have no driver, only a name. */
static int is_of(const char *node, const char *name)
{
    char path[300], link[300];
    const char *forms[] = { "/sys/class/drm/%s/device/driver", "/sys/class/drm/%s/device" };

    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, forms[i], node);
        ssize_t length = readlink(path, link, sizeof link - 1);
        if (length < 0)
            continue;
        link[length] = 0;
        const char *base = strrchr(link, '/') ? strrchr(link, '/') + 1 : link;
        if (!strncmp(base, "fencelab_twin_", 14))
            base += 14;
        if (!strcmp(base, "bochs-drm"))
            base = "bochs";
        return same_name(base, name) || (!strcmp(base, "virtio-pci") && same_name("virtio-gpu", name));
    }
    return 0;
}

/* Opens the first DRM device of that driver. Without KMS its render node will do, which needs no rights. */
static int open_device(const char *name, int kms)
{
    const char *prefixes[] = { kms ? "card" : "renderD", "card" };
    char path[300];
    struct dirent *entry;

    for (int i = 0; i < 2; i++) {
        DIR *folder = opendir("/sys/class/drm");
        while (folder && (entry = readdir(folder))) {
            if (strncmp(entry->d_name, prefixes[i], strlen(prefixes[i])) || strchr(entry->d_name, '-'))
                continue;
            snprintf(path, sizeof path, "/dev/dri/%s", entry->d_name);
            if (!is_of(entry->d_name, name))
                continue;
            closedir(folder);
            int fd = open(path, O_RDWR | O_CLOEXEC);
            if (fd < 0)
                lacks(path);
            return fd;
        }
        if (folder)
            closedir(folder);
    }
    errno = ENODEV;
    lacks(name);
    return -1;
}

/*@ syncobj: ioctl device */
/* include/uapi/drm/drm.h */
struct syncobj_create { uint32_t handle, flags; };
struct syncobj_handle { uint32_t handle, flags; int32_t fd; uint32_t pad; };
struct syncobj_array { uint64_t handles; uint32_t count, pad; };
struct syncobj_transfer { uint32_t from, to; uint64_t from_point, to_point; uint32_t flags, pad; };
#define SYNCOBJ_CREATE _IOWR('d', 0xbf, struct syncobj_create)
#define SYNCOBJ_DESTROY _IOWR('d', 0xc0, struct syncobj_create)
#define SYNCOBJ_HANDLE_TO_FD _IOWR('d', 0xc1, struct syncobj_handle)
#define SYNCOBJ_FD_TO_HANDLE _IOWR('d', 0xc2, struct syncobj_handle)
#define SYNCOBJ_RESET _IOWR('d', 0xc4, struct syncobj_array)
#define SYNCOBJ_SIGNAL _IOWR('d', 0xc5, struct syncobj_array)
#define SYNCOBJ_TRANSFER _IOWR('d', 0xcc, struct syncobj_transfer)
#define CREATE_SIGNALLED 1
#define SYNC_FILE 1

static UNUSED uint32_t syncobj_create(int device, uint32_t flags)
{
    struct syncobj_create c = { 0, flags };

    if (control(device, SYNCOBJ_CREATE, &c))
        refused("SYNCOBJ_CREATE");
    return c.handle;
}

static UNUSED void syncobj_destroy(int device, uint32_t handle)
{
    struct syncobj_create c = { handle, 0 };

    if (control(device, SYNCOBJ_DESTROY, &c))
        refused("SYNCOBJ_DESTROY");
}

/* An fd of the object itself, for other processes; with SYNC_FILE, of its fence. */
static UNUSED int syncobj_to_fd(int device, uint32_t handle, uint32_t flags)
{
    struct syncobj_handle c = { handle, flags, -1, 0 };

    if (control(device, SYNCOBJ_HANDLE_TO_FD, &c))
        refused("SYNCOBJ_HANDLE_TO_FD");
    return c.fd;
}

static UNUSED uint32_t syncobj_from_fd(int device, int fd, uint32_t handle, uint32_t flags)
{
    struct syncobj_handle c = { handle, flags, fd, 0 };

    if (control(device, SYNCOBJ_FD_TO_HANDLE, &c))
        refused("SYNCOBJ_FD_TO_HANDLE");
    return c.handle;
}

/*@ syncobj_reset: syncobj */
static void syncobj_reset(int device, uint32_t handle)
{
    struct syncobj_array c = { (uintptr_t)&handle, 1, 0 };

    if (control(device, SYNCOBJ_RESET, &c))
        refused("SYNCOBJ_RESET");
}

/*@ syncobj_signal: syncobj */
static void syncobj_signal(int device, uint32_t handle)
{
    struct syncobj_array c = { (uintptr_t)&handle, 1, 0 };

    if (control(device, SYNCOBJ_SIGNAL, &c))
        refused("SYNCOBJ_SIGNAL");
}

/*@ syncobj_signal_point: syncobj */
struct syncobj_timeline_array { uint64_t handles, points; uint32_t count, flags; };
#define SYNCOBJ_TIMELINE_SIGNAL _IOWR('d', 0xcd, struct syncobj_timeline_array)

static void syncobj_signal_point(int device, uint32_t handle, uint64_t point)
{
    struct syncobj_timeline_array c = { (uintptr_t)&handle, (uintptr_t)&point, 1, 0 };

    if (control(device, SYNCOBJ_TIMELINE_SIGNAL, &c))
        refused("SYNCOBJ_TIMELINE_SIGNAL");
}

/*@ syncobj_transfer: syncobj */
static void syncobj_transfer(int device, uint32_t from, uint64_t from_point, uint32_t to, uint64_t to_point)
{
    struct syncobj_transfer c = { from, to, from_point, to_point, 0, 0 };

    if (control(device, SYNCOBJ_TRANSFER, &c))
        refused("SYNCOBJ_TRANSFER");
}

/*@ syncobj_wait: syncobj */
struct syncobj_wait {
    uint64_t handles;
    int64_t timeout_ns;
    uint32_t count, flags, first, pad;
    uint64_t deadline_ns;
};
#define SYNCOBJ_WAIT _IOWR('d', 0xc3, struct syncobj_wait)
#define WAIT_ALL 1
#define WAIT_FOR_SUBMIT 2
#define WAIT_AVAILABLE 4
#define WAIT_DEADLINE 8

/* The time at which a wait of that length ends. */
static UNUSED int64_t in_ns(int64_t ns)
{
    return ns == INT64_MAX ? ns : now_ns() + ns;
}

static UNUSED void syncobj_wait(int device, uint32_t count, const uint32_t *handles, uint32_t flags, int64_t for_ns,
                         int64_t deadline_ns)
{
    struct syncobj_wait c = { (uintptr_t)handles, in_ns(for_ns), count, flags, 0, 0, 0 };

    if (flags & WAIT_DEADLINE)
        c.deadline_ns = now_ns() + deadline_ns;
    if (control(device, SYNCOBJ_WAIT, &c))
        refused("SYNCOBJ_WAIT");
}

/*@ syncobj_wait_points: syncobj_wait */
struct syncobj_timeline_wait {
    uint64_t handles, points;
    int64_t timeout_ns;
    uint32_t count, flags, first, pad;
    uint64_t deadline_ns;
};
#define SYNCOBJ_TIMELINE_WAIT _IOWR('d', 0xca, struct syncobj_timeline_wait)

static void syncobj_wait_points(int device, uint32_t count, const uint32_t *handles, const uint64_t *points,
                                uint32_t flags, int64_t for_ns, int64_t deadline_ns)
{
    struct syncobj_timeline_wait c = {
        (uintptr_t)handles, (uintptr_t)points, in_ns(for_ns), count, flags, 0, 0, 0
    };

    if (flags & WAIT_DEADLINE)
        c.deadline_ns = now_ns() + deadline_ns;
    if (control(device, SYNCOBJ_TIMELINE_WAIT, &c))
        refused("SYNCOBJ_TIMELINE_WAIT");
}

/*@ syncobj_export: syncobj syncobj_transfer */
/* The fence of a point as a sync_file. Linux before 6.16 exports binary fences only: a point goes through one. */
static int syncobj_export(int device, uint32_t handle, uint64_t point)
{
    if (!point)
        return syncobj_to_fd(device, handle, SYNC_FILE);
    uint32_t binary = syncobj_create(device, 0);
    syncobj_transfer(device, handle, point, binary, 0);
    int fd = syncobj_to_fd(device, binary, SYNC_FILE);
    syncobj_destroy(device, binary);
    return fd;
}

/*@ syncobj_import: syncobj syncobj_transfer */
static void syncobj_import(int device, int fd, uint32_t handle, uint64_t point)
{
    if (!point) {
        syncobj_from_fd(device, fd, handle, SYNC_FILE);
        return;
    }
    uint32_t binary = syncobj_create(device, 0);
    syncobj_from_fd(device, fd, binary, SYNC_FILE);
    syncobj_transfer(device, binary, 0, handle, point);
    syncobj_destroy(device, binary);
}

/*@ timeline: ioctl */
/* drivers/dma-buf/sw_sync.c */
struct sw_sync_fence { uint32_t value; char name[32]; int32_t fd; };
#define SW_SYNC_CREATE_FENCE _IOWR('W', 0, struct sw_sync_fence)
#define SW_SYNC_INC _IOW('W', 1, uint32_t)

static UNUSED int timeline_open(void)
{
    int fd = open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        lacks("sw_sync (CONFIG_SW_SYNC, debugfs)");
    return fd;
}

/* A fence that signals when the timeline has come to that value. */
static UNUSED int timeline_fence(int timeline, uint32_t value)
{
    struct sw_sync_fence c = { value, "", -1 };

    if (control(timeline, SW_SYNC_CREATE_FENCE, &c))
        refused("SW_SYNC_IOC_CREATE_FENCE");
    return c.fd;
}

static UNUSED void timeline_inc(int timeline, uint32_t by)
{
    if (control(timeline, SW_SYNC_INC, &by))
        refused("SW_SYNC_IOC_INC");
}

/*@ poll */
/* Waits for any of some sync_files and buffers: for a buffer's writers. */
static void poll_files(unsigned count, const int *files, int64_t for_ns)
{
    struct pollfd fds[count];
    int64_t ms = for_ns == INT64_MAX ? -1 : for_ns / 1000000;
    int result;

    for (unsigned i = 0; i < count; i++)
        fds[i] = (struct pollfd){ files[i], POLLIN, 0 };
    do
        result = poll(fds, count, ms > INT_MAX ? INT_MAX : (int)ms);
    while (result < 0 && errno == EINTR);
    if (result == 0)
        errno = ETIME;
    if (result <= 0)
        refused("poll");
}

/*@ merge: ioctl */
/* include/uapi/linux/sync_file.h */
struct sync_merge { char name[32]; int32_t fd2, fence; uint32_t flags, pad; };
#define SYNC_IOC_MERGE _IOWR('>', 3, struct sync_merge)

static int merge(int one, int other)
{
    struct sync_merge c = { "merged", other, -1, 0, 0 };

    if (control(one, SYNC_IOC_MERGE, &c))
        refused("SYNC_IOC_MERGE");
    return c.fence;
}

/*@ udmabuf: ioctl */
/* include/uapi/linux/udmabuf.h */
struct udmabuf_create { uint32_t memfd, flags; uint64_t offset, size; };
#define UDMABUF_CREATE _IOW('u', 0x42, struct udmabuf_create)

static int buffer_udmabuf(void)
{
    int memory = memfd_create("buffer", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    int device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
    struct udmabuf_create c = { (uint32_t)memory, 1, 0, 4096 };

    if (device < 0)
        lacks("/dev/udmabuf");
    if (ftruncate(memory, 4096) || fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK))
        lacks("a sealed memfd");
    int buffer = control(device, UDMABUF_CREATE, &c);
    if (buffer < 0)
        refused("UDMABUF_CREATE");
    close(device);
    close(memory);
    return buffer;
}

/*@ heap: ioctl */
/* include/uapi/linux/dma-heap.h */
struct heap_alloc { uint64_t length; uint32_t fd, fd_flags; uint64_t heap_flags; };
#define DMA_HEAP_IOCTL_ALLOC _IOWR('H', 0, struct heap_alloc)

static int buffer_heap(const char *path)
{
    int heap = open(path, O_RDONLY | O_CLOEXEC);
    struct heap_alloc c = { 4096, 0, O_RDWR | O_CLOEXEC, 0 };

    if (heap < 0)
        lacks(path);
    if (control(heap, DMA_HEAP_IOCTL_ALLOC, &c))
        refused("DMA_HEAP_IOCTL_ALLOC");
    close(heap);
    return (int)c.fd;
}

/*@ dumb: ioctl device */
/* include/uapi/drm/drm_mode.h, drm.h */
struct create_dumb { uint32_t height, width, bpp, flags, handle, pitch; uint64_t size; };
#define MODE_CREATE_DUMB _IOWR('d', 0xb2, struct create_dumb)

/*@ buffer_dumb: dumb */
struct prime_handle { uint32_t handle, flags; int32_t fd; };
#define PRIME_HANDLE_TO_FD _IOWR('d', 0x2d, struct prime_handle)

static int buffer_dumb(int device)
{
    struct create_dumb c = { .height = 32, .width = 32, .bpp = 32 };

    if (control(device, MODE_CREATE_DUMB, &c))
        refused("MODE_CREATE_DUMB");
    struct prime_handle p = { c.handle, O_RDWR | O_CLOEXEC, -1 };
    if (control(device, PRIME_HANDLE_TO_FD, &p))
        refused("PRIME_HANDLE_TO_FD");
    return p.fd;
}

/*@ prime: ioctl device */
struct prime_fd { uint32_t handle, flags; int32_t fd; };
#define PRIME_FD_TO_HANDLE _IOWR('d', 0x2e, struct prime_fd)

/* Gives a buffer to a device. */
static uint32_t prime(int device, int buffer)
{
    struct prime_fd c = { 0, 0, buffer };

    if (control(device, PRIME_FD_TO_HANDLE, &c))
        refused("PRIME_FD_TO_HANDLE");
    return c.handle;
}

/*@ buffer_fences: ioctl */
/* include/uapi/linux/dma-buf.h */
struct dma_buf_sync_file { uint32_t flags; int32_t fd; };
#define DMA_BUF_IOCTL_EXPORT_SYNC_FILE _IOWR('b', 2, struct dma_buf_sync_file)
#define DMA_BUF_IOCTL_IMPORT_SYNC_FILE _IOW('b', 3, struct dma_buf_sync_file)

/*@ buffer_flags */
#define BUFFER_READ 1
#define BUFFER_WRITE 2

/*@ buffer_export: buffer_fences buffer_flags */
static int buffer_export(int buffer, uint32_t access)
{
    struct dma_buf_sync_file c = { access, -1 };

    if (control(buffer, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &c))
        refused("DMA_BUF_IOCTL_EXPORT_SYNC_FILE");
    return c.fd;
}

/*@ buffer_import: buffer_fences buffer_flags */
static void buffer_import(int buffer, int file, uint32_t access)
{
    struct dma_buf_sync_file c = { access, file };

    if (control(buffer, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &c))
        refused("DMA_BUF_IOCTL_IMPORT_SYNC_FILE");
}

/*@ buffer_access: ioctl buffer_flags */
#define DMA_BUF_IOCTL_SYNC _IOW('b', 0, uint64_t)
#define ACCESS_END 4

/* The processor touches a buffer. */
static void buffer_access(int buffer, uint64_t access)
{
    if (control(buffer, DMA_BUF_IOCTL_SYNC, &access))
        refused("DMA_BUF_IOCTL_SYNC");
    access |= ACCESS_END;
    if (control(buffer, DMA_BUF_IOCTL_SYNC, &access))
        refused("DMA_BUF_IOCTL_SYNC, end");
}

/*@ vgem: prime buffer_flags */
/* include/uapi/drm/vgem_drm.h */
struct vgem_attach { uint32_t handle, flags, fence, pad; };
struct vgem_signal { uint32_t fence, flags; };
#define VGEM_FENCE_ATTACH _IOWR('d', 0x41, struct vgem_attach)
#define VGEM_FENCE_SIGNAL _IOW('d', 0x42, struct vgem_signal)

static uint32_t vgem_attach(int device, int buffer, int access)
{
    struct vgem_attach c = { prime(device, buffer), access == BUFFER_WRITE, 0, 0 };

    if (control(device, VGEM_FENCE_ATTACH, &c))
        refused("VGEM_FENCE_ATTACH");
    return c.fence;
}

static UNUSED void vgem_signal(int device, uint32_t fence)
{
    struct vgem_signal c = { fence, 0 };

    if (control(device, VGEM_FENCE_SIGNAL, &c))
        refused("VGEM_FENCE_SIGNAL");
}

/*@ software: timeline */
/* A queue in software: a thread does one job after the other. A job waits for its fences, takes its time, and signals. */
struct job { struct job *next; int64_t ns; unsigned count; int waits[]; };
struct queue {
    int timeline;
    uint32_t last;
    struct job *first, **end;
    pthread_mutex_t lock;
    pthread_cond_t more;
};

static void *queue_works(void *argument)
{
    struct queue *queue = argument;

    for (;;) {
        pthread_mutex_lock(&queue->lock);
        while (!queue->first)
            pthread_cond_wait(&queue->more, &queue->lock);
        struct job *job = queue->first;
        queue->first = job->next;
        if (!queue->first)
            queue->end = &queue->first;
        pthread_mutex_unlock(&queue->lock);
        for (unsigned i = 0; i < job->count; i++) {
            struct pollfd fd = { job->waits[i], POLLIN, 0 };
            while (poll(&fd, 1, -1) < 0 && errno == EINTR)
                ;
            close(job->waits[i]);
        }
        rest(job->ns);
        timeline_inc(queue->timeline, 1);
        free(job);
    }
    return NULL;
}

static struct queue *queue_software(void)
{
    struct queue *queue = calloc(1, sizeof *queue);
    pthread_t thread;

    if (!queue)
        lacks("memory");
    queue->timeline = timeline_open();
    queue->end = &queue->first;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->more, NULL);
    if (pthread_create(&thread, NULL, queue_works, queue))
        lacks("a thread");
    pthread_detach(thread);
    return queue;
}

/* Hands a job over and returns its fence. */
static int submit_software(struct queue *queue, unsigned count, const int *waits, int64_t ns)
{
    struct job *job = calloc(1, sizeof *job + count * sizeof *waits);

    if (!job)
        lacks("memory");
    for (unsigned i = 0; i < count; i++)
        job->waits[job->count++] = dup(waits[i]);
    job->ns = ns;
    pthread_mutex_lock(&queue->lock);
    int fence = timeline_fence(queue->timeline, ++queue->last);
    *queue->end = job;
    queue->end = &job->next;
    pthread_cond_signal(&queue->more);
    pthread_mutex_unlock(&queue->lock);
    return fence;
}

/*@ i915: ioctl device */
/* include/uapi/drm/i915_drm.h. The jobs are empty: what orders them is their fences. */
struct i915_create { uint64_t size; uint32_t handle, pad; };
struct i915_mmap { uint32_t handle, pad; uint64_t offset, flags, extensions; };
struct i915_object { uint32_t handle, relocations; uint64_t relocs, alignment, offset, flags, rsvd1, rsvd2; };
struct i915_exec {
    uint64_t buffers;
    uint32_t count, start, length, dr1, dr4, cliprects;
    uint64_t cliprects_ptr, flags, context, fences;
};
#define I915_GEM_CREATE _IOWR('d', 0x5b, struct i915_create)
#define I915_GEM_MMAP_OFFSET _IOWR('d', 0x64, struct i915_mmap)
#define I915_GEM_EXECBUFFER2_WR _IOWR('d', 0x69, struct i915_exec)
#define MI_BATCH_BUFFER_END 0x05000000
#define MMAP_WRITE_BACK 2
#define OBJECT_48B 8
#define OBJECT_PINNED 16
#define EXEC_FENCE_IN (1 << 16)
#define EXEC_FENCE_OUT (1 << 17)

struct i915_queue { int device; uint32_t batch; };

static struct i915_queue queue_i915(int device)
{
    struct i915_create c = { 4096, 0, 0 };

    if (control(device, I915_GEM_CREATE, &c))
        refused("I915_GEM_CREATE");
    struct i915_mmap m = { .handle = c.handle, .flags = MMAP_WRITE_BACK };
    if (control(device, I915_GEM_MMAP_OFFSET, &m))
        refused("I915_GEM_MMAP_OFFSET");
    uint32_t *batch = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)m.offset);
    if (batch == MAP_FAILED)
        lacks("a map of an i915 buffer");
    *batch = MI_BATCH_BUFFER_END;
    munmap(batch, 4096);
    return (struct i915_queue){ device, c.handle };
}

/* Hands a job over that waits for one fence, if there is one, and returns its own. */
static int submit_i915(struct i915_queue queue, int wait)
{
    struct i915_object object = {
        .handle = queue.batch, .offset = 0x100000, .flags = OBJECT_48B | OBJECT_PINNED
    };
    struct i915_exec c = { .buffers = (uintptr_t)&object, .count = 1, .length = 8, .flags = EXEC_FENCE_OUT };

    if (wait >= 0) {
        c.flags |= EXEC_FENCE_IN;
        c.fences = (uint32_t)wait;
    }
    if (control(queue.device, I915_GEM_EXECBUFFER2_WR, &c)) {
        refused("I915_GEM_EXECBUFFER2_WR");
        return -1;
    }
    return (int)(c.fences >> 32);
}

/*@ screen: dumb */
/* include/uapi/drm/drm.h, drm_mode.h */
struct client_cap { uint64_t capability, value; };
struct mode {
    uint32_t clock;
    uint16_t hdisplay, hsync_start, hsync_end, htotal, hskew, vdisplay, vsync_start, vsync_end, vtotal, vscan;
    uint32_t vrefresh, flags, type;
    char name[32];
};
struct resources {
    uint64_t fbs, crtcs, connectors, encoders;
    uint32_t fb_count, crtc_count, connector_count, encoder_count, min_width, max_width, min_height, max_height;
};
struct connector {
    uint64_t encoders, modes, props, values;
    uint32_t mode_count, prop_count, encoder_count, encoder, id, type, type_id, connection, width, height, subpixel, pad;
};
struct set_crtc {
    uint64_t connectors;
    uint32_t connector_count, crtc, fb, x, y, gamma, mode_valid;
    struct mode mode;
};
struct add_fb { uint32_t fb, width, height, pitch, bpp, depth, handle; };
struct planes { uint64_t ids; uint32_t count; };
struct plane { uint32_t id, crtc, fb, possible, gamma, count; uint64_t formats; };
struct object_properties { uint64_t ids, values; uint32_t count, object, type; };
struct property { uint64_t values, enums; uint32_t id, flags; char name[32]; uint32_t value_count, enum_count; };
struct atomic { uint32_t flags, count; uint64_t objects, counts, properties, values, reserved, user; };
#define SET_CLIENT_CAP _IOW('d', 0x0d, struct client_cap)
#define MODE_GETRESOURCES _IOWR('d', 0xa0, struct resources)
#define MODE_SETCRTC _IOWR('d', 0xa2, struct set_crtc)
#define MODE_GETCONNECTOR _IOWR('d', 0xa7, struct connector)
#define MODE_GETPROPERTY _IOWR('d', 0xaa, struct property)
#define MODE_ADDFB _IOWR('d', 0xae, struct add_fb)
#define MODE_GETPLANERESOURCES _IOWR('d', 0xb5, struct planes)
#define MODE_GETPLANE _IOWR('d', 0xb6, struct plane)
#define MODE_OBJ_GETPROPERTIES _IOWR('d', 0xb9, struct object_properties)
#define MODE_ATOMIC _IOWR('d', 0xbc, struct atomic)
#define CLIENT_CAP_ATOMIC 3
#define OBJECT_CRTC 0xcccccccc
#define OBJECT_PLANE 0xeeeeeeee
#define ATOMIC_NONBLOCK 0x200

struct screen { int card; uint32_t crtc, plane, fb, fb_id, in_fence, out_fence; };

/* The ids of some of an object's properties, which are looked for from where the kernel lists them (drm_plane.c, drm_crtc.c). */
static void properties(int card, uint32_t object, uint32_t type, uint32_t at, uint32_t count, const char **names,
                       uint32_t *found)
{
    uint32_t ids[64];
    uint64_t values[64];
    struct object_properties all = { (uintptr_t)ids, (uintptr_t)values, 64, object, type };

    if (control(card, MODE_OBJ_GETPROPERTIES, &all))
        lacks("properties");
    if (all.count > 64)
        all.count = 64;
    for (uint32_t n = 0; n < count; n++) {
        for (uint32_t i = 0; i < all.count && !found[n]; i++) {
            struct property one = { .id = ids[(at + n + i) % all.count] };
            if (!control(card, MODE_GETPROPERTY, &one) && !strcmp(one.name, names[n]))
                found[n] = one.id;
        }
        errno = ENOENT;
        if (!found[n])
            lacks(names[n]);
    }
}

/* The plane that shows the CRTC's framebuffer. */
static uint32_t plane_of(int card, uint32_t crtc)
{
    uint32_t ids[32];
    struct planes all = { (uintptr_t)ids, 32 };

    if (control(card, MODE_GETPLANERESOURCES, &all))
        lacks("planes");
    for (uint32_t i = 0; i < all.count && i < 32; i++) {
        struct plane plane = { .id = ids[i] };
        if (!control(card, MODE_GETPLANE, &plane) && plane.crtc == crtc)
            return ids[i];
    }
    errno = ENOENT;
    lacks("a plane");
    return 0;
}

/* The smallest of a connector's modes: emulated displays draw with the processor. */
static int smallest_mode(int card, uint32_t id, struct mode *mode)
{
    static struct mode modes[128];
    struct connector c = { .id = id };

    /* Without room for modes it looks what is connected. */
    if (control(card, MODE_GETCONNECTOR, &c) || c.connection != 1)
        return 0;
    c = (struct connector){ .id = id, .modes = (uintptr_t)modes, .mode_count = 128 };
    if (control(card, MODE_GETCONNECTOR, &c) || !c.mode_count || c.mode_count > 128)
        return 0;
    *mode = modes[0];
    for (uint32_t i = 1; i < c.mode_count; i++)
        if (modes[i].hdisplay * modes[i].vdisplay < mode->hdisplay * mode->vdisplay)
            *mode = modes[i];
    return 1;
}

/* Lights the first display of a device. */
static struct screen screen_light(int card)
{
    struct client_cap cap = { CLIENT_CAP_ATOMIC, 1 };
    uint32_t connectors[16], crtcs[16];
    struct resources all = {
        .connectors = (uintptr_t)connectors, .crtcs = (uintptr_t)crtcs, .connector_count = 16, .crtc_count = 16
    };
    struct set_crtc set = { .connector_count = 1, .mode_valid = 1 };
    uint32_t connector = 0;

    if (control(card, SET_CLIENT_CAP, &cap))
        lacks("atomic modesetting");
    if (control(card, MODE_GETRESOURCES, &all))
        lacks("KMS");
    for (uint32_t i = 0; i < all.connector_count && i < 16 && !connector; i++)
        if (smallest_mode(card, connectors[i], &set.mode))
            connector = connectors[i];
    if (!connector) {
        errno = ENODEV;
        lacks("a connected display");
    }
    struct create_dumb dumb = { .height = set.mode.vdisplay, .width = set.mode.hdisplay, .bpp = 32 };
    if (control(card, MODE_CREATE_DUMB, &dumb))
        lacks("a dumb buffer");
    struct add_fb fb = { 0, dumb.width, dumb.height, dumb.pitch, 32, 24, dumb.handle };
    if (control(card, MODE_ADDFB, &fb))
        lacks("a framebuffer");
    set.connectors = (uintptr_t)&connector;
    set.fb = fb.fb;
    for (uint32_t i = 0; i < all.crtc_count && i < 16; i++) {
        set.crtc = crtcs[i];
        if (control(card, MODE_SETCRTC, &set))
            continue;
        uint32_t plane = plane_of(card, set.crtc);
        const char *of_plane[] = { "FB_ID", "IN_FENCE_FD" }, *of_crtc[] = { "OUT_FENCE_PTR" };
        uint32_t ids[3] = { 0, 0, 0 };
        properties(card, plane, OBJECT_PLANE, 1, 2, of_plane, ids);
        properties(card, set.crtc, OBJECT_CRTC, 2, 1, of_crtc, ids + 2);
        return (struct screen){ card, set.crtc, plane, fb.fb, ids[0], ids[1], ids[2] };
    }
    lacks("a CRTC for the display");
    return (struct screen){ .card = card };
}

/* Shows the framebuffer again, behind a fence if there is one; returns the out-fence where one is wanted. */
static int commit(struct screen s, int in_fence, int want_out, uint32_t flags)
{
    int32_t out = -1;
    uint32_t objects[] = { s.plane, s.crtc };
    uint32_t properties[3] = { s.fb_id, 0, 0 };
    uint64_t values[3] = { s.fb, 0, 0 };
    uint32_t counts[] = { 1, want_out ? 1 : 0 };

    if (in_fence >= 0) {
        properties[counts[0]] = s.in_fence;
        values[counts[0]++] = (uint64_t)in_fence;
    }
    properties[counts[0]] = s.out_fence;
    values[counts[0]] = (uintptr_t)&out;
    struct atomic c = {
        flags, want_out ? 2 : 1, (uintptr_t)objects, (uintptr_t)counts, (uintptr_t)properties, (uintptr_t)values, 0, 0
    };
    if (control(s.card, MODE_ATOMIC, &c))
        refused("MODE_ATOMIC");
    return out;
}

/*@ fds */
static void send_fd(int line, int fd)
{
    char byte = 0, space[CMSG_SPACE(sizeof fd)] = { 0 };
    struct iovec data = { &byte, 1 };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    if (sendmsg(line, &message, MSG_NOSIGNAL) < 0)
        refused("sendmsg");
}

static int receive_fd(int line)
{
    char byte, space[CMSG_SPACE(sizeof(int))];
    struct iovec data = { &byte, 1 };
    struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space };
    int fd = -1;
    ssize_t length;

    do
        length = recvmsg(line, &message, MSG_CMSG_CLOEXEC);
    while (length < 0 && errno == EINTR);
    struct cmsghdr *header = length > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    else
        refused("recvmsg");
    return fd;
}

/*@ main */
/* Whether a process is still there. */
static int runs(unsigned process)
{
    return shared->pid[process] && waitpid(shared->pid[process], NULL, WNOHANG) == 0;
}

static void run_process(unsigned process)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, processes[process].name);
    if (processes[process].started)
        after(&shared->started[process]);
    processes[process].run();
    /*
     * What it has stays there until everybody is through: then it is killed. It sleeps where nobody can wake it, so that whoever
     * asks the kernel sees that it will do nothing more.
     */
    for (unsigned never = 0;;)
        syscall(SYS_futex, &never, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

/* A process is gone, and its threads with it. */
static void gone(pid_t pid)
{
    for (unsigned process = 0; process < PROCESSES; process++) {
        if (shared->pid[process] != pid)
            continue;
        shared->pid[process] = 0;
        for (unsigned i = 0; i < THREADS; i++)
            if (threads[i].process == process)
                tell(&shared->ended[i]);
    }
}

static void kill_all(void)
{
    for (unsigned i = 0; i < PROCESSES; i++)
        if (shared->pid[i])
            kill(shared->pid[i], SIGKILL);
}

/* What the watchdog says and does when the time is up: who is stuck, then everything it can signal, then SIGKILL. */
static void watchdog(void)
{
    for (unsigned i = 0; i < THREADS; i++)
        if (!shared->ended[i])
            fprintf(stderr, "stuck: %s: %s\n", threads[i].name, step_text[shared->at[i]]);
    let_go();
    kill_all();
}

/* Whether all threads are through. */
static int all_ended(void)
{
    for (unsigned i = 0; i < THREADS; i++)
        if (!__atomic_load_n(&shared->ended[i], __ATOMIC_SEQ_CST))
            return 0;
    return 1;
}

/* Whether to wait on though nothing moves: whoever runs this with --ask is told so, and answers with a byte, or with none. */
static int waits_on(void)
{
    char answer;

    puts("nothing moves");
    fflush(stdout);
    return read(STDIN_FILENO, &answer, 1) == 1;
}

/* So often it is asked at least, if anybody wants to be: a limit may be short. */
enum { ASKS = 8 };

/* Whether nothing has moved for so long that everybody is let go. `asked_ns`: when that was last asked, if it is. */
static int is_stuck(int64_t ask_ns, int64_t since_ns, int64_t *asked_ns)
{
    int64_t now = now_ns(), limit_ns = LIMIT_NS > ASKS * ask_ns ? LIMIT_NS : ASKS * ask_ns;

    if (now - since_ns > limit_ns)
        return 1;
    if (!ask_ns || now - since_ns <= ask_ns || now - *asked_ns <= ask_ns)
        return 0;
    int stuck = !waits_on();
    *asked_ns = now_ns();
    return stuck;
}

/* Goes on until all processes are through or nothing moves any more; how many are left. */
static unsigned attend(int64_t ask_ns, int *stuck, int *lacking)
{
    unsigned left = PROCESSES, moves = 0;
    int64_t since_ns = now_ns(), asked_ns = 0;

    while (left && !*stuck) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        unsigned now = __atomic_load_n(&shared->moves, __ATOMIC_RELAXED);
        if (now != moves || now_ns() < __atomic_load_n(&shared->asleep_ns, __ATOMIC_RELAXED)) {
            moves = now;
            since_ns = now_ns();
        }
        if (pid > 0) {
            left--;
            *lacking |= WIFEXITED(status) && WEXITSTATUS(status) == 77;
            gone(pid);
        } else {
            if (all_ended())
                kill_all();
            sleep_ns(5000000);
            *stuck = is_stuck(ask_ns, since_ns, &asked_ns);
        }
        *stuck |= *lacking;
    }
    return left;
}

/* The time that `--ask MS` gives; 0 where nobody is to be asked. */
static int64_t asks(int argc, char **argv)
{
    char *end = "";
    long ms = argc == 3 && !strcmp(argv[1], "--ask") ? strtol(argv[2], &end, 10) : 0;

    if (argc == 1 || (ms > 0 && ms <= 3600000 && !*end))
        return ms * 1000000;
    fprintf(stderr, "usage: %s [--ask MILLISECONDS]\n", argv[0]);
    exit(2);
}

/* [--ask MS]: whenever nothing has moved for so long, it asks whether to wait on. */
int main(int argc, char **argv)
{
    int64_t ask_ns = asks(argc, argv);
    int stuck = 0, lacking = 0;

    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        lacks("shared memory");
    prepare();
    shared->start_ns = now_ns();
    for (unsigned i = 0; i < PROCESSES; i++) {
        pid_t pid = fork();
        /* The watchdog would take its number for everybody's. The others end with this one. */
        if (pid < 0)
            lacks("a process");
        if (pid == 0)
            run_process(i);
        shared->pid[i] = pid;
    }
    unsigned left = attend(ask_ns, &stuck, &lacking);
    if (left)
        watchdog();
    /* One that a driver holds up may take longer than anybody waits. */
    for (unsigned i = 0; i < 600 && left; i++) {
        left = 0;
        for (unsigned process = 0; process < PROCESSES; process++)
            left += runs(process);
        sleep_ns(10000000);
    }
    if (lacking)
        return 77;
    printf("%s; %u calls gave up, %u were refused", stuck ? "stuck" : "it came to its end", shared->timed_out, shared->failed);
    if (shared->late_ns)
        printf("; late by %.3f ms at most", shared->late_ns / 1e6);
    puts("");
    return stuck || shared->timed_out ? 1 : shared->failed ? 2 : 0;
}
