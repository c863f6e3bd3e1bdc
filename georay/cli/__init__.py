"""The command line. Heavy imports happen inside the verbs, so that `georay --help` is instant."""

import signal
import sys
import threading
from types import FrameType

INTERRUPTED = 130  # what typer makes of Ctrl-C


def main() -> None:
    """Runs the `georay` command; errors a user can mend are one message, not a traceback."""
    from georay.cli.app import app
    from georay.errors import GeorayError

    interrupts: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    # A library may turn Ctrl-C into an error of its own, such as a failed import, and Python
    # forgets one that falls into a callback.
    signal.signal(signal.SIGINT, note)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # which would end it without cleaning
            signal.signal(number, lambda told, _: sys.exit(128 + told))
    sys.unraisablehook = _interrupt_again
    try:
        app()
    except (Exception, SystemExit, KeyboardInterrupt) as problem:
        code = problem.code if isinstance(problem, SystemExit) else 1
        if code == INTERRUPTED or (interrupts and code):
            sys.stderr.write("georay: interrupted; run the same command again to go on from here\n")
            sys.exit(INTERRUPTED)
        if not isinstance(problem, GeorayError | ValueError | OSError):
            raise
        sys.stderr.write(f"georay: {problem}\n")
        sys.exit(1)


def _interrupt_again(lost: "sys.UnraisableHookArgs") -> None:
    if lost.exc_type is KeyboardInterrupt:
        # A real signal to the main thread, because only that wakes it from a wait.
        main_thread = threading.main_thread().ident
        assert main_thread is not None
        again = threading.Timer(0.05, signal.pthread_kill, (main_thread, signal.SIGINT))
        again.start()
    else:
        sys.__unraisablehook__(lost)
