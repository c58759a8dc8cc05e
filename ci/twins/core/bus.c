// SPDX-License-Identifier: GPL-2.0
/*
 * A PCI root bus that exists in memory only, so that sysfs, libdrm and user
 * space drivers find the twins where they look for the real devices.
 *
 * Each device carries a driver_override: the real amdgpu and i915 never bind
 * to it, and the twins' drivers, which have no ids, never bind to hardware.
 */
#include <linux/errno.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/string.h>

#include "bus.h"
#include "wrappers.h"

/* Beyond what firmware numbers (16 bits), as VMD and Hyper-V do. */
#define TWIN_DOMAIN		0x10000
#define TWIN_CONFIG_SIZE	256

struct twin_function {
	u16 vendor;
	u16 device;
	const char *driver;
	bool present;
	u8 config[TWIN_CONFIG_SIZE];
};

static struct twin_function functions[TWIN_SLOTS] = {
	[TWIN_AMDGPU] = {
		.vendor = PCI_VENDOR_ID_ATI,
		.device = 0x15e7,
		.driver = TWIN_AMDGPU_DRIVER,
	},
	[TWIN_I915] = {
		.vendor = PCI_VENDOR_ID_INTEL,
		.device = 0x9a49,
		.driver = TWIN_I915_DRIVER,
	},
};

static struct pci_sysdata sysdata = {
	.domain = TWIN_DOMAIN,
	.node = NUMA_NO_NODE,
};

static struct pci_bus *root;

static void twin_config_set16(struct twin_function *f, int where, u16 value)
{
	f->config[where] = value & 0xff;
	f->config[where + 1] = value >> 8;
}

static struct twin_function *twin_function(struct pci_bus *bus,
					   unsigned int devfn, int where,
					   int size)
{
	unsigned int slot = PCI_SLOT(devfn);

	if (!pci_is_root_bus(bus) || PCI_FUNC(devfn) || slot >= TWIN_SLOTS)
		return NULL;
	if (where < 0 || where + size > TWIN_CONFIG_SIZE)
		return NULL;
	return functions[slot].present ? &functions[slot] : NULL;
}

static int twin_config_read(struct pci_bus *bus, unsigned int devfn, int where,
			    int size, u32 *value)
{
	struct twin_function *f = twin_function(bus, devfn, where, size);

	if (!f) {
		PCI_SET_ERROR_RESPONSE(value);
		return PCIBIOS_DEVICE_NOT_FOUND;
	}
	*value = 0;
	while (size--)
		*value = *value << 8 | f->config[where + size];
	return PCIBIOS_SUCCESSFUL;
}

/* Only the command register keeps what is written: there are no BARs. */
static int twin_config_write(struct pci_bus *bus, unsigned int devfn,
			     int where, int size, u32 value)
{
	struct twin_function *f = twin_function(bus, devfn, where, size);

	if (!f)
		return PCIBIOS_DEVICE_NOT_FOUND;
	if (where == PCI_COMMAND && size == 2)
		twin_config_set16(f, where, value);
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops twin_config_ops = {
	.read = twin_config_read,
	.write = twin_config_write,
};

static void twin_function_init(struct twin_function *f)
{
	memset(f->config, 0, sizeof(f->config));
	twin_config_set16(f, PCI_VENDOR_ID, f->vendor);
	twin_config_set16(f, PCI_DEVICE_ID, f->device);
	twin_config_set16(f, PCI_SUBSYSTEM_VENDOR_ID, f->vendor);
	twin_config_set16(f, PCI_SUBSYSTEM_ID, f->device);
	/* "Display, other": VGA arbitration is for cards with VGA ports. */
	twin_config_set16(f, PCI_CLASS_DEVICE, PCI_CLASS_DISPLAY_OTHER);
	f->present = true;
}

static int twin_override(enum twin_slot slot)
{
	struct pci_dev *pdev = pci_get_slot(root, PCI_DEVFN(slot, 0));
	const char *name = functions[slot].driver;
	int ret;

	if (!pdev)
		return -ENODEV;
	ret = twin_set_override(pdev, name);
	pci_dev_put(pdev);
	return ret;
}

/* Devices are given to drivers only once each has its override. */
static int twin_add_devices(void)
{
	int slot, ret;

	for (slot = 0; slot < TWIN_SLOTS; slot++) {
		ret = functions[slot].present ? twin_override(slot) : 0;
		if (ret)
			return ret;
	}
	pci_bus_add_devices(root);
	return 0;
}

/**
 * twin_bus_unplug - take a device away while it is in use
 * @slot: which
 *
 * Its driver sees a surprise removal. No effect if it is not there.
 */
void twin_bus_unplug(enum twin_slot slot)
{
	struct pci_dev *pdev;

	pci_lock_rescan_remove();
	functions[slot].present = false;
	pdev = pci_get_slot(root, PCI_DEVFN(slot, 0));
	if (pdev)
		pci_stop_and_remove_bus_device(pdev);
	pci_dev_put(pdev);
	pci_unlock_rescan_remove();
}

/**
 * twin_bus_plug - plug a device in again
 * @slot: which
 *
 * Return: 0, also if it is there already, or a negative errno.
 */
int twin_bus_plug(enum twin_slot slot)
{
	int ret = 0;

	pci_lock_rescan_remove();
	if (!functions[slot].present) {
		twin_function_init(&functions[slot]);
		pci_scan_slot(root, PCI_DEVFN(slot, 0));
		ret = twin_add_devices();
	}
	pci_unlock_rescan_remove();
	return ret;
}

int twin_bus_init(void)
{
	LIST_HEAD(resources);
	int slot, ret;

	for (slot = 0; slot < TWIN_SLOTS; slot++)
		twin_function_init(&functions[slot]);

	pci_lock_rescan_remove();
	root = pci_create_root_bus(NULL, 0, &twin_config_ops, &sysdata,
				   &resources);
	if (!root) {
		pci_unlock_rescan_remove();
		return -ENOMEM;
	}
	pci_scan_child_bus(root);
	ret = twin_add_devices();
	pci_unlock_rescan_remove();
	if (ret)
		twin_bus_exit();
	return ret;
}

void twin_bus_exit(void)
{
	pci_lock_rescan_remove();
	pci_stop_root_bus(root);
	pci_remove_root_bus(root);
	pci_unlock_rescan_remove();
}
