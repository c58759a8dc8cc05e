/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_CONTROL_H_
#define _TWIN_CONTROL_H_

struct twin_device;

void twin_control_init(struct twin_device *twin);
void twin_control_exit(struct twin_device *twin);

#endif
