// Package bustest is what holds of every [bus.Bus].
package bustest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"porthole/wire"
	"porthole/wire/bus"
)

// Run tests a fleet that join makes anew for each test: it makes a member, whose
// fleet is that of all others of the same t. Members that are still there when the
// test ends are closed by it.
func Run(t *testing.T, fleet func(t *testing.T) (join func(name string) bus.Bus)) {
	for name, test := range map[string]func(t *testing.T, join func(string) bus.Bus){
		"events":   events,
		"history":  history,
		"flood":    flood,
		"counts":   counts,
		"leases":   leases,
		"presence": presence,
		"closing":  closing,
	} {
		t.Run(name, func(t *testing.T) {
			join := fleet(t)
			test(t, func(name string) bus.Bus {
				b := join(name)
				t.Cleanup(func() { _ = b.Close(context.Background()) })
				return b
			})
		})
	}
}

// patience is for what takes a moment; a failure is a test that waits so long.
const patience = 30 * time.Second

// watch is a member's view of the others.
type watch struct {
	t       *testing.T
	mu      sync.Mutex
	changed sync.Cond
	events  []wire.Event
	lost    uint64
	ended   chan error
}

func follow(t *testing.T, b bus.Bus) *watch {
	w := &watch{t: t, ended: make(chan error, 1)}
	w.changed.L = &w.mu
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	note := func(f func()) {
		w.mu.Lock()
		defer w.mu.Unlock()
		f()
		w.changed.Broadcast()
	}
	go func() {
		w.ended <- b.Watch(ctx, bus.Watcher{
			Event: func(e wire.Event) {
				e.Data = append([]byte(nil), e.Data...)
				note(func() { w.events = append(w.events, e) })
			},
			Lost: func(n uint64) { note(func() { w.lost += n }) },
		})
	}()
	return w
}

// until waits until so many events have come, or were lost.
func (w *watch) until(n int) []wire.Event {
	w.t.Helper()
	late := false
	defer time.AfterFunc(patience, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		late = true
		w.changed.Broadcast()
	}).Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.events)+int(w.lost) < n && !late {
		w.changed.Wait()
	}
	if late {
		w.t.Fatalf("%d events have come, and %d were lost, want %d", len(w.events), w.lost, n)
	}
	return w.events
}

// soon waits until ok.
func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.After(patience)
	for tick := time.Tick(5 * time.Millisecond); !ok(); {
		select {
		case <-tick:
		case <-end:
			t.Fatal("waited in vain: " + what)
		}
	}
}

func happened(conn uint64, text string) *wire.Event {
	return &wire.Event{Kind: wire.Data, Side: wire.Client, Conn: conn, Start: 1, Return: 2, Local: "a:1", Remote: "b:2", To: uint64(len(text)), Data: []byte(text), Seq: 77}
}

// The others see an event as it was, under a number that is no one else's, and
// whoever published it does not.
func events(t *testing.T, join func(string) bus.Bus) {
	a, b := join("a"), join("b")
	seen, own := follow(t, b), follow(t, a)
	e := happened(5, "哇咔咔")
	a.Publish(e)
	if e.Seq != 77 || e.Conn != 5 {
		t.Errorf("Publish left the event %+v", e)
	}
	copy(e.Data, "xxx") // the bytes are ours again
	b.Publish(happened(5, "你好"))
	got := seen.until(1)[0]
	if string(got.Data) != "哇咔咔" || got.Local != "a:1" || got.Kind != wire.Data || got.Start != 1 || got.Return != 2 || got.Approx {
		t.Errorf("b sees %+v", got)
	}
	theirs := own.until(1)[0]
	if string(theirs.Data) != "你好" {
		t.Errorf("a sees %+v first, want what b published", theirs)
	}
	if got.Conn == theirs.Conn || got.Conn != bus.Globally(a.Members()[index(a, "a")].Number, 5) {
		t.Errorf("connections %d and %d", got.Conn, theirs.Conn)
	}
	soon(t, "the events are acknowledged", func() bool { return a.Stats().Acknowledged == 1 && b.Stats().Acknowledged == 1 })
	if s := a.Stats(); s.Published != 1 || s.Dropped != 0 || s.Watched != 1 || s.Missed != 0 {
		t.Errorf("a counts %+v", s)
	}
}

func index(b bus.Bus, name string) int {
	for i, m := range b.Members() {
		if m.Name == name {
			return i
		}
	}
	return -1
}

// Who comes later has what came before, and then the rest, in order.
func history(t *testing.T, join func(string) bus.Bus) {
	a := join("a")
	for i := range 20 {
		a.Publish(happened(1, fmt.Sprint(i)))
	}
	soon(t, "they are acknowledged", func() bool { return a.Stats().Acknowledged == 20 })
	w := follow(t, join("b"))
	w.until(20)
	for i := range 20 {
		a.Publish(happened(1, fmt.Sprint(20+i)))
	}
	for i, e := range w.until(40) {
		if string(e.Data) != fmt.Sprint(i) {
			t.Fatalf("event %d is %s", i, e.Data)
		}
	}
}

// A load from several goroutines never blocks a publisher; each connection's
// events come in order, and what does not come is counted.
func flood(t *testing.T, join func(string) bus.Bus) {
	const conns, each = 8, 5000
	a, b := join("a"), join("b")
	w := follow(t, b)
	a.Publish(happened(98, "the beginning"))
	w.until(1)
	var work sync.WaitGroup
	for conn := range uint64(conns) {
		work.Go(func() {
			for i := range uint64(each) {
				e := happened(conn+1, "")
				e.From, e.To = i, i+1
				a.Publish(e)
			}
		})
	}
	work.Wait()
	a.Publish(happened(99, "the end")) // so that what was lost before it shows
	var newest [conns + 1]uint64
	for _, e := range w.until(conns*each + 2) {
		if conn := e.Conn & 0xffffffff; conn <= conns {
			if e.To <= newest[conn] {
				t.Fatalf("connection %d: event %d behind %d", conn, e.To, newest[conn])
			}
			newest[conn] = e.To
		}
	}
	if s := a.Stats(); s.Published != conns*each+2 {
		t.Errorf("a counts %+v", s)
	}
	if s := b.Stats(); s.Watched+s.Missed != conns*each+2 {
		t.Errorf("b counts %+v", s)
	}
}

// What one member counts the others see, until it leaves.
func counts(t *testing.T, join func(string) bus.Bus) {
	a, b, c := join("a"), join("b"), join("c")
	a.Count("user anna", 3)
	b.Count("user anna", 4)
	soon(t, "the counts of a and b", func() bool { return c.Others("user anna") == 7 })
	soon(t, "the count of b", func() bool { return a.Others("user anna") == 4 })
	b.Count("user anna", 0)
	soon(t, "the count of a", func() bool { return c.Others("user anna") == 3 })
	_ = a.Close(t.Context())
	soon(t, "no count", func() bool { return c.Others("user anna") == 0 })
}

// A key is leased once, and again when it was released, or its holder has left.
func leases(t *testing.T, join func(string) bus.Bus) {
	a, b := join("a"), join("b")
	release, err := a.Lease(t.Context(), "port 4321 *>.", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]bus.Bus{"a": a, "b": b} {
		if _, err := other.Lease(t.Context(), "port 4321 *>.", nil); !errors.Is(err, bus.ErrLeased) {
			t.Errorf("%s leases it too: %v", name, err)
		}
	}
	if _, err := b.Lease(t.Context(), "port 1", nil); err != nil {
		t.Errorf("another key: %v", err)
	}
	release()
	release() // does nothing
	again := func() bool {
		_, err := b.Lease(t.Context(), "port 4321 *>.", nil)
		return err == nil
	}
	soon(t, "the key is free", again)
	_ = b.Close(t.Context())
	soon(t, "the key of who has left is free", func() bool {
		_, err := a.Lease(t.Context(), "port 4321 *>.", nil)
		return err == nil
	})
}

// Members see each other, each with a number of its own, while they are there.
func presence(t *testing.T, join func(string) bus.Bus) {
	a, b := join("a"), join("b")
	names := func(of bus.Bus) (s string) {
		last := uint64(0)
		for _, m := range of.Members() {
			if m.Number <= last || m.Number >= bus.MaxMembers || m.Kind != "test" {
				t.Errorf("members %+v", of.Members())
			}
			last = m.Number
		}
		for _, want := range []string{"a", "b"} {
			if index(of, want) >= 0 {
				s += want
			}
		}
		return s
	}
	soon(t, "both see both", func() bool { return names(a) == "ab" && names(b) == "ab" })
	_ = b.Close(t.Context())
	soon(t, "a is alone", func() bool { return names(a) == "a" })
}

// Close sends what was published, and ends who watches.
func closing(t *testing.T, join func(string) bus.Bus) {
	a, b := join("a"), join("b")
	seen, own := follow(t, b), follow(t, a)
	for range 1000 {
		a.Publish(happened(1, "last"))
	}
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen.until(1000)
	if err := <-own.ended; !errors.Is(err, bus.ErrLeft) {
		t.Errorf("a's watch ends with %v", err)
	}
	a.Publish(happened(1, "too late"))
}
