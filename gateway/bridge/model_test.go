package bridge_test

//lint:file-ignore SA1019 the library is the project's choice, here for its client

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"porthole/gateway/bridge"
	"porthole/wire"
	"porthole/wire/tap"
)

// Whatever a page and its servers do, in whatever order: what one end reads is
// what the other sent, credit is kept to, each stream has one end, for a reason
// that it was given, and nothing is left. -rapid.checks is how many runs.
func TestModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := checked{t, r}
		before := goleak.IgnoreCurrent()
		c.Cleanup(func() {
			if err := goleak.Find(before); err != nil {
				c.Error(err)
			}
		})
		m := newModel(c, rapid.Bool().Draw(r, "observed"), rapid.SampledFrom([]int{0, small}).Draw(r, "buffer"))
		r.Repeat(map[string]func(*rapid.T){
			"": m.check,

			"dial":    m.dial,
			"haste":   m.haste,
			"in vain": m.inVain,
			"send":    m.send,
			"choke":   m.choke,
			"fin":     m.fin,
			"reset":   m.reset,
			"close":   m.close,
			"credit":  m.credit,

			"write":    m.write,
			"write on": m.write,
			"pause":    m.pause,
			"end":      m.end,
			"destroy":  m.destroy,

			"settle": m.settle,
		})
		ends := map[string]func(){"drain": m.drain, "leave": m.leave, "vanish": m.vanish, "shut down": m.shutdown}
		ends[rapid.SampledFrom(slices.Sorted(maps.Keys(ends))).Draw(r, "at last")]()
		m.conclude()
	})
}

const (
	// crowd is how many sockets there may be to the model's server.
	crowd = 4
	// small is a buffer for a kernel that is soon full: bytes wait in the gateway.
	small = 32 << 10
)

// model is one session: what its page and its servers did, and were told.
type model struct {
	monitor
	t       checked
	b       *bridge.Bridge
	host    string
	server  bridge.Target
	buffer  int // of the server's kernel
	k       *talker
	streams []*near
	fars    map[string]*far // by the gateway's address
	refused map[string]uint64
	wrong   error // what the gateway did that it must not
	closed  error // how the WebSocket ended
	gone    bool  // the page is
	leaving bool  // the gateway is
	over    bool  // the run is
}

// newModel is a model whose kernels hold so many bytes; 0 is as many as by default.
func newModel(t checked, observed bool, buffer int) *model {
	m := &model{t: t, buffer: buffer, fars: map[string]*far{}, refused: map[string]uint64{}}
	m.changed.L = &m.mu
	m.server = peer(t, m.accept)
	m.b = to(m.server, absent(t))
	m.b.Limits.Target, m.b.Limits.Buffer = crowd, buffer
	if observed {
		m.b.Log = &tap.Log{History: 1 << 16}
	}
	m.host = serve(t, m.b)
	m.k = talk(t, m.host)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		m.listen()
	}()
	t.Cleanup(func() {
		_ = m.k.ws.CloseNow()
		<-heard
		m.do(func() {
			m.over = true
			for _, f := range m.fars {
				f.quit = true
			}
		})
	})
	return m
}

// do changes the model.
func (m *model) do(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
	m.changed.Broadcast()
}

// accept is a server, whose connections do as they are told.
func (m *model) accept(c *net.TCPConn) {
	f := &far{monitor: &m.monitor, c: c}
	if m.buffer > 0 {
		_ = c.SetReadBuffer(m.buffer) // it goes on without
	}
	m.do(func() {
		f.quit = m.over
		m.fars[c.RemoteAddr().String()] = f
		m.join()
	})
	f.serve()
}

// join brings together the ends of connections.
func (m *model) join() {
	for _, n := range m.streams {
		if n.far == nil && n.connected != nil {
			if n.far = m.fars[n.connected.Local]; n.far != nil {
				n.far.out = n.down
			}
		}
	}
}

// listen takes all that the gateway says.
func (m *model) listen() {
	for over := false; !over; {
		_, msg, err := m.k.ws.Read(context.Background())
		m.do(func() {
			if over = err != nil; over {
				m.closed = err
			} else if err := m.told(msg); err != nil && m.wrong == nil {
				m.wrong = err
			}
		})
	}
}

func (m *model) told(msg []byte) error {
	if err := m.k.referee.message(msg); err != nil {
		return err
	}
	op, id, rest, err := wire.ParseHead(msg)
	if err != nil || id == 0 {
		return err
	}
	n := m.streams[id/2]
	if err := n.told(op, rest); err != nil {
		return fmt.Errorf("%w: %v", err, n)
	}
	switch op {
	case wire.OpConnected:
		m.join()
	case wire.OpFailed:
		reason := map[string]string{"EACCES": "target", "EAGAIN": "crowded"}[n.failure.Code]
		if reason != "" {
			m.refused[reason]++
		}
	case wire.OpClosed:
		if may := n.may(m.leaving); !slices.Contains(may, n.reason) {
			return fmt.Errorf("closed %v, want one of %v: %v", n.reason, may, n)
		}
	}
	return nil
}

// check looks at what must always hold.
func (m *model) check(*rapid.T) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.wrong != nil {
		m.t.Fatalf("the gateway breaks the rules: %v", m.wrong)
	}
	for _, n := range m.streams {
		if err := n.arrived(m.gone || m.leaving); err != nil {
			m.t.Fatalf("%v: %v", err, n)
		}
	}
}

// settle waits until all has come that can. It is judged in the instant it is seen:
// what comes to a server that is paused may be the reason for something more.
func (m *model) settle(r *rapid.T) {
	m.t.Helper()
	var what string
	var late *near
	m.await(func() bool {
		what = ""
		for _, n := range m.streams {
			if what = n.lacks(); what != "" {
				late = n
				break
			}
		}
		return what == "" || m.wrong != nil || m.closed != nil
	})
	m.check(r)
	if what != "" {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.t.Fatalf("waited in vain for %s: %v; the WebSocket: %v", what, late, m.closed)
	}
}
