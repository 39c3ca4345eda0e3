/* SPDX-License-Identifier: Apache-2.0
 * The real system calls, and the three small writers made of them. */
#include "store/io.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int real_open(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}
/* Reserved and written: a block that was only reserved costs its first write a change of the file system's own tables, and that each sync behind it
 * (a third of a sync's CPU on ext4). In slices that are synced one by one, so that whoever syncs beside us never waits for much; past the page cache
 * where the file system can, since nobody will read these zeros (a tenth of the CPU). */
static int real_reserve(int fd, off_t bytes)
{
    enum { SLICE = 1 << 20, BLOCK = 4096 };
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    int e = posix_fallocate(fd, 0, bytes), flags = fcntl(fd, F_GETFL);
    if (e != 0 || st.st_size >= bytes)
        return e;
    char *zeros = aligned_alloc(BLOCK, SLICE);
    if (!zeros)
        return ENOMEM;
    memset(zeros, 0, SLICE);
    bool is_direct = false;
    for (off_t at = st.st_size; e == 0 && at < bytes;) {
        size_t n = bytes - at < SLICE ? (size_t)(bytes - at) : SLICE, odd = (size_t)at % BLOCK;
        if (odd && n > BLOCK - odd)
            n = BLOCK - odd;
        bool can = !odd && n % BLOCK == 0;
        if (can != is_direct && flags >= 0 && fcntl(fd, F_SETFL, can ? flags | O_DIRECT : flags) == 0)
            is_direct = can;
        ssize_t wrote = pwrite(fd, zeros, n, at);
        if (wrote > 0)
            at += wrote;
        else if (wrote < 0 && errno == EINVAL && is_direct && fcntl(fd, F_SETFL, flags) == 0)
            flags = -1, is_direct = false;       /* this file system cannot */
        else if (wrote == 0 || errno != EINTR)
            e = wrote == 0 ? EIO : errno;
        if (wrote > 0 && e == 0 && at < bytes && fdatasync(fd) != 0)
            e = errno;
    }
    if (is_direct && fcntl(fd, F_SETFL, flags) != 0 && e == 0)
        e = errno;
    free(zeros);
    return e;
}
const struct store_io store_io_real = { .open = real_open, .pwritev = pwritev, .fdatasync = fdatasync, .fsync = fsync, .reserve = real_reserve,
                                        .rename = rename, .unlink = unlink };
const struct store_io *store_io = &store_io_real;

bool store_write_all(int fd, struct iovec *iov, size_t n, uint64_t at)
{
    while (n) {
        int most = n > IOV_MAX ? IOV_MAX : (int)n;
        ssize_t wrote = store_io->pwritev(fd, iov, most, (off_t)at);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            if (wrote == 0)
                errno = EIO;
            return false;
        }
        at += (uint64_t)wrote;
        size_t left = (size_t)wrote;
        while (n && left >= iov->iov_len) {
            left -= iov->iov_len;
            iov++, n--;
        }
        if (left) {
            iov->iov_base = (char *)iov->iov_base + left;
            iov->iov_len -= left;
        }
    }
    return true;
}

bool store_sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = store_io->fsync(fd) == 0;
    int why = errno;
    close(fd);
    errno = why;
    return ok;
}

bool store_write_file(const char *dir, const char *name, struct span content)
{
    char path[PATH_MAX], aside[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path || snprintf(aside, sizeof aside, "%s/%s.new", dir, name) >= (int)sizeof aside) {
        errno = ENAMETOOLONG;
        return false;
    }
    int fd = store_io->open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    struct iovec iov = { (void *)(uintptr_t)content.at, content.len };
    bool ok = store_write_all(fd, &iov, content.len ? 1 : 0, 0) && store_io->fsync(fd) == 0;
    int why = errno;
    close(fd);
    errno = why;
    return ok && store_io->rename(aside, path) == 0 && store_sync_dir(dir);
}
