"""A shell in which a page's commands run one after the other, as its reader would type them."""

import os
import pathlib
import re
import select
import signal
import subprocess
import time

LONGEST = 240  # seconds for one command; the limit of the whole is ctest's


class Shell:
    """Not thread-safe. Variables, functions and the folder last from one command to the next."""

    def __init__(self, folder, environment):
        self.__scratch = pathlib.Path(environment["TMPDIR"]) / f"shell-{time.monotonic_ns()}"
        self.__scratch.mkdir()
        self.is_gone = False
        self.__bash = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=folder, env=environment, text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       start_new_session=True)

    def run(self, text):
        """What it printed, and how it ended."""
        step, output = self.__scratch / "step", self.__scratch / "output"
        step.write_text(text + "\n")
        self.__bash.stdin.write(f". {step} >{output} 2>&1 </dev/null; echo \"ended $?\"\n")
        self.__bash.stdin.flush()
        ready, _, _ = select.select([self.__bash.stdout], [], [], LONGEST)
        said = self.__bash.stdout.readline() if ready else ""
        printed = output.read_text(errors="replace") if output.exists() else ""
        ended = re.fullmatch(r"ended (\d+)\n", said)
        if not ended:
            self.is_gone = True
            printed += f"\n(it has not ended within {LONGEST} seconds)" if not ready else "\n(the shell is gone)"
            return printed, -1
        return printed, int(ended[1])

    def wait(self, text):
        """Until the command succeeds; what it printed last, and how it ended."""
        end = time.monotonic() + LONGEST
        while True:
            printed, code = self.run(text)
            if code == 0 or self.is_gone or time.monotonic() > end:
                return printed, code
            time.sleep(0.2)

    def close(self):
        """Ends what the page has left running, too."""
        try:
            os.killpg(self.__bash.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.__bash.wait()
        self.__bash.stdin.close()
        self.__bash.stdout.close()
