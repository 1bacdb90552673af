"""Runs explorer_plugin.py, and has Orthanc's DICOM server listen on the loopback alone.

Only the sandbox of `npm start` uses this file. Orthanc has no option for the address of its DICOM server, which listens
on all. Where RemoteAccessAllowed is false, its socket is replaced by one on 127.0.0.1 when Orthanc has started. Needs Linux.
"""
import json
import os
import socket

import explorer_plugin  # noqa: F401
import orthanc


def sockets_on(port):
    """Descriptors of this process that listen on a port on all addresses."""
    for name in os.listdir("/proc/self/fd"):
        try:
            found = socket.socket(fileno=int(name))
        except OSError:  # no socket, or closed meanwhile
            continue
        try:
            if found.family == socket.AF_INET and found.getsockname() == ("0.0.0.0", port):
                # Else the port counts as taken for as long as Orthanc still waits at the old socket.
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                yield int(name)
        finally:
            found.detach()  # it is Orthanc's


def listen_on_loopback(port):
    for descriptor in sockets_on(port):
        with socket.socket() as own:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            own.bind(("127.0.0.1", port))
            own.listen()
            os.dup2(own.fileno(), descriptor)


def on_change(change_type, _level, _resource):
    if change_type == orthanc.ChangeType.ORTHANC_STARTED:
        listen_on_loopback(configuration["DicomPort"])


configuration = json.loads(orthanc.GetConfiguration())
if configuration.get("DicomServerEnabled") and not configuration["RemoteAccessAllowed"]:
    orthanc.RegisterOnChangeCallback(on_change)
