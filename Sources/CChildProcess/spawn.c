#define _GNU_SOURCE
#include "CChildProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

extern char **environ;

/// What a pipe holds, where the system allows it: a worker then finds a batch at once, not a few items.
enum { PIPE_BYTES = 1 << 20 };

static int set_actions(posix_spawn_file_actions_t *actions, const char *folder, int in, int out, int err) {
  int failed = posix_spawn_file_actions_adddup2(actions, in, STDIN_FILENO);
  if (!failed) failed = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
  if (!failed) failed = posix_spawn_file_actions_adddup2(actions, err, STDERR_FILENO);
  if (!failed && folder) failed = posix_spawn_file_actions_addchdir_np(actions, folder);
  if (!failed) failed = posix_spawn_file_actions_addclosefrom_np(actions, 3);
  return failed;
}

static int set_attributes(posix_spawnattr_t *attributes) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  int failed = posix_spawnattr_setsigmask(attributes, &none);
  if (!failed) failed = posix_spawnattr_setsigdefault(attributes, &all);
  if (!failed) failed = posix_spawnattr_setpgroup(attributes, 0);
  if (!failed)
    failed = posix_spawnattr_setflags(
        attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  return failed;
}

static int spawn(char *const arguments[], const char *folder, int in, int out, int err, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int failed = posix_spawn_file_actions_init(&actions);
  if (failed) return failed;
  failed = posix_spawnattr_init(&attributes);
  if (!failed) {
    failed = set_actions(&actions, folder, in, out, err);
    if (!failed) failed = set_attributes(&attributes);
    if (!failed) failed = posix_spawnp(pid, arguments[0], &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
  return failed;
}

/// A pipe whose ends are above 2: an end that is 0, 1 or 2 would be overwritten before it is copied to its place.
static int open_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC)) return errno;
  for (int side = 0; side < 2; side++) {
    if (ends[side] > STDERR_FILENO) continue;
    int moved = fcntl(ends[side], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (moved < 0) return errno;
    close(ends[side]);
    ends[side] = moved;
  }
  return 0;
}

int child_process_start(char *const arguments[], const char *folder, struct child_process *child) {
  int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
  int failed = 0;
  for (int each = 0; each < 3 && !failed; each++) failed = open_pipe(pipes[each]);
  int *const ours[3] = {&pipes[0][1], &pipes[1][0], &pipes[2][0]};
  for (int each = 0; each < 3 && !failed; each++) {
    if (fcntl(*ours[each], F_SETFL, O_NONBLOCK)) failed = errno;
    if (each < 2) fcntl(*ours[each], F_SETPIPE_SZ, PIPE_BYTES);  // a wish
  }
  if (!failed) failed = spawn(arguments, folder, pipes[0][0], pipes[1][1], pipes[2][1], &child->pid);
  if (!failed) {
    child->input = *ours[0];
    child->output = *ours[1];
    child->errors = *ours[2];
    for (int each = 0; each < 3; each++) *ours[each] = -1;
  }
  for (int each = 0; each < 3; each++)
    for (int side = 0; side < 2; side++)
      if (pipes[each][side] >= 0) close(pipes[each][side]);
  return failed;
}
