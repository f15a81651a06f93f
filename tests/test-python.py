#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-python.py: the library as a program in another language sees it, and the examples. Speaks TAP.

Needs in the environment: DCSIGNALD, HELLO (the example in C), DC_SRCDIR, and where the typelib and the library are.
"""

import faulthandler
import gc
import os
import re
import socket
import subprocess
import sys
import threading
import unittest
from pathlib import Path

# A critical message of GLib's is a fault, whatever becomes of the case. Before GLib is loaded.
os.environ.setdefault('G_DEBUG', 'fatal-criticals')
try:
    import gi
except ImportError:
    print('1..0 # SKIP python3-gi is not installed')
    sys.exit(0)

gi.require_version('GstDataChannel', '1.0')
from gi.repository import GLib, GObject, GstDataChannel  # noqa: E402

Error = GstDataChannel.Error
LIMIT = 60  # seconds for one case
SOURCES = Path(os.environ['DC_SRCDIR'])
EXAMPLES = SOURCES / 'data/examples'


class Daemon:
    """dcsignald on a free port. It ends with us, whatever becomes of us: a shell waits for the end of its input."""

    def __init__(self):
        shell = ['sh', '-c', '"$@" & read -r _; kill $!; wait', 'sh']
        command = [*shell, os.environ['DCSIGNALD'], '--listen', '127.0.0.1:0']
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = re.search(r'ws://\S+', self.process.stdout.readline())[0]
        # What it logs must not fill the pipe.
        self.reader = threading.Thread(target=self.process.stdout.read)
        self.reader.start()

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


class Recorder:
    """What a signal's handler was given, for the thread that waits for it."""

    def __init__(self, source, signal, take=lambda *arguments: arguments):
        self.seen = []
        self.threads = set()
        self.changed = threading.Condition()
        self.take = take
        source.connect(signal, self.handle)

    def handle(self, _source, *arguments):
        taken = self.take(*arguments)
        with self.changed:
            self.seen.append(taken)
            self.threads.add(threading.get_ident())
            self.changed.notify_all()

    def wait(self, wanted=lambda _: True):
        """The first that is as wanted."""
        with self.changed:
            self.changed.wait_for(lambda: any(map(wanted, self.seen)))
            return next(filter(wanted, self.seen))


class Background(threading.Thread):
    """Calls something that waits; result() is what it returned, or raises what it raised."""

    def __init__(self, call, *arguments):
        super().__init__()
        self.call, self.arguments = call, arguments
        self.returned = self.raised = None
        self.start()

    def run(self):
        try:
            self.returned = self.call(*self.arguments)
        except GLib.Error as error:
            self.raised = error

    def result(self):
        self.join()
        if self.raised is not None:
            raise self.raised
        return self.returned


def to_dictionary(structure):
    return GstDataChannel.event_to_variant(structure).unpack()


def send(channel, data, text=False):
    return channel.send(GLib.Bytes.new(data), text)


def receive(channel):
    data, text = channel.receive()
    return (data.get_data() or b'', text) if data is not None else None


def closed_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Case(unittest.TestCase):
    def setUp(self):
        # Where each thread hangs, also if one does with the interpreter's lock; meson ends us, and who was started here.
        faulthandler.dump_traceback_later(LIMIT)
        self.addCleanup(faulthandler.cancel_dump_traceback_later)

    def make(self, **properties):
        """A peer in the case's own room."""
        properties = {'signaling': daemon.url, 'room': self._testMethodName, **properties}
        peer = GstDataChannel.Peer(**properties)
        self.addCleanup(peer.stop)
        return peer

    def make_pair(self, options=(), **properties):
        offerer = self.make(id='offerer', role=GstDataChannel.Role.OFFERER, **properties)
        answerer = self.make(id='answerer', role=GstDataChannel.Role.ANSWERER)
        for peer in (answerer, offerer):
            for option in options:
                peer.add_channel(option)
        return offerer, answerer

    def connect_pair(self, options=(), **properties):
        """Two channels that are one another's far side."""
        self.offerer, self.answerer = self.make_pair(options, **properties)
        self.answerer.start()
        self.offerer.start()
        return self.offerer.wait_channel(None), self.answerer.wait_channel(None)

    def assert_fails(self, code, sentence, call, *arguments):
        with self.assertRaises(GLib.Error) as caught:
            call(*arguments)
        self.assert_error(caught.exception, code, sentence)

    def assert_error(self, error, code, sentence):
        self.assertTrue(error.matches(GstDataChannel.error_quark(), code), repr(error))
        self.assertRegex(error.message, sentence)


class Data(Case):
    def test_both_ways(self):
        ours, theirs = self.connect_pair()
        whole = bytes(range(256)) * 1000
        acknowledged = Recorder(ours, 'acknowledged')
        for data, text in ((b'\0bytes', False), ('text ä'.encode(), True), (b'', False), (whole, False)):
            sending = Background(send, ours, data, text)
            self.assertEqual(receive(theirs), (data, text))
            sending.result()
            sending = Background(send, theirs, data, text)
            self.assertEqual(receive(ours), (data, text))
            sending.result()
        ours.begin_finish()
        self.assertIsNone(receive(theirs))
        acknowledged.wait(lambda n: n == (4,))

    def test_end(self):
        ours, theirs = self.connect_pair()
        finished, closed, far_closed = Recorder(ours, 'finished'), Recorder(ours, 'closed'), Recorder(theirs, 'closed')
        send(ours, b'last')
        ours.begin_finish()
        self.assertFalse(ours.is_finished())
        self.assertEqual(receive(theirs), (b'last', False))
        self.assertIsNone(receive(theirs))
        finished.wait()
        self.assertTrue(ours.finish())
        self.assertTrue(ours.is_finished())
        answer = Background(theirs.finish)
        self.assertIsNone(receive(ours))
        self.assertTrue(answer.result())
        ours.close()
        self.assertEqual([closed.wait(), far_closed.wait()], [(None,), (None,)])
        self.assertTrue(ours.is_ended() and theirs.is_ended())

    def test_raw_and_link_side_by_side(self):
        raw = GstDataChannel.ChannelOptions.new('raw')
        raw.mode, raw.ordered, raw.max_retransmits = GstDataChannel.Mode.RAW, False, 3
        raw.set_protocol('greetings')
        link = GstDataChannel.ChannelOptions.new(None)
        self.offerer, self.answerer = self.make_pair([raw, link])
        opened = Recorder(self.offerer, 'event', to_dictionary)
        self.answerer.start()
        self.offerer.start()
        for label, mode in (('raw', GstDataChannel.Mode.RAW), ('data', GstDataChannel.Mode.LINK)):
            ours, theirs = (peer.wait_channel(label) for peer in (self.offerer, self.answerer))
            self.assertEqual((ours.get_label(), ours.get_mode(), ours.get_remote_id()), (label, mode, 'answerer'))
            send(ours, b'Hello', True)
            self.assertEqual(receive(theirs), (b'Hello', True))
        told = opened.wait(lambda event: event['event'] == 'channel-open' and event['label'] == 'raw')
        self.assertEqual(told['protocol'], 'greetings')
        self.assertEqual((told['ordered'], told['max-retransmits']), (False, 3))
        self.assertIsNone(self.offerer.try_channel(None))


class Telling(Case):
    def test_events(self):
        offerer, answerer = self.make_pair()
        events = Recorder(offerer, 'event', to_dictionary)
        channels = Recorder(offerer, 'channel', lambda channel: channel.get_label())
        answerer.start()
        offerer.start()
        offerer.wait_channel(None)
        self.assertEqual(channels.wait(), 'data')
        names = [event['event'] for event in events.seen]
        wanted = ['registered', 'calling', 'selected-pair', 'identity', 'channel-open']
        # ICE may come to a better pair, of which it tells again.
        self.assertEqual(list(dict.fromkeys(name for name in names if name in wanted)), wanted)
        identity = events.wait(lambda event: event['event'] == 'identity')
        self.assertEqual((identity['verified'], identity['peer']), (True, 'answerer'))
        self.assertGreater(identity['t'], 0)
        self.assertEqual(offerer.dup_id(), 'offerer')
        # One thread of the library's, which is not ours.
        self.assertEqual(len(events.threads), 1)
        self.assertNotIn(threading.get_ident(), events.threads)

    def test_statistics(self):
        ours, theirs = self.connect_pair()
        send(ours, b'12345')
        receive(theirs)
        statistics = Recorder(self.offerer, 'statistics', to_dictionary)
        self.offerer.props.stats_interval = 10
        told = statistics.wait()
        self.offerer.props.stats_interval = 0
        for stats in (told, to_dictionary(self.offerer.dup_stats()), to_dictionary(self.offerer.props.stats)):
            self.assertEqual((stats['event'], stats['id'], stats['bytes-sent']), ('datachannel-statistics', 'offerer', 5))
            [connection] = stats['connections']
            [channel] = connection['channels']
            self.assertEqual((connection['peer'], connection['state']), ('answerer', 'open'))
            self.assertEqual((channel['label'], channel['buffers-sent'], channel['state']), ('data', 1, 'open'))
        self.assertEqual(to_dictionary(theirs.dup_stats())['bytes-received'], 5)

    def test_properties(self):
        given = {
            'role': GstDataChannel.Role.ANSWERER,
            'ice_transport_policy': GstDataChannel.IcePolicy.RELAY,
            'fast': GstDataChannel.Fast.AUTO,
            'turn_servers': ['turn://a:b@127.0.0.1'],
            'connect_timeout': 7,
            'use_turn': False,
            'once': True,
            'max_connections': 3,
            'stats_interval': 9,
            'remote_peer': 'bob',
        }
        peer = self.make(**given)
        self.assertEqual({name: peer.get_property(name) for name in given}, given)
        plain = GstDataChannel.Peer()
        self.assertEqual(plain.props.signaling, GstDataChannel.PEER_DEFAULT_SIGNALING)
        self.assertEqual(plain.props.fast, GstDataChannel.Fast.get_default())
        self.assertEqual(plain.props.room, GstDataChannel.PEER_DEFAULT_ROOM)
        self.assertEqual(plain.props.resume_timeout, GstDataChannel.PEER_DEFAULT_RESUME_TIMEOUT)
        readable = [spec.name for spec in plain.list_properties() if spec.flags & GObject.ParamFlags.READABLE]
        for name in readable:
            plain.get_property(name)
        self.assertNotIn('secret', readable)

    def test_options(self):
        options = GstDataChannel.ChannelOptions.new('one')
        options.window = 1 << 20
        other = options.copy()
        other.set_label('two')
        self.assertEqual((options.label, other.label, other.window), ('one', 'two', 1 << 20))
        self.assertEqual(options.wants, GstDataChannel.Direction.BOTH)
        self.assertTrue(other.check())


class Errors(Case):
    def test_usage(self):
        options = GstDataChannel.ChannelOptions.new('small')
        options.window = 1
        peer = self.make()
        self.assert_fails(Error.USAGE, 'window must be of at least 65536', peer.add_channel, options)
        self.assert_fails(Error.USAGE, 'label', peer.add_channel, GstDataChannel.ChannelOptions())
        self.assert_fails(Error.USAGE, 'not started', peer.wait_channel, None)
        peer.start()
        self.assert_fails(Error.USAGE, 'started once', peer.start)
        self.assert_fails(Error.USAGE, 'before it is started', peer.add_channel, GstDataChannel.ChannelOptions.new('late'))
        self.assert_fails(Error.USAGE, 'begins with "ftp://"', self.make(signaling='ftp://127.0.0.1').start)
        self.assert_fails(Error.USAGE, "cannot be a peer's id", self.make(remote_peer='a b').start)

    def test_signaling(self):
        peer = self.make(signaling=f'ws://127.0.0.1:{closed_port()}', connect_timeout=1)
        failed = Recorder(peer, 'failed')
        peer.start()
        self.assert_fails(Error.SIGNALING, 'Connection refused', peer.wait_channel, None)
        self.assert_error(failed.wait()[0], Error.SIGNALING, 'Connection refused')

    def test_connection(self):
        peer = self.make(connect_timeout=1)
        peer.start()
        self.assert_fails(Error.CONNECTION, 'no other peer came into room', peer.wait_channel, None)
        self.assert_fails(Error.CONNECTION, 'no other peer came into room', peer.try_channel, None)

    def test_peer_gone(self):
        ours, theirs = self.connect_pair()
        closed = Recorder(theirs, 'closed')
        waiting = Background(theirs.receive)
        ours.abort('the disk is full')
        self.assert_fails(Error.PEER_GONE, 'the disk is full', waiting.result)
        self.assert_error(closed.wait()[0], Error.PEER_GONE, 'the disk is full')
        self.assert_fails(Error.PEER_GONE, 'the disk is full', send, theirs, b'too late')
        self.assert_fails(Error.PEER_GONE, 'broken off at this end', send, ours, b'too late')

    def test_data(self):
        ours, theirs = self.connect_pair()
        self.assert_fails(Error.DATA, 'not UTF-8', send, ours, b'\xff', True)
        send(ours, b'\xff')  # the channel goes on
        self.assertEqual(receive(theirs), (b'\xff', False))
        ours.begin_finish()
        self.assert_fails(Error.DATA, 'its end was announced', send, ours, b'more')

    def test_flushing(self):
        ours, _theirs = self.connect_pair()
        waiting = Background(ours.receive)
        ours.set_flushing(GstDataChannel.Direction.RECEIVE, True)
        self.assert_fails(Error.FLUSHING, 'interrupted', waiting.result)
        self.assertTrue(send(ours, b'the other direction'))
        waiting = Background(self.offerer.wait_channel, None)
        self.offerer.stop()
        self.assert_fails(Error.FLUSHING, 'interrupted', waiting.result)


class Letting(Case):
    """Peers that nobody stopped. Handlers hold the interpreter's lock, which must not be waited for in a circle."""

    def start(self, handler):
        peer = GstDataChannel.Peer(signaling=daemon.url, room=self._testMethodName)
        gone = threading.Event()
        peer.weak_ref(gone.set)
        registered = Recorder(peer, 'event', to_dictionary)
        peer.connect('event', handler)
        peer.start()
        registered.wait()
        return peer, gone

    def test_go_while_handlers_run(self):
        for _ in range(10):
            peer, gone = self.start(lambda _peer, event: to_dictionary(event))
            del peer
            gc.collect()
            gone.wait()

    def test_go_in_a_handler(self):
        for _ in range(10):
            holder, filled = [], threading.Event()

            def drop(_peer, _event, holder=holder, filled=filled):
                filled.wait()
                holder.clear()

            peer = GstDataChannel.Peer(signaling=daemon.url, room=self._testMethodName)
            gone = threading.Event()
            peer.weak_ref(gone.set)
            peer.connect('event', drop)
            peer.start()
            holder.append(peer)
            del peer
            filled.set()
            gone.wait()


class Examples(Case):
    def run_two(self, *commands):
        """Outputs of the two programs, which must both end well."""
        env = {**os.environ, 'DC_SIGNALING': daemon.url}
        pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True}
        limit = ['timeout', str(LIMIT)]  # whatever becomes of us
        programs = [subprocess.Popen([*limit, *command], env=env, **pipes) for command in commands]
        outputs = [program.communicate() for program in programs]
        for program, (_, said) in zip(programs, outputs):
            self.assertEqual(program.returncode, 0, said)
        return [output for output, _ in outputs]

    def test_peer(self):
        command = [sys.executable, EXAMPLES / 'peer.py']
        answers, calls = self.run_two([*command, 'answer'], [*command, 'offer', 'good morning', 'bye'])
        self.assertRegex(answers, r'^\S+: good morning\n\S+: bye\n$')
        self.assertRegex(calls, r'^\S+: GOOD MORNING\n\S+: BYE\n$')

    def test_peer_fails(self):
        env = {**os.environ, 'DC_SIGNALING': 'ftp://nowhere'}
        done = subprocess.run([sys.executable, EXAMPLES / 'peer.py', 'offer'], env=env, capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, '^peer.py: .*ftp://')

    def test_hello(self):
        for output in self.run_two([sys.executable, EXAMPLES / 'hello.py'], [os.environ['HELLO']]):
            self.assertRegex(output, r'^\S+ says Hello\n$')

    def test_readme_shows_hello(self):
        code = EXAMPLES.joinpath('hello.py').read_text(encoding='utf-8').split('\n', 2)[2]
        shown = ''.join('    ' + line if line.strip() else line for line in code.splitlines(keepends=True))
        readme = SOURCES.joinpath('README.md').read_text(encoding='utf-8')
        self.assertTrue(shown in readme, 'README.md does not show data/examples/hello.py as it is')


class Tap(unittest.TestResult):
    """Each case as a line, with what went wrong as comments before it."""

    def tell(self, case, mark=''):
        print(f'{mark}ok {self.testsRun} /python/{type(case).__name__.lower()}/{case._testMethodName}', flush=True)

    def tell_fault(self, case, fault):
        print('# ' + self._exc_info_to_string(fault, case).rstrip().replace('\n', '\n# '))
        self.tell(case, 'not ')

    def addSuccess(self, case):
        self.tell(case)

    def addFailure(self, case, err):
        super().addFailure(case, err)
        self.tell_fault(case, err)

    def addError(self, case, err):
        super().addError(case, err)
        self.tell_fault(case, err)


if __name__ == '__main__':
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules['__main__'])
    print(f'1..{suite.countTestCases()}')
    daemon = Daemon()
    try:
        passed = suite.run(Tap()).wasSuccessful()
    finally:
        daemon.stop()
    sys.exit(0 if passed else 1)
