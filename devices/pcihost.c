// SPDX-License-Identifier: MIT
// CONFIG_ADDRESS, CONFIG_DATA and two read-only bridges: see pcihost.h. Called by the bus. CONFIG_ADDRESS answers
// 32-bit accesses only; the bytes of 0xcf8..0xcfb are other ports (0xcf9 resets the machine).
#include "devices/pcihost.h"

#define PORT_ADDRESS     0xcf8
#define PORT_DATA        0xcfc

#define ADDRESS_ENABLE   0x80000000u
#define ADDRESS_FUNCTION 0x00ffff00u // bus, device, function
#define ADDRESS_REGISTER 0x000000fcu
#define ADDRESS_BITS     (ADDRESS_ENABLE | ADDRESS_FUNCTION | ADDRESS_REGISTER) // the rest reads 0

#define FUNCTION(device) ((uint32_t)(device) << 11) // of bus 0, function 0

struct function {
    uint32_t where;     // as in CONFIG_ADDRESS
    uint32_t id;        // register 0x00: device, vendor
    uint32_t class_rev; // register 0x08: class, revision
};

static const struct function functions[] = {
    { FUNCTION(0x00), 0x29c08086, 0x06000000 }, // host bridge of the Q35
    { FUNCTION(0x1f), 0x29188086, 0x06010002 }, // ISA bridge of the ICH9
};

void pcihost_init(struct pcihost *host)
{
    *host = (struct pcihost){ 0 };
}

// Memory and I/O decoding and bus mastering are on, and there are no base addresses to decode.
static uint32_t read_register(const struct function *function, uint32_t reg)
{
    switch (reg) {
    case 0x00: return function->id;
    case 0x04: return 0x00000007;
    case 0x08: return function->class_rev;
    default: return 0;
    }
}

static uint32_t config_data(const struct pcihost *host)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if ((host->address & (ADDRESS_ENABLE | ADDRESS_FUNCTION)) == (ADDRESS_ENABLE | functions[i].where))
            return read_register(&functions[i], host->address & ADDRESS_REGISTER);
    return UINT32_MAX;
}

static enum io_result pcihost_access(void *device, struct io_access *io, vtime_t now)
{
    struct pcihost *host = device;
    (void)now;
    if (io->offset == PORT_ADDRESS && io->size == 4) {
        if (io->is_write)
            host->address = (uint32_t)io->value & ADDRESS_BITS;
        else
            io->value = host->address;
        return IO_OK;
    }
    if (io->offset < PORT_DATA || io->offset >= PORT_DATA + 4 || io->size > 4)
        return IO_UNCLAIMED;
    if (io->is_write)
        return IO_OK;
    // Bytes behind 0xcff belong to nobody.
    uint64_t data = config_data(host) | UINT64_C(0xffffffff00000000);
    uint64_t mask = (UINT64_C(1) << (8 * io->size)) - 1;
    io->value = (data >> (8 * (io->offset - PORT_DATA))) & mask;
    return IO_OK;
}

const struct device_ops pcihost_ops = {
    .name = "pcihost",
    .access = pcihost_access,
};
