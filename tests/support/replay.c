/* SPDX-License-Identifier: MIT */
/* Runs a fuzzer's function on the files named on the command line, each in a block of its own. */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) < 0)
    err(1, "%s", path);
  size_t size = (size_t)ftell(file);
  uint8_t *data = malloc(size + !size);
  rewind(file);
  if (!data || fread(data, 1, size, file) != size)
    err(1, "%s", path);
  fclose(file);
  LLVMFuzzerTestOneInput(data, size);
  free(data);
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    replay(argv[i]);
  printf("  ok    %d inputs\n", argc - 1);
  return 0;
}
