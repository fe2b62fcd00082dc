"""Prints, in base64, what this machine first said to a port: all that it said until a text was among it.

    eavesdropper.py PORT TEXT
"""

import base64
import socket
import struct
import sys

port, text = int(sys.argv[1]), sys.argv[2].encode()
flows = {}
packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
while True:
    packet, (_, protocol, kind, *_) = packets.recvfrom(65536)
    if protocol != 0x0800 or kind != socket.PACKET_OUTGOING or packet[9] != socket.IPPROTO_TCP:
        continue
    header = (packet[0] & 15) * 4
    source, destination = struct.unpack("!HH", packet[header : header + 4])
    length = struct.unpack("!H", packet[2:4])[0]
    payload = packet[header + (packet[header + 12] >> 4) * 4 : length]
    if destination != port or not payload:
        continue
    said = flows[source] = flows.get(source, b"") + payload
    if text in said and said.endswith(b"\n"):
        print(base64.b64encode(said).decode())
        break
