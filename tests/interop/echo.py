# SPDX-License-Identifier: LGPL-2.1-or-later
"""echo.py URL ROOM ID offer|answer [CHANNELS]: what echo.js does, with aiortc. tests/bench measures with its Meeting."""
import asyncio
import sys

import websockets
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

import common


class Echo(common.Echo):
    def __init__(self, channel):
        super().__init__(channel)
        channel.bufferedAmountLowThreshold = 65536
        channel.on('bufferedamountlow', self.flush)
        channel.on('message', self.on_message)
        channel.on('close', lambda: common.log(f'closed {channel.label}'))
        channel.on('open', self.on_open)
        if channel.readyState == 'open':
            self.on_open()

    def describe(self):
        names = ('label', 'protocol', 'ordered', 'maxRetransmits', 'maxPacketLifeTime', 'negotiated')
        return {name: getattr(self.channel, name) for name in names}

    def has_room(self):
        return self.channel.readyState == 'open' and self.channel.bufferedAmount < 1048576

    def send_now(self, data):
        self.channel.send(data)

    def close(self):
        self.channel.close()


class Meeting(common.Meeting):
    def __init__(self, socket, *arguments, attach=Echo):
        super().__init__(*arguments)
        self.attach = attach
        self.socket, self.unsent = socket, asyncio.Queue()
        self.pc = RTCPeerConnection(RTCConfiguration([]))
        self.pc.on('connectionstatechange', lambda: common.log(f'connection {self.pc.connectionState}'))
        self.pc.on('datachannel', attach)
        self.early = []
        self.described = False

    def send_text(self, text):
        self.unsent.put_nowait(text)

    def make_channels(self):
        for channel in self.get_own_channels():
            self.attach(self.pc.createDataChannel(**channel))

    # aiortc does not trickle: its candidates are in the description.
    async def describe(self, description):
        await self.pc.setLocalDescription(description)
        self.tell(type=description.type, sdp=self.pc.localDescription.sdp)
        self.tell(type='end-of-candidates')

    async def take_description(self, kind, sdp):
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, kind))
        self.described = True
        for line in self.early:
            await self.take_candidate(line, 0)

    async def make_offer(self):
        self.make_channels()
        await self.describe(await self.pc.createOffer())

    async def take_offer(self, sdp):
        self.make_channels()
        await self.take_description('offer', sdp)
        await self.describe(await self.pc.createAnswer())

    async def take_answer(self, sdp):
        await self.take_description('answer', sdp)

    async def take_candidate(self, candidate, mline):
        if not self.described:
            self.early.append(candidate)
            return
        parsed = candidate_from_sdp(candidate.split(':', 1)[1])
        parsed.sdpMLineIndex = mline
        await self.pc.addIceCandidate(parsed)

    async def send_all(self):
        while True:
            await self.socket.send(await self.unsent.get())

    # One after the other: a candidate must not overtake its description.
    async def hear_all(self):
        async for text in self.socket:
            step = self.hear(text)
            if step:
                await step

    async def run(self):
        self.say_hello()
        await asyncio.gather(self.send_all(), self.hear_all())


async def main():
    url, arguments = common.parse_arguments()
    async with websockets.connect(f'{url}/v1/ws', subprotocols=['datachannel.v1']) as socket:
        meeting = asyncio.create_task(Meeting(socket, *arguments).run())
        # Until standard input ends.
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        meeting.cancel()


if __name__ == '__main__':
    asyncio.run(main())
