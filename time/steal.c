// SPDX-License-Identifier: MIT
// Writing the stolen time's page: see steal.h. Pure; called by arch/x86_64/guest/pv.c. The page is guest memory and may
// hold anything before: the version ends even and has moved from any start.
#include "time/steal.h"

void steal_write_begin(struct steal_page *page)
{
    page->version = (page->version + 1) | 1;
}

void steal_write_body(struct steal_page *page, uint64_t steal_ns)
{
    page->steal_ns = steal_ns;
    page->flags = 0;
    page->preempted = 0;
}

void steal_write_end(struct steal_page *page)
{
    page->version = (page->version | 1) + 1;
}
