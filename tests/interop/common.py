# SPDX-License-Identifier: LGPL-2.1-or-later
"""common.py: what echo.py and webrtcbin.py have in common: all of signaling, and of the echo, that is not of one stack."""
import json
import sys


def log(line):
    print(line, flush=True)


def parse_arguments():
    """(url, (room, id, whether to call, the channels))"""
    url, room, own_id, role = sys.argv[1:5]
    channels = json.loads(sys.argv[5]) if len(sys.argv) > 5 else []
    return url, (room, own_id, role == 'offer', channels)


class Meeting:
    """Joins the room and waits for the other peer, or calls it. A stack fills in what raises NotImplementedError; where that is a
    coroutine, hear() returns it."""

    def __init__(self, room, own_id, offer, channels):
        self.room, self.id, self.offer, self.channels = room, own_id, offer, channels
        self.seq = self.seen = 0
        self.remote = self.call = None

    def send_text(self, text):
        raise NotImplementedError

    def make_offer(self):
        raise NotImplementedError

    def take_offer(self, sdp):
        raise NotImplementedError

    def take_answer(self, sdp):
        raise NotImplementedError

    def take_candidate(self, candidate, mline):
        raise NotImplementedError

    def say(self, **message):
        self.send_text(json.dumps(message))

    def tell(self, **message):
        self.seq += 1
        self.say(seq=self.seq, to=self.remote, call=self.call, **message)

    def say_hello(self):
        mine = [{'label': c['label'], 'mode': 'raw'} for c in self.channels] if self.offer else [{'mode': 'raw', 'any': True}]
        self.say(type='hello', room=self.room, id=self.id,
                 meta={'role': 'offerer' if self.offer else 'answerer', 'channels': mine})

    def get_own_channels(self):
        """Those to be made here: all by the caller, and by the called one those that are not announced in band."""
        return [channel for channel in self.channels if self.offer or channel.get('negotiated')]

    def is_news(self, message):
        """Messages with a number come again until they are acknowledged."""
        if not message.get('seq') or message['type'] in ('ack', 'error'):
            return True
        if message['seq'] <= self.seen:
            return False
        self.seen = message['seq']
        self.say(type='ack', seq=self.seen)
        return True

    def hear(self, text):
        message = json.loads(text)
        kind = message['type']
        if not self.is_news(message):
            return None
        if kind == 'welcome':
            log('registered')
        peers = [peer['id'] for peer in message.get('peers', [])] + ([message['id']] if kind == 'joined' else [])
        if self.offer and not self.remote and peers:
            self.remote, self.call = peers[0], f'call-{self.id}'
            return self.make_offer()
        if kind == 'offer':
            self.remote, self.call = message['from'], message.get('call')
            return self.take_offer(message['sdp'])
        if kind == 'answer':
            return self.take_answer(message['sdp'])
        if kind == 'candidate':
            return self.take_candidate(message['candidate'], message.get('mline', 0))
        if kind in ('bye', 'error'):
            log(f'{kind}: {message.get("reason", message.get("message", ""))}')
        return None


class Echo:
    """Sends back what comes on a channel, and obeys what begins with "!" (see echo.js). A stack fills in what raises
    NotImplementedError."""

    def __init__(self, channel):
        self.channel, self.waiting = channel, []
        self.quiet, self.messages, self.bytes = False, 0, 0

    def describe(self):
        raise NotImplementedError

    def has_room(self):
        raise NotImplementedError

    def send_now(self, data):
        raise NotImplementedError

    def close(self):
        raise NotImplementedError

    def on_open(self):
        log('open ' + json.dumps(self.describe()))
        # What came on an unordered channel may have overtaken that it is open.
        self.flush()

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
        while self.waiting and self.has_room():
            self.send_now(self.waiting.pop(0))

    def obey(self, command, n='0', size='0'):
        if command == 'close':
            self.close()
        elif command == 'count':
            self.send(f'{self.messages} {self.bytes}')
        elif command == 'quiet':
            self.quiet = True
        elif command == 'send':
            for i in range(int(n)):
                self.send(str(i).ljust(int(size)).encode())
