"""Run a programme that must not outlive the process which asked for it.

Executed as a script, not imported: a fresh process can give up its privileges and set its leash without running
Python between fork and exec in a process that has threads. Two ways:

- exec (Linux): ask the kernel for SIGINT at the parent's death, then become the programme. The kernel follows the
  *thread* that started this process, so that thread has to live as long as the programme should.
- watch (elsewhere): stay beside the programme and stop it when standard input ends, which it does when the parent
  dies however that happens. Written for macOS and Windows but tested on Linux only.

Usage: leash.py exec|watch PARENT_PID UID:GID|- PROGRAMME ARGUMENT...
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 20.0


def drop_privileges(uid: int, gid: int) -> None:
    """Become an ordinary user for good."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def tie_to_parent(parent: int) -> None:
    """Have the kernel send SIGINT (Postgres: fast shutdown) when the parent dies; leave at once if it already has."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit(0)


def ask_to_stop(process: "subprocess.Popen[bytes]", command: list[str]) -> None:
    """Ask Postgres for a fast shutdown in the way that the system has."""
    if os.name == "nt":
        pg_ctl = os.path.join(os.path.dirname(command[0]), "pg_ctl.exe")
        data = command[command.index("-D") + 1]
        subprocess.run([pg_ctl, "stop", "-D", data, "-m", "fast", "-W"], check=False)
    else:
        process.send_signal(signal.SIGINT)


def watch(command: list[str]) -> int:
    """Run the programme until it ends, or until standard input does; its exit code."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def stop_at_end_of_input() -> None:
        while os.read(0, 1024):
            pass
        ask_to_stop(process, command)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()

    threading.Thread(target=stop_at_end_of_input, daemon=True).start()
    return process.wait()


def main(arguments: list[str]) -> int:
    """Drop privileges where told to, then run the programme on its leash."""
    way, parent, account, *command = arguments
    if account != "-":
        uid, gid = account.split(":")
        drop_privileges(int(uid), int(gid))  # before the leash: a change of user takes it off
    if way == "exec":
        tie_to_parent(int(parent))
        os.execv(command[0], command)
    return watch(command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
