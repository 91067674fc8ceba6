/* SPDX-License-Identifier: MIT */
/* Files that are read by mapping them. */
#include "mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_error(struct rp_diag *diag)
{
	int error = errno;

	rp_diag_set(diag, RP_DIAG_READ, NULL, "%s", strerror(error));
	return -error;
}

static int map_fd(int fd, void **image, size_t *size, struct rp_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st))
		return read_error(diag);
	if (!S_ISREG(st.st_mode))
		return rp_diag_set(diag, RP_DIAG_NOT_REGULAR, NULL,
				   "not a regular file");
	if (!st.st_size)
		return 0;
	void *map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return read_error(diag);
	*image = map;
	*size = st.st_size;
	return 0;
}

int rp_file_map(const char *path, void **image, size_t *size,
		struct rp_diag *diag)
{
	// A FIFO is to be refused, not waited for.
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	*image = NULL;
	*size = 0;
	if (fd < 0)
		return read_error(diag);
	int rc = map_fd(fd, image, size, diag);
	close(fd);
	return rc;
}

void rp_file_unmap(void *image, size_t size)
{
	if (image)
		munmap(image, size);
}
