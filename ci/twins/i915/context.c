// SPDX-License-Identifier: GPL-2.0
/* Contexts. */
#include <linux/capability.h>
#include <linux/dma-fence.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "i915.h"

static struct i915_ctx *twin_ctx_create(void)
{
	struct i915_ctx *ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	int i;

	if (!ctx)
		return NULL;
	kref_init(&ctx->ref);
	ctx->recoverable = true;
	for (i = 0; i < TWIN_ENGINES; i++) {
		mutex_init(&ctx->timeline[i].mutex);
		ctx->timeline[i].context = dma_fence_context_alloc(1);
	}
	return ctx;
}

static void twin_ctx_release(struct kref *ref)
{
	struct i915_ctx *ctx = container_of(ref, struct i915_ctx, ref);
	int i;

	for (i = 0; i < TWIN_ENGINES; i++) {
		dma_fence_put(ctx->timeline[i].last);
		mutex_destroy(&ctx->timeline[i].mutex);
	}
	kfree(ctx);
}

/**
 * twin_ctx_put - drop a reference
 * @ctx: the context, or NULL
 */
void twin_ctx_put(struct i915_ctx *ctx)
{
	if (ctx)
		kref_put(&ctx->ref, twin_ctx_release);
}

/**
 * twin_ctx_get - a context of a file
 * @fpriv: the file
 * @id: of the context
 *
 * Return: the context with a reference, or NULL.
 */
struct i915_ctx *twin_ctx_get(struct i915_fpriv *fpriv, u32 id)
{
	struct i915_ctx *ctx;

	xa_lock(&fpriv->ctxs);
	ctx = xa_load(&fpriv->ctxs, id);
	if (ctx)
		kref_get(&ctx->ref);
	xa_unlock(&fpriv->ctxs);
	return ctx;
}

/**
 * twin_ctx_mark_guilty - a request of a context hung
 * @ctx: the context
 *
 * Called for one hang at a time.
 */
void twin_ctx_mark_guilty(struct i915_ctx *ctx)
{
	atomic_inc(&ctx->active);
	if (!ctx->hangs ||
	    time_after(jiffies, ctx->first_hang + TWIN_BAN_WINDOW)) {
		ctx->hangs = 0;
		ctx->first_hang = jiffies;
	}
	if (++ctx->hangs >= TWIN_BAN_HANGS || !READ_ONCE(ctx->recoverable))
		WRITE_ONCE(ctx->banned, true);
}

/**
 * twin_ctxs_init - the contexts of a new file: the default one
 * @fpriv: the file
 *
 * Return: 0 or -ENOMEM.
 */
int twin_ctxs_init(struct i915_fpriv *fpriv)
{
	struct i915_ctx *ctx = twin_ctx_create();
	int ret;

	if (!ctx)
		return -ENOMEM;
	xa_init_flags(&fpriv->ctxs, XA_FLAGS_ALLOC);
	ret = xa_insert(&fpriv->ctxs, 0, ctx, GFP_KERNEL);
	if (ret)
		twin_ctx_put(ctx);
	return ret;
}

/**
 * twin_ctxs_fini - end of a file
 * @fpriv: the file
 */
void twin_ctxs_fini(struct i915_fpriv *fpriv)
{
	struct i915_ctx *ctx;
	unsigned long id;

	xa_for_each(&fpriv->ctxs, id, ctx)
		twin_ctx_put(ctx);
	xa_destroy(&fpriv->ctxs);
}

TWIN_IOCTL(twin_context_create_ioctl)
{
	struct drm_i915_gem_context_create_ext *args = data;
	struct i915_fpriv *fpriv = filp->driver_priv;
	struct i915_ctx *ctx;
	u32 id;
	int ret;

	if (args->flags & I915_CONTEXT_CREATE_FLAGS_UNKNOWN)
		return -EINVAL;
	/* The twin knows no extension: engines and VMs are as they are. */
	if (args->flags & I915_CONTEXT_CREATE_FLAGS_USE_EXTENSIONS &&
	    args->extensions)
		return -EINVAL;
	ctx = twin_ctx_create();
	if (!ctx)
		return -ENOMEM;
	ret = xa_alloc(&fpriv->ctxs, &id, ctx, XA_LIMIT(1, INT_MAX),
		       GFP_KERNEL);
	if (ret) {
		twin_ctx_put(ctx);
		return ret;
	}
	args->ctx_id = id;
	return 0;
}

TWIN_IOCTL(twin_context_destroy_ioctl)
{
	struct drm_i915_gem_context_destroy *args = data;
	struct i915_fpriv *fpriv = filp->driver_priv;
	struct i915_ctx *ctx;

	if (args->pad)
		return -EINVAL;
	if (!args->ctx_id)
		return -ENOENT;
	ctx = xa_erase(&fpriv->ctxs, args->ctx_id);
	if (!ctx)
		return -ENOENT;
	twin_ctx_put(ctx);
	return 0;
}

static int twin_get_param(struct i915_ctx *ctx,
			  struct drm_i915_gem_context_param *args)
{
	args->size = 0;
	switch (args->param) {
	case I915_CONTEXT_PARAM_GTT_SIZE:
		args->value = 1ULL << 48;
		return 0;
	case I915_CONTEXT_PARAM_NO_ERROR_CAPTURE:
	case I915_CONTEXT_PARAM_PRIORITY:
		args->value = 0;
		return 0;
	case I915_CONTEXT_PARAM_BANNABLE:
	case I915_CONTEXT_PARAM_PERSISTENCE:
		args->value = 1;
		return 0;
	case I915_CONTEXT_PARAM_RECOVERABLE:
		args->value = READ_ONCE(ctx->recoverable);
		return 0;
	default:
		return -EINVAL;
	}
}

static int twin_set_param(struct i915_ctx *ctx,
			  struct drm_i915_gem_context_param *args)
{
	switch (args->param) {
	case I915_CONTEXT_PARAM_RECOVERABLE:
		if (args->size)
			return -EINVAL;
		WRITE_ONCE(ctx->recoverable, args->value);
		return 0;
	default:
		return -EINVAL;
	}
}

TWIN_IOCTL(twin_context_getparam_ioctl)
{
	struct drm_i915_gem_context_param *args = data;
	struct i915_ctx *ctx = twin_ctx_get(filp->driver_priv, args->ctx_id);
	int ret;

	if (!ctx)
		return -ENOENT;
	ret = twin_get_param(ctx, args);
	twin_ctx_put(ctx);
	return ret;
}

TWIN_IOCTL(twin_context_setparam_ioctl)
{
	struct drm_i915_gem_context_param *args = data;
	struct i915_ctx *ctx = twin_ctx_get(filp->driver_priv, args->ctx_id);
	int ret;

	if (!ctx)
		return -ENOENT;
	ret = twin_set_param(ctx, args);
	twin_ctx_put(ctx);
	return ret;
}

TWIN_IOCTL(twin_reset_stats_ioctl)
{
	struct drm_i915_reset_stats *args = data;
	struct i915_ctx *ctx;

	if (args->flags || args->pad)
		return -EINVAL;
	ctx = twin_ctx_get(filp->driver_priv, args->ctx_id);
	if (!ctx)
		return -ENOENT;
	args->reset_count = capable(CAP_SYS_ADMIN) ?
			    atomic_read(&to_i915(drm)->reset_count) : 0;
	args->batch_active = atomic_read(&ctx->active);
	args->batch_pending = atomic_read(&ctx->pending);
	twin_ctx_put(ctx);
	return 0;
}
