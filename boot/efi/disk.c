// SPDX-License-Identifier: MIT
// Reads and writes files through the firmware's FAT driver (UEFI 2.10, 13.4 and 13.5): see disk.h. Called by main.c and
// results.c.
#include "boot/efi/disk.h"

#define PATH_MAX_CHARS 200
#define READ_AT_ONCE   (4u << 20) // a whole Linux at once is more than some firmware's USB driver takes

static EFI_FILE_HANDLE root;

const char *disk_open(EFI_HANDLE loader)
{
    EFI_LOADED_IMAGE *image;
    EFI_GUID loaded_image = LOADED_IMAGE_PROTOCOL, file_system = SIMPLE_FILE_SYSTEM_PROTOCOL;
    EFI_FILE_IO_INTERFACE *volume;
    if (EFI_ERROR(BS->HandleProtocol(loader, &loaded_image, (void **)&image)) ||
        EFI_ERROR(BS->HandleProtocol(image->DeviceHandle, &file_system, (void **)&volume)) ||
        EFI_ERROR(volume->OpenVolume(volume, &root)))
        return "the firmware does not show the partition that it started this from";
    return NULL;
}

// False: too long. The firmware's paths have backslashes and characters of two bytes.
static bool firmware_path(const char *path, CHAR16 *out)
{
    for (unsigned i = 0; i < PATH_MAX_CHARS; i++) {
        out[i] = path[i] == '/' ? (CHAR16)'\\' : (CHAR16)(unsigned char)path[i];
        if (path[i] == '\0')
            return true;
    }
    return false;
}

static bool read_all(EFI_FILE_HANDLE file, uint8_t *to, uint64_t size)
{
    for (uint64_t done = 0; done < size;) {
        UINTN some = size - done < READ_AT_ONCE ? size - done : READ_AT_ONCE;
        if (EFI_ERROR(file->Read(file, &some, to + done)) || some == 0)
            return false;
        done += some;
    }
    to[size] = 0;
    return true;
}

static const char *read_opened(EFI_FILE_HANDLE opened, uint64_t size_max, struct file *file)
{
    UINT64 size = 0;
    if (EFI_ERROR(opened->SetPosition(opened, UINT64_MAX)) || EFI_ERROR(opened->GetPosition(opened, &size)) ||
        EFI_ERROR(opened->SetPosition(opened, 0)))
        return "its size cannot be found; is it a folder?";
    if (size > size_max)
        return "it is too large";
    file->size = size;
    file->address = firmware_pages(size + 1);
    if (file->address == 0)
        return FIRMWARE_NO_MEMORY;
    if (!read_all(opened, (uint8_t *)(uintptr_t)file->address, size)) {
        firmware_free(file->address, size + 1);
        return "it cannot be read to its end";
    }
    return NULL;
}

const char *disk_read(const char *path, uint64_t size_max, struct file *file)
{
    CHAR16 name[PATH_MAX_CHARS];
    EFI_FILE_HANDLE opened;
    if (!firmware_path(path, name))
        return "its name is too long";
    if (EFI_ERROR(root->Open(root, &opened, name, EFI_FILE_MODE_READ, 0)))
        return "it is not on the partition";
    const char *wrong = read_opened(opened, size_max, file);
    opened->Close(opened);
    return wrong;
}

void disk_delete(const char *path)
{
    CHAR16 name[PATH_MAX_CHARS];
    EFI_FILE_HANDLE opened;
    if (firmware_path(path, name) &&
        !EFI_ERROR(root->Open(root, &opened, name, EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE, 0)))
        opened->Delete(opened);
}

static const char *sentence_of(EFI_STATUS status)
{
    switch (status) {
    case EFI_VOLUME_FULL: return "it cannot be written: the partition is full";
    case EFI_WRITE_PROTECTED: return "it cannot be written: the medium is protected";
    default: return "it cannot be written";
    }
}

const char *disk_write(const char *path, const void *bytes, uint64_t size)
{
    CHAR16 name[PATH_MAX_CHARS];
    EFI_FILE_HANDLE opened;
    UINTN written = size;
    if (!firmware_path(path, name))
        return "its name is too long";
    disk_delete(path);
    EFI_STATUS status =
        root->Open(root, &opened, name, EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE | EFI_FILE_MODE_CREATE, 0);
    if (EFI_ERROR(status))
        return sentence_of(status);
    status = opened->Write(opened, &written, (void *)(uintptr_t)bytes);
    if (!EFI_ERROR(status))
        status = written == size ? opened->Flush(opened) : EFI_VOLUME_FULL;
    if (EFI_ERROR(status)) {
        opened->Delete(opened); // and closes it
        return sentence_of(status);
    }
    opened->Close(opened);
    return NULL;
}
