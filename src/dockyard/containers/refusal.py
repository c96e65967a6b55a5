"""What a runtime's refusal means, in Docker's words and exit codes. Pure.

Runtimes say it each in their own way; ``programs`` looks before, where that can be told.
"""

from __future__ import annotations

from dockyard.containers.programs import DIRECTORY_HINT, NOT_EXECUTABLE, NOT_FOUND

_NOT_EXECUTABLE_WORDS = (
    "permission denied", "exec format error", "is a directory", "open executable: operation not",
    "is not executable", "is not a regular file",
)  # fmt: skip
_DIRECTORY_WORDS = ("is a directory", "is not a regular file")


def refused(program: str, words: str, *, directory: bool) -> tuple[str, int, str]:
    """What to say of a program that a runtime refused, the exit code, and a hint.

    Args:
        directory: the program's name is a directory's, of which crun tells as of any file without
            the right to execute.
    """
    text = " ".join(words.split()) or "the runtime gave no reason"
    code, hint = diagnosis(text)
    if code == NOT_EXECUTABLE and directory:
        text = _DIRECTORY_WORDS[0]
        code, hint = diagnosis(text)
    if code in {NOT_FOUND, NOT_EXECUTABLE}:
        text = program_refused(program, text, code)
    return text, code, hint


def program_refused(program: str, words: str, code: int) -> str:
    """Docker's words for a program that can't be executed, whatever the runtime's are. Pure."""
    lower = words.lower()
    if code == NOT_FOUND:
        named = "/" in program
        why = "no such file or directory" if named else "executable file not found in $PATH"
    elif "exec format error" in lower:
        why = "exec format error"
    elif any(sign in lower for sign in _DIRECTORY_WORDS):
        why = "is a directory: permission denied"
    else:
        why = "permission denied"
    return f'exec: "{program}": {why}'


def diagnosis(words: str) -> tuple[int, str]:
    """Docker's exit code for what a runtime said, and a hint. Pure."""
    lower = words.lower()
    if "chdir" in lower or "cwd" in lower:
        return 125, "does the working directory exist in the image? -w names another"
    if "not found in $path" in lower or ("no such file" in lower and "exec" in lower):
        return NOT_FOUND, "is the program in the image, and in its PATH?"
    if any(sign in lower for sign in _DIRECTORY_WORDS):
        return NOT_EXECUTABLE, DIRECTORY_HINT
    if any(sign in lower for sign in _NOT_EXECUTABLE_WORDS):
        return NOT_EXECUTABLE, "is the file executable, and made for this processor?"
    if "rt_runtime_us" in lower:
        return 125, "--cpu-rt-runtime is more than others have left of the share of --cgroup-parent"
    return 125, "dockyard doctor shows what of this host gets in the way"
