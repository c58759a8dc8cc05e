// SPDX-License-Identifier: GPL-2.0
/* A twin's own commands in debugfs, while its device is there. */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "bo.h"
#include "control.h"

/* "modeset" is for the twin that has a display; to the other it is the same. */
static ssize_t twin_reset_write(struct file *file, const char __user *buf,
				size_t size, loff_t *pos)
{
	struct twin_device *twin = file->private_data;
	char text[16] = {};

	if (size >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, size))
		return -EFAULT;
	if (sysfs_streq(text, "1"))
		twin->ops->reset(twin, false);
	else if (sysfs_streq(text, "modeset"))
		twin->ops->reset(twin, true);
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
	return value == 1 ? twin_bo_evict_all(data) : -EINVAL;
}
DEFINE_DEBUGFS_ATTRIBUTE(twin_evict_fops, NULL, twin_evict_set, "%llu\n");

static int twin_timeout_get(void *data, u64 *value)
{
	struct twin_device *twin = data;

	*value = twin->ops->get_timeout(twin);
	return 0;
}

static int twin_timeout_set(void *data, u64 value)
{
	struct twin_device *twin = data;

	if (!value || value > 60 * MSEC_PER_SEC)
		return -EINVAL;
	twin->ops->set_timeout(twin, value);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(twin_timeout_fops, twin_timeout_get,
			 twin_timeout_set, "%llu\n");

/**
 * twin_control_init - the commands of a device
 * @twin: the device, complete
 */
void twin_control_init(struct twin_device *twin)
{
	struct dentry *dir = twin_debugfs_dir(twin->slot);

	debugfs_create_file("reset", 0200, dir, twin, &twin_reset_fops);
	debugfs_create_file("evict", 0200, dir, twin, &twin_evict_fops);
	debugfs_create_file("job_timeout_ms", 0644, dir, twin,
			    &twin_timeout_fops);
}

/**
 * twin_control_exit - their end; waits for those that run
 * @twin: the device
 */
void twin_control_exit(struct twin_device *twin)
{
	struct dentry *dir = twin_debugfs_dir(twin->slot);

	debugfs_lookup_and_remove("reset", dir);
	debugfs_lookup_and_remove("evict", dir);
	debugfs_lookup_and_remove("job_timeout_ms", dir);
}
