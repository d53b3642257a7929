// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that the guest has freed goes back to the host. Linux reports free
 * blocks some two seconds after they were freed (page reporting); their part of
 * physmem becomes a hole, and is populated again when it is next handed out.
 */
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/page_reporting.h>
#include <linux/scatterlist.h>
#include <asm/physmem.h>

static int report(struct page_reporting_dev_info *dev, struct scatterlist *sgl,
		  unsigned int n)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sg(sgl, sg, n, i)
		physmem_release(sg_phys(sg), sg->length);
	return 0;
}

static struct page_reporting_dev_info info = {
	.report = report,
	.order = PHYSMEM_CHUNK_SHIFT - PAGE_SHIFT,
};

static bool off;

static int __init no_page_report(char *value)
{
	off = true;
	return 1;
}
__setup("nopagereport", no_page_report);

static int __init report_init(void)
{
	return off ? 0 : page_reporting_register(&info);
}
late_initcall(report_init);
