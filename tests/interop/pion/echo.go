// SPDX-License-Identifier: LGPL-2.1-or-later

// echo URL ROOM ID offer|answer [CHANNELS]: what echo.js does, with pion.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"strings"

	"github.com/pion/webrtc/v3"
)

// echo sends back what comes on a channel, and obeys what begins with "!" (see echo.js).
func echo(channel *webrtc.DataChannel) {
	room := make(chan struct{}, 1)
	out := make(chan func() error, 100000) // one after the other
	var messages, bytes int
	var quiet bool

	channel.OnOpen(func() {
		// Before this a channel that the other side has opened forgets it.
		channel.SetBufferedAmountLowThreshold(65536)
		channel.OnBufferedAmountLow(func() {
			select {
			case room <- struct{}{}:
			default:
			}
		})
		told, _ := json.Marshal(map[string]any{"label": channel.Label(), "protocol": channel.Protocol(), "ordered": channel.Ordered(),
			"maxRetransmits": channel.MaxRetransmits(), "maxPacketLifeTime": channel.MaxPacketLifeTime(), "negotiated": channel.Negotiated()})
		fmt.Println("open", string(told))
		go func() {
			for step := range out {
				for channel.BufferedAmount() > 1048576 {
					<-room
				}
				_ = step()
			}
		}()
	})
	channel.OnClose(func() { fmt.Println("closed", channel.Label()) })
	channel.OnMessage(func(message webrtc.DataChannelMessage) {
		words := strings.Split(string(message.Data), " ")
		if !message.IsString || !strings.HasPrefix(words[0], "!") {
			messages++
			bytes += len(message.Data)
			if !quiet {
				if message.IsString {
					out <- func() error { return channel.SendText(string(message.Data)) }
				} else {
					out <- func() error { return channel.Send(message.Data) }
				}
			}
			return
		}
		switch words[0] {
		case "!close":
			out <- channel.Close
		case "!count":
			count := fmt.Sprintf("%d %d", messages, bytes)
			out <- func() error { return channel.SendText(count) }
		case "!quiet":
			quiet = true
		case "!send":
			n, _ := strconv.Atoi(words[1])
			size, _ := strconv.Atoi(words[2])
			for i := 0; i < n; i++ {
				data := []byte(fmt.Sprintf("%-*d", size, i))
				out <- func() error { return channel.Send(data) }
			}
		}
	})
}

func main() {
	log.SetFlags(0)
	log.SetOutput(os.Stdout)
	m := &meeting{room: os.Args[2], id: os.Args[3], offer: os.Args[4] == "offer", attach: echo}
	if len(os.Args) > 5 {
		check(json.Unmarshal([]byte(os.Args[5]), &m.channels))
	}
	meet(m, os.Args[1])
	// Until standard input ends.
	_, _ = io.Copy(io.Discard, os.Stdin)
}
