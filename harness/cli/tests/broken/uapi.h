/*
 * What wrong.c needs of the kernel's include/uapi: drm/drm.h and drm_mode.h,
 * linux/dma-buf.h and sync_file.h, and of drivers/dma-buf/sw_sync.c. Requests
 * by letter and number alone, as a struct may have grown.
 */
#include <stdint.h>
#include <sys/ioctl.h>

#define KEY(letter, nr) ((letter) << 8 | (nr))

enum {
	PRIME_HANDLE_TO_FD = KEY('d', 0x2d),
	PRIME_FD_TO_HANDLE = KEY('d', 0x2e),
	AMDGPU_GEM_USERPTR = KEY('d', 0x51),
	I915_GEM_USERPTR = KEY('d', 0x73),
	MODE_GETPROPERTY = KEY('d', 0xaa),
	MODE_ATOMIC = KEY('d', 0xbc),
	SYNCOBJ_HANDLE_TO_FD = KEY('d', 0xc1),
	SYNCOBJ_FD_TO_HANDLE = KEY('d', 0xc2),
	SYNCOBJ_WAIT = KEY('d', 0xc3),
	SYNCOBJ_TIMELINE_WAIT = KEY('d', 0xca),
	SYNCOBJ_QUERY = KEY('d', 0xcb),
	SYNCOBJ_TRANSFER = KEY('d', 0xcc),
	SYNCOBJ_EVENTFD = KEY('d', 0xcf),
	DMA_BUF_SYNC = KEY('b', 0),
	DMA_BUF_IMPORT_SYNC_FILE = KEY('b', 3),
	SYNC_FILE_INFO = KEY('>', 4),
	SYNC_SET_DEADLINE = KEY('>', 5),
	SW_SYNC_CREATE_FENCE = KEY('W', 0),
};

struct sw_sync_create_fence_data { uint32_t value; char name[32]; int32_t fence; };

/* struct drm_amdgpu_gem_userptr and drm_i915_gem_userptr begin so. */
struct userptr { uint64_t addr, size; };

struct sync_fence_info {
	char obj_name[32], driver_name[32];
	int32_t status;
	uint32_t flags;
	uint64_t timestamp_ns;
};

struct sync_file_info {
	char name[32];
	int32_t status;
	uint32_t flags, num_fences, pad;
	uint64_t sync_fence_info;
};

#define DMA_BUF_SYNC_RW 3
struct dma_buf_import_sync_file { uint32_t flags; int32_t fd; };

struct drm_syncobj_handle { uint32_t handle, flags; int32_t fd; uint32_t pad; uint64_t point; };
#define DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE 1
#define DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE 1

struct drm_syncobj_timeline_array { uint64_t handles, points; uint32_t count_handles, flags; };

struct drm_prime_handle { uint32_t handle, flags; int32_t fd; };

struct drm_mode_get_property {
	uint64_t values_ptr, enum_blob_ptr;
	uint32_t prop_id, flags;
	char name[32];
	uint32_t count_values, count_enum_blobs;
};

/* struct drm_syncobj_transfer. */
struct drm_syncobj_transfer { uint32_t src_handle, dst_handle; uint64_t src_point, dst_point; uint32_t flags, pad; };

#define DRM_MODE_ATOMIC_TEST_ONLY 0x0100
struct drm_mode_atomic {
	uint32_t flags, count_objs;
	uint64_t objs_ptr, count_props_ptr, props_ptr, prop_values_ptr, reserved, user_data;
};
