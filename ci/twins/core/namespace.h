/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_NAMESPACE_H_
#define _TWIN_NAMESPACE_H_

#include <linux/module.h>

#include "compat.h"

/* The name became a string in 6.13. */
#if TWIN_IMPORT_NS_STRING
#define TWIN_IMPORT_DMA_BUF	MODULE_IMPORT_NS("DMA_BUF")
#else
#define TWIN_IMPORT_DMA_BUF	MODULE_IMPORT_NS(DMA_BUF)
#endif

#endif
