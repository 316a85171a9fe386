package bridge_test

import (
	"maps"
	"slices"

	"pgregory.net/rapid"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
	"porthole/wire"
)

// begin dials a target, with a window of any size. vain is why it must fail, if it
// must.
func (m *model) begin(r *rapid.T, t bridge.Target, vain string) *near {
	n := &near{vain: vain, doomed: vain != "", granted: rapid.SampledFrom([]int{0, 1, 1000, wire.Window, wire.MaxWindow}).Draw(r, "window")}
	m.do(func() {
		i := len(m.streams)
		n.id, n.up, n.down = uint64(2*i+1), tape(2*i), tape(2*i+1)
		m.streams = append(m.streams, n)
		if vain == "" {
			m.crowd(n)
		}
	})
	m.k.send(wire.OpDial, n.id, &wire.Dial{Host: t.Host, Port: uint64(t.Port), Window: uint64(n.granted)})
	return n
}

// crowd tells, once n is dialled too, which dials there may be no place for. Those
// without an answer are in no order.
func (m *model) crowd(n *near) {
	places, held := 0, 0
	var open []*near
	for _, other := range m.streams {
		if other.reason != 0 || other.vain != "" && other.vain != "EAGAIN" {
			continue
		}
		if places++; other.connected == nil {
			open = append(open, other)
		} else if !other.mayEnd() {
			held++
		}
	}
	if places > crowd {
		for _, other := range open {
			other.vain = "EAGAIN"
		}
	}
	n.doomed = held >= crowd
}

func (m *model) dial(r *rapid.T) {
	n := m.begin(r, m.server, "")
	m.answered(r, n)
}

// answered waits for the answer to a dial.
func (m *model) answered(r *rapid.T, n *near) {
	m.t.Helper()
	if !m.await(func() bool { return n.far != nil || n.reason != 0 || m.wrong != nil }) {
		m.t.Fatalf("a dial is not answered: %v", n)
	}
	m.check(r)
}

// haste does not wait for the answer.
func (m *model) haste(r *rapid.T) {
	n := m.begin(r, m.server, "")
	if rapid.Bool().Draw(r, "with bytes") {
		m.give(n, size(r, wire.Window))
	}
	switch rapid.SampledFrom([]string{"nothing", "fin", "reset", "close"}).Draw(r, "then") {
	case "fin":
		m.finish(n)
	case "reset":
		m.abandon(n, wire.OpReset, 0)
	case "close":
		m.abandon(n, wire.OpClose, 0)
	}
	m.do(func() { n.doomed = false }) // a place may come free before its turn
}

// inVain dials what is not there, or may not be dialled.
func (m *model) inVain(r *rapid.T) {
	targets := map[string]bridge.Target{"ECONNREFUSED": m.b.Policy.Targets[1], "EACCES": {Host: "unlisted.test", Port: 1}}
	code := rapid.SampledFrom([]string{"ECONNREFUSED", "EACCES"}).Draw(r, "code")
	m.begin(r, targets[code], code)
}

// some is one of the streams that are fit for a verb; without any the verb is
// skipped.
func (m *model) some(r *rapid.T, fit func(n *near) bool) *near {
	var fits []int
	m.do(func() {
		for i, n := range m.streams {
			if fit(n) {
				fits = append(fits, i)
			}
		}
	})
	if len(fits) == 0 {
		r.Skip()
	}
	return m.streams[rapid.SampledFrom(fits).Draw(r, "stream")]
}

// The page's verbs. A stream may have ended without its knowledge.

func writable(n *near) bool { return n.over == 0 && !n.fin }
func held(n *near) bool     { return n.over == 0 }
func every(*near) bool      { return true }

func (m *model) send(r *rapid.T) {
	n := m.some(r, writable)
	each := size(r, wire.MaxMessage-wire.Overhead)
	for range rapid.IntRange(1, 10).Draw(r, "messages") {
		m.give(n, each)
	}
}

// choke sends more than the kernels hold of a server that does not read.
func (m *model) choke(r *rapid.T) {
	n := m.some(r, func(n *near) bool { return writable(n) && served(n) })
	m.do(func() { n.far.paused = true })
	m.give(n, wire.Window)
}

// give sends so many bytes, as far as the window goes.
func (m *model) give(n *near, rest int) {
	for rest > 0 {
		var msg []byte
		m.do(func() {
			some := min(rest, wire.MaxMessage-wire.Overhead, wire.Window-(n.sent-n.wrote), len(n.up)-n.sent)
			msg = append(wire.AppendHead(nil, wire.OpData, n.id), n.up[n.sent:n.sent+some]...)
			n.sent += some
			if rest -= some; some == 0 {
				rest = 0
			}
		})
		m.k.sendBytes(msg)
	}
}

func (m *model) fin(r *rapid.T) { m.finish(m.some(r, writable)) }

func (m *model) finish(n *near) {
	m.do(func() { n.fin = true })
	m.k.send(wire.OpFin, n.id, nil)
}

func (m *model) reset(r *rapid.T) { m.abandon(m.some(r, every), wire.OpReset, 0) }

func (m *model) close(r *rapid.T) {
	m.abandon(m.some(r, every), wire.OpClose, rapid.SampledFrom([]float64{1, 1, 0.5, 0}).Draw(r, "read"))
}

// abandon resets a stream, or closes it once so much of what came was read. If that
// was done before, it does nothing.
func (m *model) abandon(n *near, op wire.Op, read float64) {
	var body wire.Body
	m.do(func() {
		got := int(float64(n.got) * read)
		if op == wire.OpClose {
			body = count(uint64(got))
		}
		if n.over != 0 {
			return
		}
		if n.over = op; op == wire.OpClose {
			n.unread = got < n.got
			n.tidy = !n.unread && n.far != nil && !n.far.broken() && n.got == n.far.asked && n.wrote == n.sent
		}
	})
	m.k.send(op, n.id, body)
}

func (m *model) credit(r *rapid.T) {
	n := m.some(r, held)
	m.grant(n, size(r, wire.MaxWindow))
}

// grant gives credit for more bytes, as far as the window goes.
func (m *model) grant(n *near, more int) {
	m.do(func() {
		more = min(more, wire.MaxWindow-(n.granted-n.got))
		n.granted += more
	})
	m.k.send(wire.OpCredit, n.id, count(uint64(more)))
}

// The server's verbs.

func served(n *near) bool { return n.far != nil && !n.far.broken() }
func giving(n *near) bool { return served(n) && !n.far.fin }

func (m *model) write(r *rapid.T) {
	n := m.some(r, giving)
	more := size(r, maxTape)
	m.do(func() {
		n.far.asked = min(n.far.asked+more, maxTape)
		n.tidy = false
	})
}

func (m *model) pause(r *rapid.T) {
	n := m.some(r, served)
	m.do(func() { n.far.paused = !n.far.paused })
}

func (m *model) end(r *rapid.T) {
	n := m.some(r, giving)
	m.do(func() { n.far.fin = true })
}

func (m *model) destroy(r *rapid.T) {
	n := m.some(r, served)
	reset := rapid.Bool().Draw(r, "reset")
	m.do(func() {
		n.far.destroy(reset)
		n.tidy = false
	})
}

// How a run ends.

// drain lets each stream come to an orderly end, if it still can.
func (m *model) drain() {
	for _, n := range m.streams {
		m.answered(nil, n)
		var more int
		var finish bool
		m.do(func() {
			if f := n.far; f != nil {
				f.paused, f.fin = false, true
				more = f.asked + 1 - n.granted
			}
			finish = writable(n)
		})
		if more > 0 {
			m.grant(n, more)
		}
		if finish {
			m.finish(n)
		}
	}
	m.everyEnd(func(n *near) bool { return n.reason != 0 })
	m.leave()
}

func (m *model) leave() {
	m.do(func() { m.gone = true })
	_ = m.k.ws.Close(websocket.StatusNormalClosure, "") // the reader sees how it ends
}

func (m *model) vanish() {
	m.do(func() { m.gone = true })
	_ = m.k.ws.CloseNow() // its reader may still be busy
}

func (m *model) shutdown() {
	m.do(func() { m.leaving = true })
	shutdown(m.t, m.b)
}

// everyEnd waits until each stream is done, and so are their servers.
func (m *model) everyEnd(done func(n *near) bool) {
	m.t.Helper()
	late := func(n *near) bool { return !done(n) || n.far != nil && n.far.end == nil }
	m.await(func() bool { return m.wrong != nil || !slices.ContainsFunc(m.streams, late) })
	m.check(nil)
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.streams, late); i >= 0 {
		m.t.Fatalf("waited in vain for the end: %v", m.streams[i])
	}
}

// conclude wants that nothing is left, and that all was told.
func (m *model) conclude() {
	m.t.Helper()
	m.do(func() {
		for _, f := range m.fars {
			f.paused = false
		}
	})
	m.await(func() bool { return m.closed != nil })
	m.everyEnd(func(n *near) bool {
		unheard := m.leaving && n.connected == nil && n.failure == nil // its dial came too late
		return n.reason != 0 || m.gone || unheard
	})
	soonTrue(m.t, "no session and no stream is left", func() bool {
		s := m.b.Stats()
		return s.Sessions == 0 && s.Streams == 0
	})
	var up, down uint64
	heard := true
	for _, n := range m.streams {
		if heard = heard && n.reason != 0; n.reason != 0 {
			if err := n.settled(); err != nil {
				m.t.Fatal(err)
			}
		}
		up += uint64(n.wrote)
		down += uint64(n.got)
	}
	s := m.b.Stats()
	if heard && (s.BytesUp != up || s.BytesDown != down || !maps.Equal(s.Refused, m.refused)) {
		m.t.Errorf("the gateway counts %d bytes up, %d down, refused %v; the page %d, %d, %v", s.BytesUp, s.BytesDown, s.Refused, up, down, m.refused)
	}
	m.lives()
	if m.leaving {
		if code := websocket.CloseStatus(m.closed); code != websocket.StatusGoingAway {
			m.t.Errorf("the WebSocket ended with %v, want 1001", m.closed)
		}
	} else {
		m.recount()
	}
}

// lives wants that the log tells of one end of each socket, those too that never
// were.
func (m *model) lives() {
	if m.b.Log == nil {
		return
	}
	ends := map[uint64]int{}
	for _, e := range history(m.b.Log) {
		if e.Kind == wire.Close {
			ends[e.Conn]++
		}
	}
	for _, n := range m.streams {
		var conn uint64
		if n.connected != nil {
			conn = n.connected.Conn
		} else if n.failure != nil {
			conn = n.failure.Conn
		}
		if conn != 0 && ends[conn] != 1 {
			m.t.Errorf("%d ends are told of: %v", ends[conn], n)
		}
	}
}

// recount wants that the server has all of its places again, and no more.
func (m *model) recount() {
	m.t.Helper()
	k := talk(m.t, m.host)
	for i := range uint64(crowd + 1) {
		k.send(wire.OpDial, 2*i+1, &wire.Dial{})
		op := wire.OpEvents
		for op == wire.OpEvents {
			var err error
			if op, _, _, err = k.next(); err != nil {
				m.t.Fatal(err)
			}
		}
		want := wire.OpConnected
		if i == crowd {
			want = wire.OpFailed
		}
		if op != want {
			m.t.Errorf("dial %d: op %d, want %d", i, op, want)
		}
	}
}
