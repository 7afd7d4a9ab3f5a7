// SPDX-License-Identifier: MIT
// The same tests where files are read, not mapped.
#define LCSM_NO_MMAP
#include "mapped_file.cpp"
