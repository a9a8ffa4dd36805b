"""Runs a command as on a kernel that lacks a layer of the sandbox.

usage: without-layer.py landlock|namespaces COMMAND...

A seccomp filter, which children inherit, answers the layer's calls with ENOSYS.
"""
import ctypes
import os
import platform
import struct
import sys

NUMBERS = {
    "x86_64": {"landlock": 444, "namespaces": 272},
    "aarch64": {"landlock": 444, "namespaces": 97},
}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO, ENOSYS = 0x7FFF0000, 0x00050000, 38


def main():
    number = NUMBERS[platform.machine()][sys.argv[1]]
    program = b"".join(struct.pack("=HBBI", *instruction) for instruction in (
        (LOAD, 0, 0, 0), (JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | ENOSYS), (RETURN, 0, 0, ALLOW)))
    instructions = ctypes.create_string_buffer(program, len(program))
    filter_of = struct.pack("=HxxxxxxQ", 4, ctypes.addressof(instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero) != 0:
        sys.exit(f"no_new_privs: {os.strerror(ctypes.get_errno())}")
    if libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), ctypes.c_char_p(filter_of), zero, zero) != 0:
        sys.exit(f"seccomp: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[2], sys.argv[2:])


main()
