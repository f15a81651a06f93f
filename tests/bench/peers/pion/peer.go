// SPDX-License-Identifier: LGPL-2.1-or-later

// peer URL ROOM offer|answer|both N: a peer of `./dev bench channels` (see README.md) with pion.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pion/webrtc/v3"
)

const largest = 256 * 1024

var began = time.Now()

func say(object any) {
	text, err := json.Marshal(object)
	check(err)
	fmt.Println(string(text))
}

func fail(err error) {
	say(map[string]any{"error": err.Error()})
	os.Exit(1)
}

// end is one end of a channel.
type end struct {
	offers                bool
	channel               *webrtc.DataChannel
	stream                io.ReadWriter // a Write is a message, and so is a Read
	bytes, messages, sent uint64        // atomic
	room                  chan struct{}
	opened                chan struct{}
}

// bench has all ends of this process.
type bench struct {
	url, room string
	roles     []bool // which offer
	ends      []*end
	echoing   atomic.Bool
	ping      *ping
	stop      chan struct{}
	senders   sync.WaitGroup
}

// The channel is detached: OnMessage takes no 65536 bytes.
func (b *bench) attach(e *end, channel *webrtc.DataChannel) {
	e.channel = channel
	channel.OnOpen(func() {
		channel.OnBufferedAmountLow(func() {
			select {
			case e.room <- struct{}{}:
			default:
			}
		})
		stream, err := channel.Detach()
		if err != nil {
			fail(err)
		}
		e.stream = stream
		go b.receive(e)
		close(e.opened)
	})
}

func (b *bench) receive(e *end) {
	data := make([]byte, largest)
	for {
		n, err := e.stream.Read(data)
		if err != nil {
			fail(err)
		}
		atomic.AddUint64(&e.bytes, uint64(n))
		atomic.AddUint64(&e.messages, 1)
		if !b.echoing.Load() {
			continue
		}
		if e.offers {
			b.ping.back()
		} else {
			e.write(data[:n])
		}
	}
}

func (e *end) write(data []byte) {
	if _, err := e.stream.Write(data); err != nil {
		fail(err)
	}
}

func (b *bench) open(n int) {
	first := len(b.ends) / len(b.roles)
	for i := 0; i < n; i++ {
		for _, offers := range b.roles {
			e := &end{offers: offers, room: make(chan struct{}, 1), opened: make(chan struct{})}
			b.ends = append(b.ends, e)
			m := &meeting{room: fmt.Sprintf("%s-%d", b.room, first+i), id: "answer", offer: offers}
			m.settings.DetachDataChannels()
			m.attach = func(channel *webrtc.DataChannel) { b.attach(e, channel) }
			if offers {
				m.id = "offer"
				m.channels = []channelOptions{{Label: "bench"}}
			}
			meet(m, b.url)
		}
	}
	for _, e := range b.ends {
		<-e.opened
	}
	say(map[string]any{"open": len(b.ends)})
}

func (e *end) send(length int, high uint64, stop chan struct{}) {
	data := make([]byte, length)
	e.channel.SetBufferedAmountLowThreshold(high / 2)
	for {
		select {
		case <-stop:
			return
		default:
		}
		if e.channel.BufferedAmount() >= high {
			select {
			case <-stop:
				return
			case <-e.room:
			}
			continue
		}
		e.write(data)
		atomic.AddUint64(&e.sent, uint64(length))
	}
}

func (b *bench) count() {
	var bytes, messages, sent, rss uint64
	for _, e := range b.ends {
		bytes += atomic.LoadUint64(&e.bytes)
		messages += atomic.LoadUint64(&e.messages)
		sent += atomic.LoadUint64(&e.sent)
	}
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	status, err := os.ReadFile("/proc/self/status")
	check(err)
	_, err = fmt.Sscanf(strings.SplitN(string(status), "VmRSS:", 2)[1], "%d", &rss)
	check(err)
	say(map[string]any{"at": time.Since(began).Nanoseconds(), "bytes": bytes, "messages": messages, "sent": sent,
		"cpu": (usage.Utime.Nano() + usage.Stime.Nano()) / 1000, "rss": rss})
}

// ping makes round trips on the first channel: one after the other, or with an interval whether the one before is back or not.
type ping struct {
	end      *end
	data     []byte
	interval time.Duration
	until    time.Time
	lock     sync.Mutex
	more     bool
	under    []time.Time
	times    []float64 // µs
	done     chan struct{}
}

func (p *ping) send(more bool) {
	p.lock.Lock()
	p.under = append(p.under, time.Now())
	p.more = more
	p.lock.Unlock()
	p.end.write(p.data)
}

func (p *ping) back() {
	now := time.Now()
	p.lock.Lock()
	p.times = append(p.times, float64(now.Sub(p.under[0]).Nanoseconds())/1000)
	p.under = p.under[1:]
	if p.interval == 0 {
		p.more = now.Before(p.until)
	}
	more, last := p.more, len(p.under) == 0
	p.lock.Unlock()
	if more && p.interval == 0 {
		p.send(true)
	} else if !more && last {
		close(p.done)
	}
}

func (p *ping) run() {
	due := time.Now()
	p.send(true)
	for p.interval > 0 && due.Before(p.until) {
		due = due.Add(p.interval)
		time.Sleep(time.Until(due))
		p.send(due.Before(p.until))
	}
	<-p.done
	say(map[string]any{"rtt": p.times})
}

func number(word string) int {
	n, err := strconv.Atoi(word)
	check(err)
	return n
}

func (b *bench) obey(words []string) {
	switch words[0] {
	case "open":
		b.open(number(words[1]))
	case "count":
		b.count()
	case "send":
		b.stop = make(chan struct{})
		for _, e := range b.ends {
			if words[2] == "both" || e.offers == (words[2] == "offer") {
				b.senders.Add(1)
				go func(e *end) {
					defer b.senders.Done()
					e.send(number(words[1]), uint64(number(words[3])), b.stop)
				}(e)
			}
		}
		say(map[string]any{"sending": true})
	case "stop":
		close(b.stop)
		b.senders.Wait()
		b.count()
	case "echo":
		b.echoing.Store(words[1] == "1")
		say(map[string]any{"echo": true})
	case "ping":
		for _, e := range b.ends {
			if e.offers {
				b.ping = &ping{end: e, data: make([]byte, number(words[1])),
					interval: time.Duration(number(words[2])) * time.Microsecond,
					until:    time.Now().Add(time.Duration(number(words[3])) * time.Millisecond), done: make(chan struct{})}
				b.ping.run()
				return
			}
		}
	}
}

func main() {
	b := &bench{url: os.Args[1], room: os.Args[2], stop: make(chan struct{})}
	for _, offers := range []bool{false, true} {
		if os.Args[3] == "both" || offers == (os.Args[3] == "offer") {
			b.roles = append(b.roles, offers)
		}
	}
	b.open(number(os.Args[4]))
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		b.obey(strings.Fields(input.Text()))
	}
}
