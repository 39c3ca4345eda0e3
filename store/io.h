/* SPDX-License-Identifier: Apache-2.0
 *
 * io: the handful of system calls through which the journal changes the disk, as a table, so that a test can make the n-th one fail.
 * Reading needs no such table: what is read is distrusted anyway. */
#ifndef STORE_IO_H
#define STORE_IO_H
#include "base/span.h"
#include <sys/types.h>
#include <sys/uio.h>

struct store_io {
    int (*open)(const char *path, int flags, mode_t mode);
    ssize_t (*pwritev)(int fd, const struct iovec *iov, int n, off_t at);
    int (*fdatasync)(int fd);
    int (*fsync)(int fd);                            /* folders and small files */
    int (*reserve)(int fd, off_t bytes);             /* 0 or an errno, as posix_fallocate */
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
};
extern const struct store_io store_io_real;
extern const struct store_io *store_io;              /* set before store_open, by tests alone */

/* Writes all of a vector at an offset, going on after short writes. false: errno says why. iov is changed. */
bool store_write_all(int fd, struct iovec *iov, size_t n, uint64_t at);
/* A small file whole or not at all: written aside, synced, renamed, the folder synced. */
bool store_write_file(const char *dir, const char *name, struct span content);
/* Syncs a folder, so that a rename in it survives. */
bool store_sync_dir(const char *dir);
#endif
