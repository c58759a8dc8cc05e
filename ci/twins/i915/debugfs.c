// SPDX-License-Identifier: GPL-2.0
/* Commands in debugfs: those of the real driver, and the twin's own. */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <drm/drm_file.h>

#include "i915.h"

/* The mask of engines to declare hung; the twin is never wedged for good. */
static int twin_wedged_set(void *data, u64 value)
{
	twin_i915_reset(data, value);
	return 0;
}

static int twin_wedged_get(void *data, u64 *value)
{
	*value = 0;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(twin_wedged_fops, twin_wedged_get, twin_wedged_set,
			 "%llu\n");

/* "modeset" is for the twin that has a display; here it is the same. */
static ssize_t twin_reset_write(struct file *file, const char __user *buf,
				size_t size, loff_t *pos)
{
	char text[16] = {};

	if (size >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, size))
		return -EFAULT;
	if (!sysfs_streq(text, "1") && !sysfs_streq(text, "modeset"))
		return -EINVAL;
	twin_i915_reset(file->private_data, ~0U);
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
	struct i915_twin *i915 = data;

	return value == 1 ? twin_bo_evict_all(&i915->base) : -EINVAL;
}
DEFINE_DEBUGFS_ATTRIBUTE(twin_evict_fops, NULL, twin_evict_set, "%llu\n");

static int twin_timeout_get(void *data, u64 *value)
{
	*value = twin_i915_timeout_ms;
	return 0;
}

static int twin_timeout_set(void *data, u64 value)
{
	if (!value || value > 60 * MSEC_PER_SEC)
		return -EINVAL;
	WRITE_ONCE(twin_i915_timeout_ms, value);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(twin_timeout_fops, twin_timeout_get,
			 twin_timeout_set, "%llu\n");

/**
 * twin_i915_debugfs - &drm_driver.debugfs_init
 * @minor: of the device
 */
void twin_i915_debugfs(struct drm_minor *minor)
{
	debugfs_create_file("i915_wedged", 0644, minor->debugfs_root,
			    to_i915(minor->dev), &twin_wedged_fops);
}

/**
 * twin_i915_debugfs_init - the twin's own commands
 * @i915: the device, complete
 */
void twin_i915_debugfs_init(struct i915_twin *i915)
{
	struct dentry *dir = twin_debugfs_dir(TWIN_I915);

	debugfs_create_file("reset", 0200, dir, i915, &twin_reset_fops);
	debugfs_create_file("evict", 0200, dir, i915, &twin_evict_fops);
	debugfs_create_file("job_timeout_ms", 0644, dir, i915,
			    &twin_timeout_fops);
}

/**
 * twin_i915_debugfs_exit - their end; waits for those that run
 */
void twin_i915_debugfs_exit(void)
{
	struct dentry *dir = twin_debugfs_dir(TWIN_I915);

	debugfs_lookup_and_remove("reset", dir);
	debugfs_lookup_and_remove("evict", dir);
	debugfs_lookup_and_remove("job_timeout_ms", dir);
}
