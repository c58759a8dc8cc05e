// SPDX-License-Identifier: GPL-2.0
/* What user space asks the device about: enough for libdrm_amdgpu. */
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <drm/drm_mode_object.h>

#include "amdgpu.h"

/* Each of the two heaps; see core/pages.c for what there is in all. */
#define TWIN_HEAP_SIZE	((u64)SZ_128M)
/* GB_ADDR_CONFIG, the one register that libdrm reads on this family. */
#define TWIN_GB_ADDR_CONFIG		0x263e
#define TWIN_GB_ADDR_CONFIG_VALUE	0x24000042

static int twin_reply(struct drm_amdgpu_info *info, const void *answer,
		      size_t size)
{
	void __user *out = u64_to_user_ptr(info->return_pointer);

	size = min_t(size_t, size, info->return_size);
	return copy_to_user(out, answer, size) ? -EFAULT : 0;
}

static int twin_reply32(struct drm_amdgpu_info *info, u32 answer)
{
	return twin_reply(info, &answer, sizeof(answer));
}

static int twin_reply64(struct drm_amdgpu_info *info, u64 answer)
{
	return twin_reply(info, &answer, sizeof(answer));
}

static int twin_info_device(struct amdgpu_twin *adev,
			    struct drm_amdgpu_info *info)
{
	struct drm_amdgpu_info_device *dev;
	int ret;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;
	dev->device_id = adev->base.pdev->device;
	dev->external_rev = 0x91;
	dev->family = AMDGPU_FAMILY_RV;
	dev->num_shader_engines = 1;
	dev->num_shader_arrays_per_engine = 1;
	dev->gpu_counter_freq = NSEC_PER_SEC / 1000;
	dev->max_engine_clock = 1000000;
	dev->max_memory_clock = 1000000;
	dev->cu_active_number = 1;
	dev->cu_bitmap[0][0] = 1;
	dev->enabled_rb_pipes_mask = 1;
	dev->num_rb_pipes = 1;
	dev->num_hw_gfx_contexts = 8;
	dev->pcie_gen = 1;
	dev->pcie_num_lanes = 1;
	dev->ids_flags = AMDGPU_IDS_FLAGS_FUSION;
	dev->virtual_address_offset = TWIN_VA_BOTTOM;
	dev->virtual_address_max = TWIN_VA_HOLE;
	dev->high_va_offset = TWIN_VA_HOLE_END;
	dev->high_va_max = TWIN_VA_HOLE_END | TWIN_VA_TOP;
	dev->virtual_address_alignment = PAGE_SIZE;
	dev->pte_fragment_size = SZ_2M;
	dev->gart_page_size = PAGE_SIZE;
	dev->vram_type = AMDGPU_VRAM_TYPE_DDR4;
	dev->vram_bit_width = 64;
	dev->wave_front_size = 64;
	dev->num_shader_visible_vgprs = 256;
	dev->num_cu_per_sh = 1;
	dev->num_tcc_blocks = 1;
	ret = twin_reply(info, dev, sizeof(*dev));
	kfree(dev);
	return ret;
}

static u32 twin_rings_of(u32 ip)
{
	switch (ip) {
	case AMDGPU_HW_IP_GFX:
		return 1;
	case AMDGPU_HW_IP_COMPUTE:
	case AMDGPU_HW_IP_DMA:
		return 2;
	default:
		return 0;
	}
}

static int twin_info_hw_ip(struct drm_amdgpu_info *info)
{
	u32 ip = info->query_hw_ip.type;
	struct drm_amdgpu_info_hw_ip answer = {
		.hw_ip_version_major = ip == AMDGPU_HW_IP_DMA ? 4 : 9,
		.ib_start_alignment = 32,
		.ib_size_alignment = 32,
		.available_rings = BIT(twin_rings_of(ip)) - 1,
	};

	if (info->query_hw_ip.ip_instance >= AMDGPU_HW_IP_INSTANCE_MAX_COUNT ||
	    ip >= AMDGPU_HW_IP_NUM)
		return -EINVAL;
	if (!twin_rings_of(ip))
		memset(&answer, 0, sizeof(answer));
	return twin_reply(info, &answer, sizeof(answer));
}

static int twin_info_hw_ip_count(struct drm_amdgpu_info *info)
{
	u32 rings = twin_rings_of(info->query_hw_ip.type);

	if (!rings)
		return -EINVAL;
	return twin_reply32(info, info->query_hw_ip.type == AMDGPU_HW_IP_DMA ?
				  rings : 1);
}

static int twin_info_crtc(struct drm_device *drm, struct drm_amdgpu_info *info)
{
	struct drm_crtc *crtc;

	drm_for_each_crtc(crtc, drm)
		if (crtc->base.id == info->mode_crtc.id)
			return twin_reply32(info, drm_crtc_index(crtc));
	return -EINVAL;
}

static int twin_info_memory(struct drm_amdgpu_info *info)
{
	struct drm_amdgpu_heap_info heap = {
		.total_heap_size = TWIN_HEAP_SIZE,
		.usable_heap_size = TWIN_HEAP_SIZE,
		.max_allocation = TWIN_HEAP_SIZE * 3 / 4,
	};
	struct drm_amdgpu_memory_info answer = {
		.vram = heap,
		.cpu_accessible_vram = heap,
		.gtt = heap,
	};

	return twin_reply(info, &answer, sizeof(answer));
}

static int twin_info_vram_gtt(struct drm_amdgpu_info *info)
{
	struct drm_amdgpu_info_vram_gtt answer = {
		.vram_size = TWIN_HEAP_SIZE,
		.vram_cpu_accessible_size = TWIN_HEAP_SIZE,
		.gtt_size = TWIN_HEAP_SIZE,
	};

	return twin_reply(info, &answer, sizeof(answer));
}

static int twin_info_register(struct drm_amdgpu_info *info)
{
	if (info->read_mmr_reg.count > 128)
		return -EINVAL;
	if (info->read_mmr_reg.dword_offset != TWIN_GB_ADDR_CONFIG ||
	    info->read_mmr_reg.count != 1)
		return -EFAULT;
	return twin_reply32(info, TWIN_GB_ADDR_CONFIG_VALUE);
}

static int twin_info_firmware(struct drm_amdgpu_info *info)
{
	struct drm_amdgpu_info_firmware answer = { .ver = 1, .feature = 1 };

	if (info->query_fw.ip_instance ||
	    info->query_fw.fw_type < AMDGPU_INFO_FW_VCE ||
	    info->query_fw.fw_type > AMDGPU_INFO_FW_VPE)
		return -EINVAL;
	return twin_reply(info, &answer, sizeof(answer));
}

static int twin_info_max_ibs(struct drm_amdgpu_info *info)
{
	u32 answer[AMDGPU_HW_IP_NUM] = {};
	int ip;

	for (ip = 0; ip < AMDGPU_HW_IP_NUM; ip++)
		if (twin_rings_of(ip))
			answer[ip] = TWIN_JOB_IBS;
	return twin_reply(info, answer, sizeof(answer));
}

TWIN_IOCTL(twin_info_ioctl)
{
	struct drm_amdgpu_info_gds gds = {};
	struct drm_amdgpu_info *info = data;

	if (!info->return_size || !info->return_pointer)
		return -EINVAL;

	switch (info->query) {
	case AMDGPU_INFO_ACCEL_WORKING:
		return twin_reply32(info, 1);
	case AMDGPU_INFO_CRTC_FROM_ID:
		return twin_info_crtc(drm, info);
	case AMDGPU_INFO_HW_IP_INFO:
		return twin_info_hw_ip(info);
	case AMDGPU_INFO_HW_IP_COUNT:
		return twin_info_hw_ip_count(info);
	case AMDGPU_INFO_TIMESTAMP:
		return twin_reply64(info, ktime_get_ns());
	case AMDGPU_INFO_FW_VERSION:
		return twin_info_firmware(info);
	case AMDGPU_INFO_NUM_BYTES_MOVED:
	case AMDGPU_INFO_NUM_EVICTIONS:
	case AMDGPU_INFO_NUM_VRAM_CPU_PAGE_FAULTS:
	case AMDGPU_INFO_VRAM_USAGE:
	case AMDGPU_INFO_VIS_VRAM_USAGE:
	case AMDGPU_INFO_GTT_USAGE:
		return twin_reply64(info, 0);
	case AMDGPU_INFO_VRAM_LOST_COUNTER:
		return twin_reply32(info, 0);
	case AMDGPU_INFO_RAS_ENABLED_FEATURES:
		return twin_reply64(info, 0);
	case AMDGPU_INFO_GDS_CONFIG:
		return twin_reply(info, &gds, sizeof(gds));
	case AMDGPU_INFO_VRAM_GTT:
		return twin_info_vram_gtt(info);
	case AMDGPU_INFO_MEMORY:
		return twin_info_memory(info);
	case AMDGPU_INFO_READ_MMR_REG:
		return twin_info_register(info);
	case AMDGPU_INFO_DEV_INFO:
		return twin_info_device(to_amdgpu(drm), info);
	case AMDGPU_INFO_MAX_IBS:
		return twin_info_max_ibs(info);
	default:
		return -EINVAL;
	}
}
