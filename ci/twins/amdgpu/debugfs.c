// SPDX-License-Identifier: GPL-2.0
/* Commands in debugfs: those of the real driver, and the twin's own. */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>

#include "amdgpu.h"

/* Reading resets, as in the real driver. */
static int twin_gpu_recover_get(void *data, u64 *value)
{
	struct amdgpu_twin *adev = data;

	twin_reset_request(adev, false);
	*value = atomic_read(&adev->reset_counter);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(twin_gpu_recover_fops, twin_gpu_recover_get, NULL,
			 "%lld\n");

static ssize_t twin_reset_write(struct file *file, const char __user *buf,
				size_t size, loff_t *pos)
{
	struct amdgpu_twin *adev = file->private_data;
	char text[16] = {};

	if (size >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, size))
		return -EFAULT;
	if (sysfs_streq(text, "1"))
		twin_reset_request(adev, false);
	else if (sysfs_streq(text, "modeset"))
		twin_reset_request(adev, true);
	else
		return -EINVAL;
	return size;
}

static const struct file_operations twin_reset_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = twin_reset_write,
	.llseek = noop_llseek,
};

static int twin_evict_set(void *data, u64 value)
{
	struct amdgpu_twin *adev = data;

	return value == 1 ? twin_bo_evict_all(&adev->base) : -EINVAL;
}
DEFINE_DEBUGFS_ATTRIBUTE(twin_evict_fops, NULL, twin_evict_set, "%llu\n");

static int twin_timeout_get(void *data, u64 *value)
{
	*value = twin_amdgpu_timeout_ms;
	return 0;
}

static int twin_timeout_set(void *data, u64 value)
{
	if (!value || value > 60 * MSEC_PER_SEC)
		return -EINVAL;
	twin_amdgpu_timeout_ms = value;
	twin_amdgpu_set_timeout(data, value);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(twin_timeout_fops, twin_timeout_get,
			 twin_timeout_set, "%llu\n");

/**
 * twin_amdgpu_debugfs - &drm_driver.debugfs_init
 * @minor: of the device
 */
void twin_amdgpu_debugfs(struct drm_minor *minor)
{
	debugfs_create_file("amdgpu_gpu_recover", 0444, minor->debugfs_root,
			    to_amdgpu(minor->dev), &twin_gpu_recover_fops);
}

/**
 * twin_amdgpu_debugfs_init - the twin's own commands
 * @adev: the device, complete
 */
void twin_amdgpu_debugfs_init(struct amdgpu_twin *adev)
{
	struct dentry *dir = twin_debugfs_dir(TWIN_AMDGPU);

	debugfs_create_file("reset", 0200, dir, adev, &twin_reset_fops);
	debugfs_create_file("evict", 0200, dir, adev, &twin_evict_fops);
	debugfs_create_file("job_timeout_ms", 0644, dir, adev,
			    &twin_timeout_fops);
}

/**
 * twin_amdgpu_debugfs_exit - their end; waits for those that run
 */
void twin_amdgpu_debugfs_exit(void)
{
	struct dentry *dir = twin_debugfs_dir(TWIN_AMDGPU);

	debugfs_lookup_and_remove("reset", dir);
	debugfs_lookup_and_remove("evict", dir);
	debugfs_lookup_and_remove("job_timeout_ms", dir);
}
