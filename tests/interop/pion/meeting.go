// SPDX-License-Identifier: LGPL-2.1-or-later

// meeting.go: what meet() of echo.js does, with pion. tests/bench uses it, too.
package main

import (
	"fmt"
	"log"
	"sync"

	"github.com/gorilla/websocket"
	"github.com/pion/webrtc/v3"
)

type message struct {
	Type      string  `json:"type"`
	Seq       uint64  `json:"seq,omitempty"`
	Room      string  `json:"room,omitempty"`
	ID        string  `json:"id,omitempty"`
	Meta      *meta   `json:"meta,omitempty"`
	Peers     []peer  `json:"peers,omitempty"`
	To        string  `json:"to,omitempty"`
	From      string  `json:"from,omitempty"`
	Call      string  `json:"call,omitempty"`
	SDP       string  `json:"sdp,omitempty"`
	Candidate string  `json:"candidate,omitempty"`
	Mline     *uint16 `json:"mline,omitempty"`
	Reason    string  `json:"reason,omitempty"`
	Message   string  `json:"message,omitempty"`
}

type peer struct {
	ID string `json:"id"`
}

type meta struct {
	Role     string        `json:"role"`
	Channels []metaChannel `json:"channels"`
}

type metaChannel struct {
	Label string `json:"label,omitempty"`
	Mode  string `json:"mode"`
	Any   bool   `json:"any,omitempty"`
}

type channelOptions struct {
	Label             string  `json:"label"`
	Ordered           *bool   `json:"ordered"`
	MaxRetransmits    *uint16 `json:"maxRetransmits"`
	MaxPacketLifeTime *uint16 `json:"maxPacketLifeTime"`
	Protocol          *string `json:"protocol"`
	Negotiated        bool    `json:"negotiated"`
	ID                *uint16 `json:"id"`
}

func check(err error) {
	if err != nil {
		log.Fatalf("failed: %v", err)
	}
}

// meeting joins the room and waits for the other peer, or calls it.
type meeting struct {
	lock         sync.Mutex // of the socket and seq
	socket       *websocket.Conn
	pc           *webrtc.PeerConnection
	room, id     string
	offer        bool
	channels     []channelOptions
	seq, seen    uint64
	remote, call string
	early        []webrtc.ICECandidateInit
	attach       func(*webrtc.DataChannel) // what is done with a channel, as soon as there is one
	settings     webrtc.SettingEngine
}

func (m *meeting) say(message message) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if message.To != "" {
		m.seq++
		message.Seq = m.seq
		message.Call = m.call
	}
	check(m.socket.WriteJSON(message))
}

func (m *meeting) makeChannels(onlyNegotiated bool) {
	for _, options := range m.channels {
		if onlyNegotiated && !options.Negotiated {
			continue
		}
		init := &webrtc.DataChannelInit{
			Ordered: options.Ordered, MaxRetransmits: options.MaxRetransmits,
			MaxPacketLifeTime: options.MaxPacketLifeTime, Protocol: options.Protocol,
		}
		if options.Negotiated {
			init.Negotiated = &options.Negotiated
			init.ID = options.ID
		}
		channel, err := m.pc.CreateDataChannel(options.Label, init)
		check(err)
		m.attach(channel)
	}
}

func (m *meeting) start(remote string) {
	m.remote, m.call = remote, "call-"+m.id
	m.makeChannels(false)
	offer, err := m.pc.CreateOffer(nil)
	check(err)
	m.say(message{Type: "offer", To: m.remote, SDP: offer.SDP})
	check(m.pc.SetLocalDescription(offer))
}

func (m *meeting) answer(offer message) {
	m.remote, m.call = offer.From, offer.Call
	m.makeChannels(true)
	check(m.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer.SDP}))
	answer, err := m.pc.CreateAnswer(nil)
	check(err)
	m.say(message{Type: "answer", To: m.remote, SDP: answer.SDP})
	check(m.pc.SetLocalDescription(answer))
	m.takeEarly()
}

func (m *meeting) takeEarly() {
	for _, candidate := range m.early {
		check(m.pc.AddICECandidate(candidate))
	}
	m.early = nil
}

func (m *meeting) takeCandidate(candidate string, mline *uint16) {
	init := webrtc.ICECandidateInit{Candidate: candidate, SDPMLineIndex: mline}
	if m.pc.RemoteDescription() == nil {
		m.early = append(m.early, init)
	} else if err := m.pc.AddICECandidate(init); err != nil {
		fmt.Println("candidate refused:", err)
	}
}

func (m *meeting) handle(in message) {
	if in.Seq > 0 && in.Type != "ack" && in.Type != "error" {
		if in.Seq <= m.seen {
			return
		}
		m.seen = in.Seq
		m.say(message{Type: "ack", Seq: m.seen})
	}
	switch in.Type {
	case "welcome":
		fmt.Println("registered")
		if m.offer && len(in.Peers) > 0 {
			m.start(in.Peers[0].ID)
		}
	case "joined":
		if m.offer && m.remote == "" {
			m.start(in.ID)
		}
	case "offer":
		m.answer(in)
	case "answer":
		check(m.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: in.SDP}))
		m.takeEarly()
	case "candidate":
		m.takeCandidate(in.Candidate, in.Mline)
	case "bye", "error":
		fmt.Println(in.Type+":", in.Reason, in.Message)
	}
}

func (m *meeting) hello() message {
	hello := message{Type: "hello", Room: m.room, ID: m.id, Meta: &meta{Role: "answerer", Channels: []metaChannel{{Mode: "raw", Any: true}}}}
	if m.offer {
		hello.Meta = &meta{Role: "offerer"}
		for _, options := range m.channels {
			hello.Meta.Channels = append(hello.Meta.Channels, metaChannel{Label: options.Label, Mode: "raw"})
		}
	}
	return hello
}

// meet joins the room and waits for the other peer, or calls it. It returns at once.
func meet(m *meeting, url string) {
	socket, _, err := (&websocket.Dialer{Subprotocols: []string{"datachannel.v1"}}).Dial(url+"/v1/ws", nil)
	check(err)
	m.socket = socket
	m.pc, err = webrtc.NewAPI(webrtc.WithSettingEngine(m.settings)).NewPeerConnection(webrtc.Configuration{})
	check(err)
	m.pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) { fmt.Println("connection", state) })
	m.pc.OnDataChannel(m.attach)
	m.pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		if candidate == nil {
			m.say(message{Type: "end-of-candidates", To: m.remote})
			return
		}
		init := candidate.ToJSON()
		mline := uint16(0)
		m.say(message{Type: "candidate", To: m.remote, Candidate: init.Candidate, Mline: &mline})
	})
	m.say(m.hello())
	go func() {
		for {
			var in message
			check(socket.ReadJSON(&in))
			m.handle(in)
		}
	}()
}
