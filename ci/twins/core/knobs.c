// SPDX-License-Identifier: GPL-2.0
/*
 * The debugfs files "knobs", which lists what can be broken, and "plant",
 * which breaks it:
 *
 *	echo NAME > plant		break the rule
 *	echo NAME=control > plant	do the lawful thing in the same place
 *	echo NAME=off > plant		stop that
 *	echo off > plant		stop all
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "knobs.h"

/* Settings of all knobs, an enum twin_setting each. */
static atomic_t settings[TWIN_KNOBS];
/* What is left of a fault that is planted once. */
static atomic_t loaded[TWIN_KNOBS];

/**
 * twin_knob - how a knob is set
 * @knob: which
 *
 * Return: its setting.
 */
enum twin_setting twin_knob(enum twin_knob knob)
{
	return atomic_read(&settings[knob]);
}
EXPORT_SYMBOL_GPL(twin_knob);

/**
 * twin_fault - whether to break a rule here
 * @knob: which
 *
 * Return: true while the knob is armed.
 */
bool twin_fault(enum twin_knob knob)
{
	return twin_knob(knob) == TWIN_FAULT;
}
EXPORT_SYMBOL_GPL(twin_fault);

/**
 * twin_fault_once - whether to break a rule here, once for each arming
 * @knob: one whose fault would hang the machine if it were repeated
 *
 * Return: true for the first caller.
 */
bool twin_fault_once(enum twin_knob knob)
{
	return twin_fault(knob) && atomic_xchg(&loaded[knob], 0);
}
EXPORT_SYMBOL_GPL(twin_fault_once);

static void twin_knob_set(enum twin_knob knob, enum twin_setting setting)
{
	atomic_set(&loaded[knob], setting == TWIN_FAULT);
	atomic_set(&settings[knob], setting);
}

static int twin_setting_parse(const char *text, enum twin_setting *setting)
{
	if (!text)
		*setting = TWIN_FAULT;
	else if (!strcmp(text, "control"))
		*setting = TWIN_CONTROL;
	else if (!strcmp(text, "off"))
		*setting = TWIN_OFF;
	else
		return -EINVAL;
	return 0;
}

static int twin_plant(char *text)
{
	char *name = strsep(&text, "=");
	enum twin_setting setting;
	int knob;

	if (!text && !strcmp(name, "off")) {
		for (knob = 0; knob < TWIN_KNOBS; knob++)
			twin_knob_set(knob, TWIN_OFF);
		return 0;
	}
	if (twin_setting_parse(text, &setting)) {
		pr_err("knob %s: \"%s\" is none of control, off\n", name, text);
		return -EINVAL;
	}
	for (knob = 0; knob < TWIN_KNOBS; knob++) {
		if (!strcmp(twin_knob_table[knob].name, name)) {
			twin_knob_set(knob, setting);
			return 0;
		}
	}
	pr_err("there is no knob \"%s\"; fencelab/knobs lists them\n", name);
	return -ENOENT;
}

static ssize_t twin_plant_write(struct file *file, const char __user *buf,
				size_t size, loff_t *pos)
{
	char *text;
	int ret;

	if (size > 64)
		return -EINVAL;
	text = memdup_user_nul(buf, size);
	if (IS_ERR(text))
		return PTR_ERR(text);
	ret = twin_plant(strim(text));
	kfree(text);
	return ret ?: size;
}

static int twin_plant_show(struct seq_file *m, void *unused)
{
	int knob;

	for (knob = 0; knob < TWIN_KNOBS; knob++) {
		const char *name = twin_knob_table[knob].name;

		if (twin_knob(knob) == TWIN_FAULT)
			seq_printf(m, "%s\n", name);
		else if (twin_knob(knob) == TWIN_CONTROL)
			seq_printf(m, "%s=control\n", name);
	}
	return 0;
}

static int twin_plant_open(struct inode *inode, struct file *file)
{
	return single_open(file, twin_plant_show, NULL);
}

static const struct file_operations twin_plant_fops = {
	.owner = THIS_MODULE,
	.open = twin_plant_open,
	.read = seq_read,
	.write = twin_plant_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int twin_knobs_show(struct seq_file *m, void *unused)
{
	const struct twin_knob_info *k;

	for (k = twin_knob_table; k < twin_knob_table + TWIN_KNOBS; k++)
		seq_printf(m, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k->name,
			   k->device, k->rules, k->row, k->kind, k->path,
			   k->what);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(twin_knobs);

/**
 * twin_knobs_init - create the files
 * @dir: debugfs folder
 */
void twin_knobs_init(struct dentry *dir)
{
	debugfs_create_file("knobs", 0444, dir, NULL, &twin_knobs_fops);
	debugfs_create_file("plant", 0644, dir, NULL, &twin_plant_fops);
}
