// SPDX-License-Identifier: MIT
// Writes a device tree from front to back, by libfdt. The first error is kept, so that it is asked for once, at the
// end.
#ifndef ARCH_ARM64_HOST_TREEWRITER_H
#define ARCH_ARM64_HOST_TREEWRITER_H

#include <libfdt.h>
#include <string.h>

struct writer {
    void *tree;
    int   error; // the first one of libfdt
};

static inline void writer_note(struct writer *w, int error)
{
    if (w->error == 0)
        w->error = error;
}

static inline void writer_begin(struct writer *w, const char *name)
{
    writer_note(w, fdt_begin_node(w->tree, name));
}

static inline void writer_end(struct writer *w)
{
    writer_note(w, fdt_end_node(w->tree));
}

static inline void writer_bytes(struct writer *w, const char *name, const void *value, size_t size)
{
    writer_note(w, fdt_property(w->tree, name, value, (int)size));
}

static inline void writer_text(struct writer *w, const char *name, const char *value)
{
    writer_bytes(w, name, value, strlen(value) + 1);
}

static inline void writer_cell(struct writer *w, const char *name, uint32_t value)
{
    writer_note(w, fdt_property_u32(w->tree, name, value));
}

#endif
