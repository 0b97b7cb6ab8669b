/** Whether there is a process of this id, as far as it can be seen from here. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Whom one may not signal, such as root, runs.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
