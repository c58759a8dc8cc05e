// SPDX-License-Identifier: GPL-2.0
/* Lists of the buffers that a job uses. */
#include <linux/bsearch.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>

#include "bo_list.h"
#include "userptr.h"

/* AMDGPU_BO_LIST_MAX_ENTRIES of the real driver. */
#define TWIN_LIST_MAX	(128 * 1024)

static void twin_bo_list_release(struct kref *ref)
{
	struct twin_bo_list *list = container_of(ref, struct twin_bo_list, ref);
	unsigned int i;

	for (i = 0; i < list->count; i++)
		if (list->bo[i])
			drm_gem_object_put(&list->bo[i]->base);
	kvfree(list);
}

/**
 * twin_bo_list_put - drop a reference
 * @list: the list, or NULL
 */
void twin_bo_list_put(struct twin_bo_list *list)
{
	if (list)
		kref_put(&list->ref, twin_bo_list_release);
}

static int twin_bo_list_set(struct twin_bo_list *list, unsigned int i,
			    struct drm_file *filp, u32 handle)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(filp, handle);

	if (!obj)
		return -ENOENT;
	list->bo[i] = to_twin_bo(obj);
	if (list->bo[i]->userptr && !twin_userptr_is_mine(list->bo[i]))
		return -EPERM;
	return 0;
}

static int twin_bo_compare(const void *a, const void *b)
{
	struct twin_bo * const *first = a, * const *second = b;

	if (*first == *second)
		return 0;
	return *first < *second ? -1 : 1;
}

/**
 * twin_bo_list_find - where a buffer is in a list
 * @list: the list, or NULL
 * @bo: the buffer
 *
 * Return: its index, or -1.
 */
int twin_bo_list_find(struct twin_bo_list *list, struct twin_bo *bo)
{
	struct twin_bo **found;

	if (!list)
		return -1;
	found = bsearch(&bo, list->bo, list->count, sizeof(bo),
			twin_bo_compare);
	return found ? found - list->bo : -1;
}

/**
 * twin_bo_list_create - a list from user space
 * @filp: the file
 * @in: where the list is
 *
 * Return: the list, or an ERR_PTR: -EINVAL if it is too long, -ENOENT for a
 * handle that there is not, -EPERM for another process's memory, -EFAULT,
 * -ENOMEM.
 */
struct twin_bo_list *twin_bo_list_create(struct drm_file *filp,
					 struct drm_amdgpu_bo_list_in *in)
{
	const char __user *user = u64_to_user_ptr(in->bo_info_ptr);
	struct drm_amdgpu_bo_list_entry entry;
	size_t size = min_t(size_t, in->bo_info_size, sizeof(entry));
	struct twin_bo_list *list;
	unsigned int i;
	int ret = 0;

	if (in->bo_number > TWIN_LIST_MAX)
		return ERR_PTR(-EINVAL);
	list = kvzalloc(struct_size(list, bo, in->bo_number), TWIN_GFP_USER);
	if (!list)
		return ERR_PTR(-ENOMEM);
	kref_init(&list->ref);
	list->count = in->bo_number;
	for (i = 0; i < list->count && !ret; i++) {
		memset(&entry, 0, sizeof(entry));
		if (copy_from_user(&entry, user, size))
			ret = -EFAULT;
		else
			ret = twin_bo_list_set(list, i, filp, entry.bo_handle);
		user += in->bo_info_size;
	}
	if (ret) {
		twin_bo_list_put(list);
		return ERR_PTR(ret);
	}
	sort(list->bo, list->count, sizeof(list->bo[0]), twin_bo_compare, NULL);
	return list;
}

/**
 * twin_bo_list_get - a list of a file
 * @fpriv: the file
 * @handle: of the list
 *
 * Return: the list with a reference, or NULL.
 */
struct twin_bo_list *twin_bo_list_get(struct twin_fpriv *fpriv, u32 handle)
{
	struct twin_bo_list *list;

	mutex_lock(&fpriv->list_lock);
	list = idr_find(&fpriv->lists, handle);
	if (list)
		kref_get(&list->ref);
	mutex_unlock(&fpriv->list_lock);
	return list;
}

/**
 * twin_bo_list_fini_all - end of a file
 * @fpriv: the file
 */
void twin_bo_list_fini_all(struct twin_fpriv *fpriv)
{
	struct twin_bo_list *list;
	int id;

	idr_for_each_entry(&fpriv->lists, list, id)
		twin_bo_list_put(list);
	idr_destroy(&fpriv->lists);
}

static int twin_bo_list_add(struct twin_fpriv *fpriv,
			    struct twin_bo_list *list)
{
	int ret;

	mutex_lock(&fpriv->list_lock);
	ret = idr_alloc(&fpriv->lists, list, 1, 0, GFP_KERNEL);
	mutex_unlock(&fpriv->list_lock);
	return ret;
}

static int twin_bo_list_replace(struct twin_fpriv *fpriv,
				struct twin_bo_list *list, u32 handle)
{
	struct twin_bo_list *old;

	mutex_lock(&fpriv->list_lock);
	old = idr_replace(&fpriv->lists, list, handle);
	mutex_unlock(&fpriv->list_lock);
	if (IS_ERR(old))
		return PTR_ERR(old);
	twin_bo_list_put(old);
	return handle;
}

static void twin_bo_list_destroy(struct twin_fpriv *fpriv, u32 handle)
{
	struct twin_bo_list *list;

	mutex_lock(&fpriv->list_lock);
	list = idr_remove(&fpriv->lists, handle);
	mutex_unlock(&fpriv->list_lock);
	twin_bo_list_put(list);
}

TWIN_IOCTL(twin_bo_list_ioctl)
{
	struct twin_fpriv *fpriv = filp->driver_priv;
	union drm_amdgpu_bo_list *args = data;
	struct drm_amdgpu_bo_list_in in = args->in;
	struct twin_bo_list *list;
	int ret;

	if (in.operation > AMDGPU_BO_LIST_OP_UPDATE)
		return -EINVAL;
	if (in.operation == AMDGPU_BO_LIST_OP_DESTROY) {
		twin_bo_list_destroy(fpriv, in.list_handle);
		memset(args, 0, sizeof(*args));
		return 0;
	}
	list = twin_bo_list_create(filp, &in);
	if (IS_ERR(list))
		return PTR_ERR(list);
	if (in.operation == AMDGPU_BO_LIST_OP_CREATE)
		ret = twin_bo_list_add(fpriv, list);
	else
		ret = twin_bo_list_replace(fpriv, list, in.list_handle);
	if (ret < 0) {
		twin_bo_list_put(list);
		return ret;
	}
	memset(args, 0, sizeof(*args));
	args->out.list_handle = ret;
	return 0;
}
