# SPDX-License-Identifier: LGPL-2.1-or-later
"""webrtcbin.py URL ROOM ID offer|answer [CHANNELS]: what echo.js does, with GStreamer's webrtcbin and nothing of ours."""
import sys

import gi
gi.require_version('Gst', '1.0')
gi.require_version('GstWebRTC', '1.0')
gi.require_version('GstSdp', '1.0')
gi.require_version('Soup', '3.0')
from gi.repository import GLib, GObject, Gst, GstSdp, GstWebRTC, Soup  # noqa: E402

import common  # noqa: E402


class Echo(common.Echo):
    """webrtcbin's threads hand over to the main loop, here and below."""

    def __init__(self, channel, meeting):
        super().__init__(channel)
        self.meeting, self.sent = meeting, 0
        channel.set_property('buffered-amount-low-threshold', 65536)
        channel.connect('on-buffered-amount-low', lambda _: GLib.idle_add(self.flush))
        channel.connect('on-message-string', lambda _, text: GLib.idle_add(self.on_message, text or ''))
        channel.connect('on-message-data', lambda _, data: GLib.idle_add(self.on_message, data.get_data() if data else b''))
        channel.connect('on-close', lambda _: common.log(f'closed {channel.props.label}'))
        channel.connect('on-open', lambda _: GLib.idle_add(self.on_open))
        if self.is_open():
            GLib.idle_add(self.on_open)

    def is_open(self):
        return self.channel.props.ready_state == GstWebRTC.WebRTCDataChannelState.OPEN

    def describe(self):
        c = self.channel.props
        limit = lambda value: None if value < 0 else value  # noqa: E731
        return {'label': c.label, 'protocol': c.protocol, 'ordered': c.ordered, 'maxRetransmits': limit(c.max_retransmits),
                'maxPacketLifeTime': limit(c.max_packet_lifetime), 'negotiated': c.negotiated}

    def has_room(self):
        return self.is_open() and self.channel.props.buffered_amount < 1048576

    def send_now(self, data):
        self.sent += len(data.encode() if isinstance(data, str) else data)
        if isinstance(data, str):
            self.channel.emit('send-string', data)
        else:
            self.channel.emit('send-data', GLib.Bytes.new(data))

    def close(self):
        """webrtcbin 1.22 closes the stream while the last message is on its way to SCTP, though bufferedAmount is 0; no signal says when it is there."""
        if self.meeting.sctpenc.emit('bytes-sent', self.channel.props.id) < self.sent:
            GLib.timeout_add(10, self.close)
        else:
            self.channel.emit('close')
        return GLib.SOURCE_REMOVE


class Meeting(common.Meeting):
    def __init__(self, socket, *arguments):
        super().__init__(*arguments)
        self.socket, self.echoes, self.sctpenc = socket, [], None
        self.pipeline = Gst.Pipeline.new()
        self.bin = Gst.ElementFactory.make('webrtcbin')
        self.bin.set_property('bundle-policy', 'max-bundle')
        self.pipeline.add(self.bin)
        self.bin.connect('deep-element-added', self.on_element)
        self.bin.connect('on-data-channel', lambda _, channel: self.echoes.append(Echo(channel, self)))
        self.bin.connect('on-ice-candidate', lambda _, mline, line: GLib.idle_add(self.on_candidate, mline, line))
        self.pipeline.set_state(Gst.State.PLAYING)
        socket.connect('message', lambda _, kind, data: self.hear(data.get_data()))
        self.say_hello()

    def send_text(self, text):
        self.socket.send_text(text)

    def on_element(self, _bin, _sub_bin, element):
        if GObject.type_name(element) == 'GstSctpEnc':
            self.sctpenc = element

    def on_candidate(self, mline, line):
        self.tell(type='candidate', candidate=line.removeprefix('a='), mline=mline)

    def make_channels(self):
        names = {'maxRetransmits': 'max-retransmits', 'maxPacketLifeTime': 'max-packet-lifetime'}
        for channel in self.get_own_channels():
            options = Gst.Structure.new_empty('options')
            for name, value in channel.items():
                if name != 'label':
                    options.set_value(names.get(name, name), value)
            self.echoes.append(Echo(self.bin.emit('create-data-channel', channel['label'], options), self))

    def describe(self, kind):
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

    def make_offer(self):
        self.make_channels()
        self.describe('offer')

    def take_offer(self, sdp):
        self.make_channels()
        self.take_description('offer', sdp, lambda: self.describe('answer'))

    def take_answer(self, sdp):
        self.take_description('answer', sdp, lambda: None)

    def take_candidate(self, candidate, mline):
        self.bin.emit('add-ice-candidate', mline, candidate)


def main():
    url, arguments = common.parse_arguments()
    Gst.init(None)
    loop = GLib.MainLoop()
    session = Soup.Session()
    meetings = []

    def connected(_, result):
        meetings.append(Meeting(session.websocket_connect_finish(result), *arguments))

    session.websocket_connect_async(
        Soup.Message.new('GET', f'{url}/v1/ws'), None, ['datachannel.v1'], GLib.PRIORITY_DEFAULT, None, connected)
    # Until standard input ends.
    GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, lambda fd, _: bool(sys.stdin.read(1)) or loop.quit())
    loop.run()
    sys.stdout.flush()


main()
