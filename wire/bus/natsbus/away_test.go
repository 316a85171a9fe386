package natsbus_test

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"testing"

	client "github.com/nats-io/nats.go"

	"porthole/internal/bustest"
	"porthole/wire"
	"porthole/wire/bus"
	"porthole/wire/bus/natsbus"
)

// seen passes on what a member sees of the others, in words.
func seen(t *testing.T, b bus.Bus) <-chan string {
	words := make(chan string, 1<<16)
	ended := make(chan error, 1)
	go func() {
		ended <- b.Watch(t.Context(), bus.Watcher{
			Event: func(e wire.Event) { words <- fmt.Sprint(string(e.Data), e.Approx) },
			Lost:  func(n uint64) { words <- fmt.Sprint("lost ", n) },
		})
	}()
	t.Cleanup(func() { <-ended }) // the context has ended
	return words
}

func wants(t *testing.T, words <-chan string, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := <-words; got != w {
			t.Fatalf("it sees %q, want %q", got, w)
		}
	}
}

// While no server is there events wait and no one is held up; a lease is given up
// before another can have it; and all goes on when there is one again.
func TestAway(t *testing.T) {
	dir := t.TempDir()
	at, stop := bustest.NATS(t, dir, -1)
	a, b := join(t, natsbus.Options{URL: at, Self: bus.Member{Name: "a"}}), join(t, natsbus.Options{URL: at, Self: bus.Member{Name: "b"}})
	words := seen(t, b)
	a.Publish(&wire.Event{Data: []byte("before ")})
	wants(t, words, "before false")
	lost := make(chan struct{})
	if _, err := a.Lease(t.Context(), "port", func() { close(lost) }); err != nil {
		t.Fatal(err)
	}
	stop()
	for i := range 1000 {
		a.Publish(&wire.Event{Data: fmt.Append(nil, i, " ")})
	}
	<-lost
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	bustest.NATS(t, dir, port)
	for i := range 1000 {
		wants(t, words, fmt.Sprint(i, " false"))
	}
	for {
		_, err := b.Lease(t.Context(), "port", nil)
		if err == nil {
			break
		}
		if !errors.Is(err, bus.ErrLeased) { // the server is choosing a leader
			t.Log(err)
		}
	}
}

// What has no room while no server is there is counted, and the others are told.
func TestNoRoom(t *testing.T) {
	dir := t.TempDir()
	at, stop := bustest.NATS(t, dir, -1)
	a, b := join(t, natsbus.Options{URL: at}), join(t, natsbus.Options{URL: at})
	words := seen(t, b)
	a.Publish(&wire.Event{Data: []byte("before ")})
	wants(t, words, "before false")
	stop()
	big := make([]byte, wire.MaxCopy)
	for a.Stats().Dropped == 0 {
		a.Publish(&wire.Event{Data: big})
	}
	dropped := a.Stats().Dropped
	u, _ := url.Parse(at) // as above
	port, _ := strconv.Atoi(u.Port())
	bustest.NATS(t, dir, port)
	for range a.Stats().Published - 1 - dropped {
		wants(t, words, string(big)+"false")
	}
	a.Publish(&wire.Event{Data: []byte("after ")})
	wants(t, words, fmt.Sprint("lost ", dropped), "after false")
	if s := b.Stats(); s.Missed != dropped {
		t.Errorf("b counts %+v, want %d missed", s, dropped)
	}
}

// Times of another machine are not those of ours, and what cannot be read is lost
// and ends nothing.
func TestFromAnotherMachine(t *testing.T) {
	at := nats(t, t.TempDir())
	b := join(t, natsbus.Options{URL: at})
	words := seen(t, b)
	conn, err := client.Connect(at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, data := range [][]byte{wire.AppendEvent(nil, &wire.Event{Seq: 1, Data: []byte("far ")}), []byte("garbage"), wire.AppendEvent(nil, &wire.Event{Seq: 2, Data: []byte("well ")})} {
		m := client.NewMsg("porthole.events.else")
		m.Header.Set("Porthole-Member", "7")
		m.Header.Set("Porthole-Machine", "another")
		m.Data = data
		if err := conn.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	wants(t, words, "far true", "lost 1", "well true")
}
