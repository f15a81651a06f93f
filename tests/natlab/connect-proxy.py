#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""connect-proxy.py ADDRESS PORT USER PASSWORD: an HTTP proxy that does nothing but CONNECT, to port 443, for one user.

Says a line on standard output for each request. Stricter than those that can be installed, which also fetch pages.
"""

import asyncio
import base64
import sys

_MAX_HEAD = 16384


async def _pump(reader, writer):
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


def _judge(lines, wanted):
    """A status line's end, and whereto if it is 200."""
    method, target, *_ = (*lines[0].split(), '', '')
    headers = dict(line.lower().split(': ', 1)[:1] + line.split(': ', 1)[1:] for line in lines[1:] if ': ' in line)
    host, _, port = target.rpartition(':')
    if method != 'CONNECT':
        return '405 Only CONNECT', None
    if headers.get('proxy-authorization') != wanted:
        return '407 Who are you', None
    if port != '443':
        return '403 Only port 443', None
    return '200 Connected', (host.strip('[]'), int(port))


async def _serve(reader, writer, wanted):
    try:
        head = await asyncio.wait_for(reader.readuntil(b'\r\n\r\n'), 10)
        lines = head.decode('latin-1').split('\r\n')
        status, target = _judge(lines, wanted)
        if target:
            try:
                far_reader, far_writer = await asyncio.wait_for(asyncio.open_connection(*target), 10)
            except (OSError, asyncio.TimeoutError):
                status, target = '502 Nobody there', None
        print(f'{lines[0]}: {status}', flush=True)
        challenge = 'Proxy-Authenticate: Basic realm="natlab"\r\nContent-Length: 0\r\n' if status.startswith('407') else ''
        writer.write(f'HTTP/1.1 {status}\r\n{challenge}\r\n'.encode())
        await writer.drain()
        if target:
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
            far_writer.close()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.TimeoutError, OSError):
        pass
    writer.close()


async def _main(address, port, user, password):
    wanted = 'Basic ' + base64.b64encode(f'{user}:{password}'.encode()).decode()
    server = await asyncio.start_server(lambda r, w: _serve(r, w, wanted), address, int(port), limit=_MAX_HEAD)
    print(f'listening on {address}:{port}', flush=True)
    await server.serve_forever()


if __name__ == '__main__':
    asyncio.run(_main(*sys.argv[1:]))
