/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

void processes_parse(struct processes *p, const char *list) {
  p->count = 0;
  for (const char *at = list; *at;) {
    char *end;
    long pid = strtol(at, &end, 10);
    if (end == at || pid <= 0 || (*end && *end != ',') || p->count == PROCESSES_MAX)
      die("'%s' is no list of process numbers", list);
    p->pids[p->count++] = (int)pid;
    at = *end ? end + 1 : end;
  }
}

/* The first number in a file of /proc; 0 when it is gone. */
static uint64_t read_first_number(const char *path) {
  FILE *f = fopen(path, "r");
  unsigned long long n = 0;
  if (f && fscanf(f, "%llu", &n) != 1)
    n = 0;
  if (f)
    fclose(f);
  return n;
}

static uint64_t process_cpu_ns(int pid) {
  char path[sizeof "/proc//task//schedstat" + 24 + NAME_MAX];
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *tasks = opendir(path);
  if (!tasks)
    die("%s", path);
  uint64_t sum = 0;
  for (struct dirent *d; (d = readdir(tasks));) {
    if (d->d_name[0] == '.')
      continue;
    snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", pid, d->d_name);
    sum += read_first_number(path);
  }
  closedir(tasks);
  return sum;
}

uint64_t processes_cpu_ns(const struct processes *p) {
  uint64_t sum = 0;
  for (size_t i = 0; i < p->count; i++)
    sum += process_cpu_ns(p->pids[i]);
  return sum;
}

static uint64_t process_resident(int pid) {
  char path[40], line[128];
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *f = fopen(path, "r");
  if (!f)
    die("%s", path);
  unsigned long long kib = 0;
  while (fgets(line, sizeof line, f) && sscanf(line, "VmRSS: %llu", &kib) != 1)
    ;
  fclose(f);
  return kib * 1024;
}

uint64_t processes_resident(const struct processes *p) {
  uint64_t sum = 0;
  for (size_t i = 0; i < p->count; i++)
    sum += process_resident(p->pids[i]);
  return sum;
}
