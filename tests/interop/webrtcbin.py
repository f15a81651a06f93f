# SPDX-License-Identifier: LGPL-2.1-or-later
"""webrtcbin.py URL ROOM ID offer|answer [CHANNELS]: what echo.js does, with GStreamer's webrtcbin and nothing of ours."""
import json
import sys

import gi
gi.require_version('Gst', '1.0')
gi.require_version('GstWebRTC', '1.0')
gi.require_version('GstSdp', '1.0')
gi.require_version('Soup', '3.0')
from gi.repository import GLib, Gst, GstSdp, GstWebRTC, Soup  # noqa: E402


def log(line):
    print(line, flush=True)


class Echo:
    """Sends back what comes on a channel, and obeys what begins with "!" (see echo.js)."""

    def __init__(self, channel):
        self.channel, self.waiting = channel, []
        self.quiet, self.messages, self.bytes = False, 0, 0
        channel.set_property('buffered-amount-low-threshold', 65536)
        channel.connect('on-buffered-amount-low', lambda _: GLib.idle_add(self.flush))
        channel.connect('on-message-string', lambda _, text: GLib.idle_add(self.on_message, text or ''))
        channel.connect('on-message-data', lambda _, data: GLib.idle_add(self.on_message, data.get_data() if data else b''))
        channel.connect('on-close', lambda _: log(f'closed {channel.props.label}'))
        channel.connect('on-open', lambda _: self.on_open())
        if channel.props.ready_state == GstWebRTC.WebRTCDataChannelState.OPEN:
            self.on_open()

    def on_open(self):
        c = self.channel.props
        limit = lambda value: None if value < 0 else value  # noqa: E731
        log('open ' + json.dumps({
            'label': c.label, 'protocol': c.protocol, 'ordered': c.ordered, 'maxRetransmits': limit(c.max_retransmits),
            'maxPacketLifeTime': limit(c.max_packet_lifetime), 'negotiated': c.negotiated}))

    def on_message(self, data):
        if isinstance(data, str) and data.startswith('!'):
            self.obey(*data[1:].split(' '))
            return
        self.messages += 1
        self.bytes += len(data.encode() if isinstance(data, str) else data)
        if not self.quiet:
            self.send(data)

    def send(self, data):
        self.waiting.append(data)
        self.flush()

    def flush(self):
        while self.waiting and self.channel.props.buffered_amount < 1048576:
            data = self.waiting.pop(0)
            if isinstance(data, str):
                self.channel.emit('send-string', data)
            else:
                self.channel.emit('send-data', GLib.Bytes.new(data))

    def obey(self, command, n='0', size='0'):
        if command == 'close':
            self.channel.emit('close')
        elif command == 'count':
            self.send(f'{self.messages} {self.bytes}')
        elif command == 'quiet':
            self.quiet = True
        elif command == 'send':
            for i in range(int(n)):
                self.send(str(i).ljust(int(size)).encode())


class Meeting:
    """Joins the room and waits for the other peer, or calls it. webrtcbin's threads hand over to the main loop."""

    def __init__(self, socket, room, own_id, offer, channels):
        self.socket, self.id, self.offer, self.channels = socket, own_id, offer, channels
        self.echoes = []
        self.pipeline = Gst.Pipeline.new()
        self.bin = Gst.ElementFactory.make('webrtcbin')
        self.bin.set_property('bundle-policy', 'max-bundle')
        self.pipeline.add(self.bin)
        self.bin.connect('on-data-channel', lambda _, channel: self.echoes.append(Echo(channel)))
        self.bin.connect('on-ice-candidate', lambda _, mline, line: GLib.idle_add(self.on_candidate, mline, line))
        self.pipeline.set_state(Gst.State.PLAYING)
        self.seq = self.seen = 0
        self.remote = self.call = None
        socket.connect('message', self.on_text)
        mine = [{'label': c['label'], 'mode': 'raw'} for c in channels] if offer else [{'mode': 'raw', 'any': True}]
        self.say(type='hello', room=room, id=own_id, meta={'role': 'offerer' if offer else 'answerer', 'channels': mine})

    def say(self, **message):
        self.socket.send_text(json.dumps(message))

    def tell(self, **message):
        self.seq += 1
        self.say(seq=self.seq, to=self.remote, call=self.call, **message)

    def on_candidate(self, mline, line):
        self.tell(type='candidate', candidate=line.removeprefix('a='), mline=mline)

    def make_channels(self, only_negotiated):
        names = {'maxRetransmits': 'max-retransmits', 'maxPacketLifeTime': 'max-packet-lifetime'}
        for channel in self.channels:
            if only_negotiated and not channel.get('negotiated'):
                continue
            options = Gst.Structure.new_empty('options')
            for name, value in channel.items():
                if name != 'label':
                    options.set_value(names.get(name, name), value)
            self.echoes.append(Echo(self.bin.emit('create-data-channel', channel['label'], options)))

    def describe(self, kind, *arguments):
        """Makes an offer or an answer and tells it."""
        def made(promise):
            reply = promise.get_reply()  # its values live as long as it does
            description = reply.get_value(kind)
            text = description.sdp.as_text()
            GLib.idle_add(lambda: self.tell(type=kind, sdp=text))
            self.bin.emit('set-local-description', description, None)
        self.bin.emit(f'create-{kind}', None, Gst.Promise.new_with_change_func(made))

    def take_description(self, kind, text, then):
        _, sdp = GstSdp.SDPMessage.new_from_text(text)
        description = GstWebRTC.WebRTCSessionDescription.new(getattr(GstWebRTC.WebRTCSDPType, kind.upper()), sdp)
        self.bin.emit('set-remote-description', description, Gst.Promise.new_with_change_func(lambda _: then()))

    def start(self, remote):
        self.remote, self.call = remote, f'call-{self.id}'
        self.make_channels(False)
        self.describe('offer')

    def on_text(self, _, kind, data):
        message = json.loads(data.get_data())
        kind = message['type']
        if message.get('seq') and kind not in ('ack', 'error'):
            if message['seq'] <= self.seen:
                return
            self.seen = message['seq']
            self.say(type='ack', seq=self.seen)
        if kind == 'welcome':
            log('registered')
        peers = [peer['id'] for peer in message.get('peers', [])] + ([message['id']] if kind == 'joined' else [])
        if self.offer and not self.remote and peers:
            self.start(peers[0])
        elif kind == 'offer':
            self.remote, self.call = message['from'], message.get('call')
            self.make_channels(True)
            self.take_description('offer', message['sdp'], lambda: self.describe('answer'))
        elif kind == 'answer':
            self.take_description('answer', message['sdp'], lambda: None)
        elif kind == 'candidate':
            self.bin.emit('add-ice-candidate', message['mline'], message['candidate'])
        elif kind in ('bye', 'error'):
            log(f'{kind}: {message.get("reason", message.get("message", ""))}')


def main():
    url, room, own_id, role = sys.argv[1:5]
    channels = json.loads(sys.argv[5]) if len(sys.argv) > 5 else []
    Gst.init(None)
    loop = GLib.MainLoop()
    session = Soup.Session()
    meetings = []

    def connected(_, result):
        meetings.append(Meeting(session.websocket_connect_finish(result), room, own_id, role == 'offer', channels))

    session.websocket_connect_async(
        Soup.Message.new('GET', f'{url}/v1/ws'), None, ['datachannel.v1'], GLib.PRIORITY_DEFAULT, None, connected)
    # Until standard input ends.
    GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, lambda fd, _: bool(sys.stdin.read(1)) or loop.quit())
    loop.run()
    sys.stdout.flush()


main()
