/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <arpa/inet.h>
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int free_port(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 ||
      getsockname(fd, (struct sockaddr *)&at, &len) < 0)
    err(1, "a free port");
  close(fd);
  return ntohs(at.sin_port);
}

static void await_answer(const struct server *s) {
  for (int i = 0; i < 500; i++) {
    if (strncmp(server_ask(s, "PING"), "PONG", 4) == 0)
      return;
    if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
      break;
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
  }
  errx(1, "redis-server does not answer");
}

static void launch(struct server *s) {
  char port[8];
  snprintf(port, sizeof port, "%d", s->port);
  s->pid = fork();
  if (s->pid < 0)
    err(1, "fork");
  if (s->pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test crashes */
    if (!freopen("/dev/null", "w", stdout) || chdir(s->folder) < 0)
      _exit(127);
    const char *command[24] = {"redis-server"};
    int n = 1;
    for (const char *const *m = s->more; m && *m && n < 12; m++)
      command[n++] = *m;
    const char *const usual[] = {"--port", port,           "--bind", "127.0.0.1", "--save",
                                 "",       "--appendonly", "no",     NULL};
    for (const char *const *u = usual; *u; u++)
      command[n++] = *u;
    execvp(command[0], (char **)command);
    _exit(127);
  }
  await_answer(s);
}

void server_start(struct server *s) { server_start_with(s, NULL); }

void server_start_with(struct server *s, const char *const *more) {
  if (system("command -v redis-server redis-cli >/dev/null") != 0) {
    puts("redis-server is not installed (make deps)");
    exit(77); /* a skip, as tests/run.sh has it */
  }
  snprintf(s->folder, sizeof s->folder, "/tmp/swale-redis-XXXXXX");
  if (!mkdtemp(s->folder))
    err(1, "mkdtemp");
  s->port = free_port();
  s->more = more;
  snprintf(s->url, sizeof s->url, "redis://127.0.0.1:%d", s->port);
  launch(s);
}

void server_kill(struct server *s) {
  if (s->pid <= 0)
    return;
  kill(s->pid, SIGKILL);
  waitpid(s->pid, NULL, 0);
  s->pid = 0;
}

void server_restart(struct server *s) {
  server_kill(s);
  launch(s);
}

void server_stop(struct server *s) {
  server_kill(s);
  static const char *const left_behind[] = {"sentinel.conf", "dump.rdb",
                                            NULL}; /* by sentinels, by replicas */
  for (const char *const *name = left_behind; *name; name++) {
    char path[96];
    snprintf(path, sizeof path, "%s/%s", s->folder, *name);
    unlink(path);
  }
  rmdir(s->folder);
}

const char *server_ask(const struct server *s, const char *command) {
  static char answer[4096];
  char line[512];
  snprintf(line, sizeof line, "redis-cli -h 127.0.0.1 -p %d %s 2>/dev/null", s->port, command);
  FILE *out = popen(line, "r");
  size_t n = out ? fread(answer, 1, sizeof answer - 1, out) : 0;
  answer[n] = '\0';
  if (out)
    pclose(out);
  return answer;
}
