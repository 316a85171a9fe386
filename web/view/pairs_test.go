package view_test

import (
	"fmt"
	"strings"
	"testing"

	"porthole/web/view"
	"porthole/wire"
)

// A connection's number, then c or s for what of it is seen: 1cs is whole.
func TestPairs(t *testing.T) {
	tests := []struct {
		name   string
		events []wire.Event
		want   string // by row
	}{
		{"client first", []wire.Event{
			ours(wire.Lookup, 1, 10), ours(wire.Connect, 1, 20), theirs(wire.Connection, 1, 30),
		}, "1cs 1cs 1cs"},
		{"server first", []wire.Event{
			theirs(wire.Connection, 1, 15), ours(wire.Connect, 1, 20), theirs(wire.Data, 1, 30),
		}, "1cs 1cs 1cs"},
		{"server before the client has an address", []wire.Event{
			ours(wire.Lookup, 1, 10), theirs(wire.Connection, 1, 15), ours(wire.Connect, 1, 20),
		}, "1cs 1cs 1cs"},
		{"a number that proved needless is given again", []wire.Event{
			ours(wire.Lookup, 1, 10), theirs(wire.Connection, 1, 15), ours(wire.Connect, 1, 20),
			from("127.0.0.1:6", theirs(wire.Connection, 2, 30)),
		}, "1cs 1cs 1cs 2s"},
		{"server's whole life before our connect is told", []wire.Event{
			theirs(wire.Connection, 1, 15), theirs(wire.Close, 1, 18), took(10, ours(wire.Connect, 1, 20)),
		}, "1cs 1cs 1cs"},
		{"another's connection", []wire.Event{
			ours(wire.Connect, 1, 10), theirs(wire.Connection, 1, 11),
			from("127.0.0.1:6", theirs(wire.Connection, 2, 20)), from("127.0.0.1:6", theirs(wire.Data, 2, 21)),
		}, "1cs 1cs 2s 2s"},
		{"another's connection that was there before", []wire.Event{
			from("127.0.0.1:6", theirs(wire.Data, 7, 5)), ours(wire.Connect, 1, 10), from("127.0.0.1:6", theirs(wire.End, 7, 20)),
		}, "1s 2c 1s"},
		{"a port that another had", []wire.Event{
			theirs(wire.Connection, 1, 10), theirs(wire.Close, 1, 20), ours(wire.Connect, 1, 30), theirs(wire.Connection, 2, 31),
		}, "1s 1s 2cs 2cs"},
		{"a port that another gets", []wire.Event{
			ours(wire.Connect, 1, 10), theirs(wire.Connection, 1, 11), ours(wire.Close, 1, 20), theirs(wire.Close, 1, 21),
			theirs(wire.Connection, 2, 30),
		}, "1cs 1cs 1cs 1cs 2s"},
		{"a port that is ours again", []wire.Event{
			ours(wire.Connect, 1, 10), theirs(wire.Connection, 1, 11), ours(wire.Close, 1, 20),
			ours(wire.Connect, 2, 30), theirs(wire.Close, 1, 31), theirs(wire.Connection, 2, 32), theirs(wire.Data, 2, 33),
		}, "1cs 1cs 1cs 2cs 1cs 2cs 2cs"},
		{"a server that counts anew", []wire.Event{
			from("127.0.0.1:6", theirs(wire.Connection, 1, 10)), from("127.0.0.1:6", theirs(wire.Connection, 1, 20)),
		}, "1s 2s"},
		{"ends without addresses", []wire.Event{
			from("", theirs(wire.Connection, 1, 10)), from("", theirs(wire.Connection, 2, 20)), from("", theirs(wire.Data, 1, 30)),
		}, "1s 2s 1s"},
		{"a dial that failed", []wire.Event{
			ours(wire.Lookup, 1, 10), from("", ours(wire.Error, 1, 20)), from("", ours(wire.Close, 1, 21)), ours(wire.Connect, 2, 30),
		}, "1c 1c 1c 2c"},
		{"a listener", []wire.Event{
			{Kind: wire.Listening, Side: wire.Server, Start: 1, Return: 1, Local: there}, ours(wire.Connect, 1, 10),
		}, "- 1c"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s view.Store
			for _, e := range tt.events {
				s.Add(e)
			}
			if got := pairs(&s); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func pairs(s *view.Store) string {
	var b []string
	for i := range s.Len() {
		p := s.Row(i).Pair()
		if p == nil {
			b = append(b, "-")
			continue
		}
		seen := ""
		if p.Client.Seen {
			seen += "c"
		}
		if p.Server.Seen {
			seen += "s"
		}
		b = append(b, fmt.Sprint(p.Number, seen))
	}
	return strings.Join(b, " ")
}

// A gateway that comes back counts its sockets anew; the old one's were never
// seen to close.
func TestRestart(t *testing.T) {
	var s view.Store
	s.Add(ours(wire.Connect, 1, 10))
	s.Add(theirs(wire.Connection, 1, 11))
	s.Restart()
	s.Add(from("127.0.0.1:50001", ours(wire.Connect, 1, 20)))
	s.Add(from("127.0.0.1:50001", theirs(wire.Connection, 1, 21)))
	if got, want := pairs(&s), "1cs 1cs 2cs 2cs"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := s.Own().Number; got != 2 {
		t.Errorf("our connection is number %d, want 2", got)
	}
}

// A socket whose session is lost is neither open nor closed: at once, if it is the
// page's own, and for good once there is another session. One that was closed is.
func TestGoneInTheList(t *testing.T) {
	const closed, open, gone = 0, 1, 2
	for _, alike := range []bool{false, true} {
		v := &view.View{Link: view.Open}
		v.Store.Alike = alike // then another program's session is not the page's
		for _, e := range []wire.Event{
			ours(wire.Connect, 1, 10), ours(wire.Close, 1, 11),
			from("127.0.0.1:50001", ours(wire.Connect, 2, 20)),
			from("127.0.0.1:50002", theirs(wire.Connection, 3, 30)),
		} {
			v.Store.Add(e)
		}
		states := func() (all [3]uint8) {
			for _, c := range unpack(t, v.Frame(nil, 0, 0)).Conns {
				all[c.Number-1] = c.State
			}
			return all
		}
		lost := uint8(gone)
		if alike {
			lost = open
		}
		for i, step := range []struct {
			do   func()
			want [3]uint8
		}{
			{func() {}, [3]uint8{closed, open, open}},
			{func() { v.Link = view.Lost }, [3]uint8{closed, lost, open}},
			{func() { v.Store.Restart(); v.Link = view.Open }, [3]uint8{closed, gone, open}},
		} {
			if step.do(); states() != step.want {
				t.Errorf("alike %t, step %d: %v, want %v", alike, i, states(), step.want)
			}
		}
	}
}

// What is another's looks so, unless the page has none of its own.
func TestAlike(t *testing.T) {
	const isOther = 8
	for _, alike := range []bool{false, true} {
		v := &view.View{}
		v.Store.Alike = alike
		v.Store.Add(theirs(wire.Connection, 1, 11))
		f := unpack(t, v.Frame(nil, 0, 1))
		if got := f.Lines[0].Flags&isOther == 0; got != alike {
			t.Errorf("alike %t: the row looks like the page's own: %t", alike, got)
		}
		if got := !f.Lives[0].Other; got != alike {
			t.Errorf("alike %t: the lifeline looks like the page's own: %t", alike, got)
		}
	}
}
