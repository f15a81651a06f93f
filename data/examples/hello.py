#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
import os

import gi

gi.require_version('GstDataChannel', '1.0')
from gi.repository import GLib, GstDataChannel

peer = GstDataChannel.Peer(signaling=os.environ.get('DC_SIGNALING'), room='hello')
peer.start()
channel = peer.wait_channel(None)  # with whoever else is in the room
channel.send(GLib.Bytes.new(b'Hello'), True)
channel.begin_finish()  # there is no more to come
while (data := channel.receive()[0]) is not None:
    print(channel.get_remote_id(), 'says', data.get_data().decode())
channel.finish()  # the other side has got it all
peer.stop()
