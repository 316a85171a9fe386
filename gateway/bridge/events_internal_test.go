package bridge

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"porthole/wire"
	"porthole/wire/tap"
)

// A session whose events are kept.
func watcher(t *testing.T, b *Bridge) (s *session, seen func() []wire.Kind) {
	t.Helper()
	s = newSession(b, nil, newScript())
	t.Cleanup(s.stop)
	var kinds []wire.Kind
	s.feed.send = func(b []byte) error {
		_, _, rest, err := wire.ParseHead(b[lead:])
		if err != nil {
			return err
		}
		return wire.ParseEvents(rest, func(e wire.Event) { kinds = append(kinds, e.Kind) })
	}
	b.join(s)
	t.Cleanup(func() { b.quit(s) })
	s.feed.flush()
	return s, func() []wire.Kind {
		<-time.After(2 * feedDelay)
		synctest.Wait()
		return kinds
	}
}

const client, server = "127.0.0.1:50000", "127.0.0.1:1234"

// told is an event of the server's end of one connection.
func told(k wire.Kind) wire.Event {
	return wire.Event{Kind: k, Side: wire.Server, Conn: 1, Local: server, Remote: client}
}

// The server tells of a connection before the dial returns, and goes on when
// the client has closed: none of it is missed, and nothing of before.
func TestClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Bridge{Log: &tap.Log{}}
		s, seen := watcher(t, b)
		b.Observe(told(wire.Drain)) // of one that had these addresses before
		since := b.mark()
		b.Observe(told(wire.Connection))
		release := b.claim(s, client, server, since)
		b.Observe(told(wire.Data))
		release()
		b.Observe(told(wire.End))
		<-time.After(linger - time.Second)
		b.Observe(told(wire.Close))
		<-time.After(2 * time.Second)
		b.Observe(told(wire.Drain)) // of someone else's
		if got, want := seen(), []wire.Kind{wire.Connection, wire.Data, wire.End, wire.Close}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// What is watched may be another gateway, whose clients are not ours.
func TestOtherGatewaysClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Bridge{Log: &tap.Log{}, Open: true}
		_, seen := watcher(t, b)
		e := told(wire.Connect)
		e.Side = wire.Client
		b.Observe(e)
		b.Observe(told(wire.Connection))
		if got, want := seen(), []wire.Kind{wire.Connection}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if got, want := b.Log.Last(), uint64(2); got != want {
			t.Errorf("the log has %d events, want %d", got, want)
		}
	})
}

// A port may be used again before the connection that had it is forgotten.
func TestClaimOfAPortUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Bridge{Log: &tap.Log{}}
		s, seen := watcher(t, b)
		b.claim(s, client, server, b.mark())()
		<-time.After(linger - time.Second)
		release := b.claim(s, client, server, b.mark())
		<-time.After(2 * time.Second)
		b.Observe(told(wire.Data))
		release()
		if got, want := seen(), []wire.Kind{wire.Data}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		<-time.After(linger)
	})
}

func TestFeed(t *testing.T) {
	big := wire.Event{Kind: wire.Data, Data: make([]byte, wire.MaxCopy)}
	const full = wire.MaxMessage/wire.MaxCopy + 1 // events, more than a message holds
	for _, tt := range []struct {
		name  string
		add   int // big events
		lose  uint64
		wait  time.Duration
		close bool
		seen  int // events that were sent
		lost  uint64
	}{
		{"nothing", 0, 0, time.Second, true, 0, 0},
		{"not at once", 1, 0, feedDelay - 1, false, 0, 0},
		{"after a frame", 1, 0, feedDelay, false, 1, 0},
		{"a full message at once", full, 0, 0, false, full, 0},
		{"what is left, at the end", 1, 3, 0, true, 1, 3},
		{"what never came", 0, 3, feedDelay, false, 0, 3},
		{"no more than it holds", full * 2 * feedMessages, 0, time.Second, true, -1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var f feed
				events, size, lost := 0, 0, uint64(0)
				f.send = func(b []byte) error {
					msg := b[lead:]
					size += len(msg)
					op, _, rest, err := wire.ParseHead(msg)
					if err != nil {
						return err
					}
					if op == wire.OpLost {
						var n wire.Count
						err := wire.Parse(rest, &n)
						lost += uint64(n)
						return err
					}
					if len(msg) > wire.MaxMessage {
						t.Errorf("a message of %d bytes", len(msg))
					}
					return wire.ParseEvents(rest, func(wire.Event) { events++ })
				}
				f.mu.Lock() // as one that is not scheduled meanwhile
				for range tt.add {
					f.put(&big)
					f.arm()
				}
				f.mu.Unlock()
				if tt.lose > 0 {
					f.lose(tt.lose)
				}
				<-time.After(tt.wait)
				synctest.Wait()
				if tt.close {
					f.close()
					f.add(&big) // too late
					f.lose(1)
				}
				if tt.seen < 0 { // it lost what did not fit
					if size > (feedMessages+1)*wire.MaxMessage || uint64(events)+lost != uint64(tt.add) {
						t.Errorf("%d events in %d bytes and %d lost, want %d in all", events, size, lost, tt.add)
					}
				} else if events != tt.seen || lost != tt.lost {
					t.Errorf("%d events and %d lost, want %d and %d", events, lost, tt.seen, tt.lost)
				}
				f.close()
			})
		})
	}
}
