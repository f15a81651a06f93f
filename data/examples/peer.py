#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two programs that talk over a data channel. One sends lines, the other answers each in capitals.

    dcsignald                            # the signaling daemon; DC_SIGNALING=URL names another
    peer.py answer                       # waits, answers, and ends with the other one
    peer.py offer 'good morning' 'bye'   # calls, sends, and shows the answers

Exit status: 0; or as dcpeer's: 2 usage, 3 signaling, 4 no connection, 5 identity, 6 the other one left, 7 data.
"""

import os
import signal
import sys

import gi

gi.require_version('GstDataChannel', '1.0')
from gi.repository import GLib, GstDataChannel


def send(channel, line):
    channel.send(GLib.Bytes.new(line.encode()), True)  # waits for room at the far side


def receive(channel):
    """Waits for a line. None: the far side has finished, and has been told that we have got it all."""
    data, is_text = channel.receive()
    return data.get_data().decode() if data is not None else None


def offer(channel, lines):
    for line in lines:
        send(channel, line)
        print(f'{channel.get_remote_id()}: {receive(channel)}')
    channel.finish()  # waits until the far side has got it all
    receive(channel)


def answer(channel):
    while (line := receive(channel)) is not None:
        print(f'{channel.get_remote_id()}: {line}')
        send(channel, line.upper())
    channel.finish()


def show(peer, event):
    """On the peer's own thread, so this must not take long."""
    fields = GstDataChannel.event_to_variant(event).unpack()
    if fields['event'] in ('registered', 'called', 'selected-pair', 'connection-lost', 'connection-resumed'):
        print(fields, file=sys.stderr)


def main(role, *lines):
    # Python sees Ctrl-C only between two of its own steps, not in a call that waits.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    peer = GstDataChannel.Peer(
        signaling=os.environ.get('DC_SIGNALING'),
        room='example',
        role=GstDataChannel.Role.OFFERER if role == 'offer' else GstDataChannel.Role.ANSWERER,
        connect_timeout=30,
    )
    peer.connect('event', show)
    try:
        peer.start()
        channel = peer.wait_channel(None)
        if role == 'offer':
            offer(channel, lines)
        else:
            answer(channel)
        channel.close()
    except GLib.Error as error:
        print(f'peer.py: {error.message}', file=sys.stderr)
        return 2 + error.code
    finally:
        peer.stop()
    return 0


if __name__ == '__main__':
    if len(sys.argv) < 2 or sys.argv[1] not in ('offer', 'answer'):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
