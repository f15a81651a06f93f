# SPDX-License-Identifier: LGPL-2.1-or-later
"""echo.py URL ROOM ID offer|answer [CHANNELS]: what echo.js does, with aiortc."""
import asyncio
import json
import sys

import websockets
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp


def log(line):
    print(line, flush=True)


class Echo:
    """Sends back what comes on a channel, and obeys what begins with "!" (see echo.js)."""

    def __init__(self, channel):
        self.channel, self.waiting = channel, []
        self.quiet, self.messages, self.bytes = False, 0, 0
        channel.bufferedAmountLowThreshold = 65536
        channel.on('bufferedamountlow', self.flush)
        channel.on('message', self.on_message)
        channel.on('close', lambda: log(f'closed {channel.label}'))
        channel.on('open', self.on_open)
        if channel.readyState == 'open':
            self.on_open()

    def on_open(self):
        c = self.channel
        log('open ' + json.dumps({
            'label': c.label, 'protocol': c.protocol, 'ordered': c.ordered, 'maxRetransmits': c.maxRetransmits,
            'maxPacketLifeTime': c.maxPacketLifeTime, 'negotiated': c.negotiated}))

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
        while self.waiting and self.channel.readyState == 'open' and self.channel.bufferedAmount < 1048576:
            self.channel.send(self.waiting.pop(0))

    def obey(self, command, n='0', size='0'):
        if command == 'close':
            self.channel.close()
        elif command == 'count':
            self.send(f'{self.messages} {self.bytes}')
        elif command == 'quiet':
            self.quiet = True
        elif command == 'send':
            for i in range(int(n)):
                self.send(str(i).ljust(int(size)).encode())


class Meeting:
    """Joins the room and waits for the other peer, or calls it."""

    def __init__(self, socket, room, own_id, offer, channels):
        self.socket, self.room, self.id, self.offer, self.channels = socket, room, own_id, offer, channels
        self.pc = RTCPeerConnection(RTCConfiguration([]))
        self.pc.on('connectionstatechange', lambda: log(f'connection {self.pc.connectionState}'))
        self.pc.on('datachannel', Echo)
        self.seq = self.seen = 0
        self.remote = self.call = None
        self.early = []
        self.described = False

    async def say(self, **message):
        await self.socket.send(json.dumps(message))

    async def tell(self, **message):
        self.seq += 1
        await self.say(seq=self.seq, to=self.remote, call=self.call, **message)

    def make_channels(self, only_negotiated):
        names = {'maxRetransmits': 'maxRetransmits', 'maxPacketLifeTime': 'maxPacketLifeTime'}
        for channel in self.channels:
            if channel.get('negotiated') or not only_negotiated:
                Echo(self.pc.createDataChannel(channel['label'], **{
                    names.get(name, name): value for name, value in channel.items() if name != 'label'}))

    # aiortc does not trickle: its candidates are in the description.
    async def describe(self, description):
        await self.pc.setLocalDescription(description)
        await self.tell(type=description.type, sdp=self.pc.localDescription.sdp)
        await self.tell(type='end-of-candidates')

    async def start(self, remote):
        self.remote, self.call = remote, f'call-{self.id}'
        self.make_channels(False)
        await self.describe(await self.pc.createOffer())

    async def take_description(self, kind, sdp):
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, kind))
        self.described = True
        for line in self.early:
            await self.take_candidate(line)

    async def take_candidate(self, line):
        if not self.described:
            self.early.append(line)
            return
        candidate = candidate_from_sdp(line.split(':', 1)[1])
        candidate.sdpMLineIndex = 0
        await self.pc.addIceCandidate(candidate)

    async def handle(self, message):
        kind = message['type']
        if message.get('seq') and kind not in ('ack', 'error'):
            if message['seq'] <= self.seen:
                return
            self.seen = message['seq']
            await self.say(type='ack', seq=self.seen)
        if kind == 'welcome':
            log('registered')
        peers = [peer['id'] for peer in message.get('peers', [])] + ([message['id']] if kind == 'joined' else [])
        if self.offer and not self.remote and peers:
            await self.start(peers[0])
        elif kind == 'offer':
            self.remote, self.call = message['from'], message.get('call')
            self.make_channels(True)
            await self.take_description('offer', message['sdp'])
            await self.describe(await self.pc.createAnswer())
        elif kind == 'answer':
            await self.take_description('answer', message['sdp'])
        elif kind == 'candidate':
            await self.take_candidate(message['candidate'])
        elif kind in ('bye', 'error'):
            log(f'{kind}: {message.get("reason", message.get("message", ""))}')

    async def run(self):
        channels = [{'label': c['label'], 'mode': 'raw'} for c in self.channels] if self.offer else [{'mode': 'raw', 'any': True}]
        await self.say(type='hello', room=self.room, id=self.id,
                       meta={'role': 'offerer' if self.offer else 'answerer', 'channels': channels})
        async for text in self.socket:
            await self.handle(json.loads(text))


async def main():
    url, room, own_id, role = sys.argv[1:5]
    channels = json.loads(sys.argv[5]) if len(sys.argv) > 5 else []
    async with websockets.connect(f'{url}/v1/ws', subprotocols=['datachannel.v1']) as socket:
        meeting = asyncio.create_task(Meeting(socket, room, own_id, role == 'offer', channels).run())
        # Until standard input ends.
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        meeting.cancel()


asyncio.run(main())
