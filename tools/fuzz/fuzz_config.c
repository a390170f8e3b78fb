// SPDX-License-Identifier: MIT
// Any line as a VM's and as the monitor's own: taken, with values within their bounds, or refused with a sentence.
#include "tools/fuzz/input.h"

#include "vmm/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vm_config vm;
    struct monitor_config monitor;
    struct refusal refusal = { "" };
    char *line = malloc(size + 1);
    if (line == NULL)
        abort();
    memcpy(line, data, size);
    line[size] = '\0';
    bool taken = config_parse_vm(line, &vm, &refusal);
    HOLDS(taken == (refusal.text[0] == '\0'));
    HOLDS(!taken || (vm.mem_bytes >= 1u << 20 && vm.mem_bytes <= UINT64_C(2) << 30 && vm.mem_bytes % 4096 == 0));
    HOLDS(!taken || (memchr(vm.cmdline, 0, sizeof(vm.cmdline)) != NULL && memchr(vm.name, 0, sizeof(vm.name)) != NULL));
    refusal.text[0] = '\0';
    taken = config_parse_monitor(line, &monitor, &refusal);
    HOLDS(taken == (refusal.text[0] == '\0'));
    free(line);
    return 0;
}
