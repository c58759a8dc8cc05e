// SPDX-License-Identifier: GPL-2.0
/* The buffers of a submission: handles, addresses, pages. */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>

#include "exec.h"

#define TWIN_ADDRESSES		BIT_ULL(48)
/* Where addresses begin that the driver chooses; 0 stays free. */
#define TWIN_FIRST_ADDRESS	0x100000ULL

static int eb_check_entry(struct drm_i915_gem_exec_object2 *entry)
{
	/* No relocations: addresses are pinned, as on later hardware. */
	if (entry->relocation_count)
		return -EINVAL;
	if (entry->flags & __EXEC_OBJECT_UNKNOWN_FLAGS)
		return -EINVAL;
	if (entry->alignment && !is_power_of_2(entry->alignment))
		return -EINVAL;
	if (entry->flags & EXEC_OBJECT_PINNED && entry->offset & ~PAGE_MASK)
		return -EINVAL;
	if (entry->flags & EXEC_OBJECT_PAD_TO_SIZE &&
	    entry->pad_to_size & ~PAGE_MASK)
		return -EINVAL;
	return 0;
}

static int eb_compare_bos(const void *a, const void *b)
{
	struct twin_bo * const *first = a, * const *second = b;

	if (*first == *second)
		return 0;
	return *first < *second ? -1 : 1;
}

/* No buffer may be there twice. */
static int eb_check_twice(struct eb *eb)
{
	unsigned int i, count = eb->num_objects;
	struct twin_bo **bos;
	int ret = 0;

	bos = kvmalloc_array(count, sizeof(*bos), TWIN_GFP_USER);
	if (!bos)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		bos[i] = eb->objects[i].bo;
	sort(bos, count, sizeof(*bos), eb_compare_bos, NULL);
	for (i = 1; i < count && !ret; i++)
		if (bos[i] == bos[i - 1])
			ret = -EINVAL;
	kvfree(bos);
	return ret;
}

static int eb_read_object(struct eb *eb,
			  struct drm_i915_gem_exec_object2 *entry)
{
	struct eb_object *object = &eb->objects[eb->num_objects];
	struct drm_gem_object *obj;
	int ret = eb_check_entry(entry);

	if (ret)
		return ret;
	obj = drm_gem_object_lookup(eb->filp, entry->handle);
	if (!obj)
		return -ENOENT;
	object->bo = to_twin_bo(obj);
	object->start = entry->offset & (TWIN_ADDRESSES - 1) & PAGE_MASK;
	object->flags = entry->flags;
	eb->num_objects++;
	if (!object->bo->userptr)
		return 0;
	if (!twin_userptr_is_mine(object->bo))
		return -EFAULT;
	return twin_user_range_get(&object->range, object->bo);
}

/**
 * eb_read_objects - look the buffers up
 * @eb: the submission
 *
 * Takes the mmap_lock for user memory, so no reservation is held.
 *
 * Return: 0 or a negative errno.
 */
int eb_read_objects(struct eb *eb)
{
	struct drm_i915_gem_exec_object2 __user *user =
		u64_to_user_ptr(eb->args->buffers_ptr);
	struct drm_i915_gem_exec_object2 entry;
	int ret;

	if (array_size(eb->args->buffer_count, sizeof(*eb->objects)) >
	    TWIN_MAX_ARGUMENTS)
		return -ENOMEM;
	eb->objects = kvcalloc(eb->args->buffer_count, sizeof(*eb->objects),
			       TWIN_GFP_USER);
	if (!eb->objects)
		return -ENOMEM;
	while (eb->num_objects < eb->args->buffer_count) {
		if (copy_from_user(&entry, user++, sizeof(entry)))
			return -EFAULT;
		ret = eb_read_object(eb, &entry);
		if (ret)
			return ret;
	}
	return eb_check_twice(eb);
}

/**
 * eb_lock_objects - lock the buffers' reservations
 * @eb: the submission
 *
 * Return: 0 or a negative errno.
 */
int eb_lock_objects(struct eb *eb)
{
	unsigned int i;
	int ret = 0;

	drm_exec_until_all_locked(&eb->exec) {
		/* Also where contention begins this anew. */
		ret = 0;
		for (i = 0; !ret && i < eb->num_objects; i++) {
			struct twin_bo *bo = eb->objects[i].bo;

			ret = drm_exec_prepare_obj(&eb->exec, &bo->base, 2);
			drm_exec_retry_on_contention(&eb->exec);
		}
		if (ret)
			return ret;
	}
	for (i = 0; !ret && i < eb->num_objects; i++)
		ret = twin_bo_validate(eb->objects[i].bo);
	return ret;
}

static int eb_compare_maps(const void *a, const void *b)
{
	const struct twin_map *first = a, *second = b;

	if (first->start == second->start)
		return 0;
	return first->start < second->start ? -1 : 1;
}

/* The addresses that are taken, in order; -EINVAL if two overlap. */
static int eb_sort_maps(struct twin_job *job)
{
	unsigned int i;

	sort(job->maps, job->num_maps, sizeof(*job->maps), eb_compare_maps,
	     NULL);
	for (i = 1; i < job->num_maps; i++)
		if (job->maps[i].start < job->maps[i - 1].end)
			return -EINVAL;
	return 0;
}

static int eb_add_map(struct twin_job *job, struct eb_object *object)
{
	u64 size = object->bo->base.size;
	struct twin_pages *pages = object->range.pages ?: object->bo->pages;

	if (!pages)
		return -EFAULT;
	if (size > TWIN_ADDRESSES || object->start > TWIN_ADDRESSES - size)
		return -EINVAL;
	job->maps[job->num_maps++] = (struct twin_map){
		.start = object->start,
		.end = object->start + size,
		.pages = twin_pages_get(pages),
		.writable = !object->bo->userptr ||
			    !object->bo->userptr->readonly,
	};
	return 0;
}

/* Buffers that are not pinned keep their address, or get one behind all. */
static void eb_place(struct eb *eb)
{
	u64 next = TWIN_FIRST_ADDRESS;
	struct eb_object *object;

	for (object = eb->objects; object < eb->objects + eb->num_objects;
	     object++)
		if (object->flags & EXEC_OBJECT_PINNED)
			next = max(next, object->start +
					 object->bo->base.size);
	for (object = eb->objects; object < eb->objects + eb->num_objects;
	     object++) {
		if (object->flags & EXEC_OBJECT_PINNED)
			continue;
		object->start = next;
		next += object->bo->base.size;
	}
}

/**
 * eb_map_objects - the request's page table
 * @eb: the submission, its reservations locked
 *
 * Return: 0, -EINVAL if addresses overlap or are too high, -ENOMEM.
 */
int eb_map_objects(struct eb *eb)
{
	struct twin_job *job = twin_request_job(eb->rq);
	struct i915_vm *vm = &eb->i915->vm;
	unsigned int i;
	int ret;

	mutex_lock(&vm->mutex);
	ret = twin_job_set_maps(job, eb->num_objects);
	if (!ret)
		eb_place(eb);
	for (i = 0; !ret && i < eb->num_objects; i++)
		ret = eb_add_map(job, &eb->objects[i]);
	if (!ret)
		ret = eb_sort_maps(job);
	mutex_unlock(&vm->mutex);
	return ret ?: twin_job_set_objs(job, eb->exec.objects,
					eb->exec.num_objects);
}

/**
 * eb_write_offsets - tell user space where its buffers are
 * @eb: the submission, no lock held
 *
 * Return: 0 or -EFAULT.
 */
int eb_write_offsets(struct eb *eb)
{
	struct drm_i915_gem_exec_object2 __user *user =
		u64_to_user_ptr(eb->args->buffers_ptr);
	unsigned int i;

	for (i = 0; i < eb->num_objects; i++) {
		if (eb->objects[i].flags & EXEC_OBJECT_PINNED)
			continue;
		if (put_user(eb->objects[i].start, &user[i].offset))
			return -EFAULT;
	}
	return 0;
}

/**
 * eb_user_pages_are_valid - whether user memory is where it was
 * @eb: the submission, with the notifier lock held
 *
 * Return: false if user space has to submit again.
 */
bool eb_user_pages_are_valid(struct eb *eb)
{
	unsigned int i;

	for (i = 0; i < eb->num_objects; i++)
		if (eb->objects[i].range.pages &&
		    !twin_user_range_is_valid(&eb->objects[i].range))
			return false;
	return true;
}

/**
 * eb_free_objects - give the buffers back
 * @eb: the submission
 */
void eb_free_objects(struct eb *eb)
{
	unsigned int i;

	for (i = 0; i < eb->num_objects; i++) {
		twin_user_range_put(&eb->objects[i].range);
		drm_gem_object_put(&eb->objects[i].bo->base);
	}
	kvfree(eb->objects);
}
