// SPDX-License-Identifier: MIT
// fw_cfg: a selector and a byte stream. Called by the bus. Items are numbers in little endian; a byte behind the end of
// an item, and every byte of an item that does not exist, reads 0.
#include "devices/fwcfg.h"

#define PORT_SELECTOR  0x510
#define PORT_DATA      0x511

#define KEY_SIGNATURE  0x00
#define KEY_ID         0x01
#define KEY_RAM_SIZE   0x03
#define KEY_NB_CPUS    0x05
#define KEY_MAX_CPUS   0x0f
#define KEY_MASK       0x3fff // without the write and architecture bits

#define SIGNATURE      0x554d4551 // "QEMU"
#define ID_TRADITIONAL 1          // no DMA interface

void fwcfg_init(struct fwcfg *fw, uint64_t ram_bytes, unsigned cpus)
{
    *fw = (struct fwcfg){ .ram_bytes = ram_bytes, .cpus = (uint16_t)cpus };
}

// No item here is longer than 8 bytes. The file directory, key 0x19, begins with the number of files: none.
static uint64_t item(const struct fwcfg *fw)
{
    switch (fw->key) {
    case KEY_SIGNATURE: return SIGNATURE;
    case KEY_ID: return ID_TRADITIONAL;
    case KEY_RAM_SIZE: return fw->ram_bytes;
    case KEY_NB_CPUS:
    case KEY_MAX_CPUS: return fw->cpus;
    default: return 0;
    }
}

static uint8_t next_byte(struct fwcfg *fw)
{
    if (fw->offset >= 8)
        return 0;
    return (uint8_t)(item(fw) >> (8 * fw->offset++));
}

static enum io_result fwcfg_access(void *device, struct io_access *io, vtime_t now)
{
    struct fwcfg *fw = device;
    (void)now;
    if (io->offset == PORT_SELECTOR && io->size == 2 && io->is_write) {
        fw->key = io->value & KEY_MASK;
        fw->offset = 0;
    } else if (io->offset != PORT_DATA || io->size != 1) {
        return IO_UNCLAIMED;
    } else if (!io->is_write) {
        io->value = next_byte(fw);
    }
    return IO_OK;
}

const struct device_ops fwcfg_ops = {
    .name = "fwcfg",
    .access = fwcfg_access,
};
