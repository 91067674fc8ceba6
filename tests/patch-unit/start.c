/* SPDX-License-Identifier: MIT */
#include "parts.h"

int main(int argc, char **argv)
{
	(void)argv;
	return run(argc) == 12345;
}
