#ifndef CCHILDPROCESS_H
#define CCHILDPROCESS_H

#include <sys/types.h>

/// A process that leads its own process group, and our ends of the pipes to it, which do not block.
struct child_process {
  pid_t pid;
  int input;
  int output;
  int errors;
};

/// Starts a program with pipes as its standard input, output and error; in C because what it takes to do so without a
/// descriptor leaking either way (pipe2, addchdir_np, addclosefrom_np) is GNU's and not visible in Swift.
///
/// The program's signals are as a new process has them, and of our descriptors it sees none but the pipes.
///
/// - Parameters:
///   - arguments: the program, looked up in PATH unless it has a slash, and its arguments; ends with a null pointer.
///   - folder: where it runs; null for the current folder.
/// - Returns: 0, or the number of the system's error.
int child_process_start(char *const arguments[], const char *folder, struct child_process *child);

#endif
