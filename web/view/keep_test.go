package view_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"porthole/web/view"
	"porthole/wire"
)

func TestEvents(t *testing.T) {
	v := &view.View{}
	listening := wire.Event{Kind: wire.Listening, Side: wire.Server, Start: 1, Return: 1, Local: "[::]:1234"}
	write := took(20, ours(wire.CallWrite, 1, 40))
	write.Seq, write.To, write.Data = 7, 3, []byte("abc")
	write.Kernel = wire.Kernel{State: 1, Unsent: 2, Unread: 3, RTT: 4, Cwnd: 5, Retransmits: 6}
	broken := theirs(wire.Error, 1, 50)
	broken.Code, broken.Syscall, broken.Approx = "ECONNRESET", "read", true
	closed := theirs(wire.Close, 1, 60)
	closed.HadError = true
	other := from("127.0.0.1:6", theirs(wire.Connection, 2, 45))
	want := []wire.Event{listening, ours(wire.Lookup, 1, 10), write, other, broken, closed}
	for _, i := range []int{0, 1, 3, 2, 4, 5} {
		v.Store.Add(want[i])
	}
	v.Store.Mark("stick")
	v.Store.Lose(5)
	check := func(want []wire.Event) {
		t.Helper()
		var got []wire.Event
		lost := uint64(0)
		for e, n := range v.Store.Events() {
			if lost += n; e != nil {
				got = append(got, *e)
			}
		}
		if !reflect.DeepEqual(got, want) || lost != 5 {
			t.Errorf("lost %d, got\n%+v\nwant\n%+v", lost, got, want)
		}
		for range v.Store.Events() {
			break
		}
	}
	check(want)
	v.Choose(1)
	check(slices.Delete(slices.Clone(want), 3, 4))
	v.Clear()
	if got := v.Store.Len(); got != 0 {
		t.Errorf("%d rows are left", got)
	}
	v.Store.Add(ours(wire.Connect, 1, 10))
	if f := unpack(t, v.Frame(nil, 0, 10)); f.Lines[0].ID != 9 || f.Chosen != 0 {
		t.Errorf("an id comes again: %+v", f.Lines[0])
	}
}

// An event has the number in an export that it will have as an id when that is
// loaded. A label is not in it.
func TestOrdinal(t *testing.T) {
	v := &view.View{}
	v.Store.Add(ours(wire.Connect, 1, 10)) // 1
	v.Store.Mark("split")
	v.Store.Add(ours(wire.Close, 1, 50)) // 3
	v.Store.Add(ours(wire.Drain, 1, 30)) // 4 is told late
	v.Store.Lose(4)
	v.Store.Add(from("127.0.0.1:6", theirs(wire.Connection, 2, 60))) // 6
	v.Store.Lose(5)
	v.Store.Add(ours(wire.Error, 1, 70)) // 8
	for _, tt := range []struct {
		name   string
		choose int
		want   []int // by id, from 0
	}{
		{"all", 0, []int{0, 1, 0, 3, 2, 0, 5, 0, 7, 0}},
		{"one connection, and two gaps that are one now", 1, []int{0, 1, 0, 3, 2, 0, 0, 0, 5, 0}},
	} {
		v.Choose(tt.choose)
		loaded := &view.View{}
		for e, lost := range v.Store.Events() {
			if e == nil {
				loaded.Store.Lose(lost)
			} else {
				loaded.Store.Add(*e)
			}
		}
		is := map[string]int{}
		for _, ln := range unpack(t, loaded.Frame(nil, 0, all)).Lines {
			is[ln.Name] = int(ln.ID)
		}
		names := []string{1: "connect", 3: "close", 4: "drain", 6: "connection", 8: "error", 9: "none"}
		for id, want := range tt.want {
			got := v.Ordinal(uint64(id))
			if got != want || want != 0 && got != is[names[id]] {
				t.Errorf("%s: event %d is number %d, and as %d loaded, want %d", tt.name, id, got, is[names[id]], want)
			}
		}
	}
}

// What the kernel says now, and which message of the WebSocket had which byte.
func TestSamplesAndMessages(t *testing.T) {
	var s view.Store
	s.Moved(1, wire.Client, 10) // it may come before any event
	s.Moved(1, wire.Client, 5)
	s.Moved(1, wire.Server, 7)
	s.Moved(1, 0, 7)
	s.Sample(1, wire.Kernel{State: 1}, wire.Kernel{})
	e := ours(wire.Connect, 1, 10)
	e.Kernel = wire.Kernel{State: 1, RTT: 9}
	s.Add(e)
	s.Add(theirs(wire.Connection, 1, 11))
	p := s.Pair(1)
	for _, tt := range []struct {
		side   wire.Side
		offset uint64
		want   uint32
	}{
		{wire.Client, 0, 1}, {wire.Client, 9, 1}, {wire.Client, 10, 2}, {wire.Client, 14, 2}, {wire.Client, 15, 0},
		{wire.Server, 6, 1}, {wire.Server, 7, 0}, {0, 0, 0},
	} {
		if got := s.Message(p, tt.side, tt.offset); got != tt.want {
			t.Errorf("byte %d of side %d came in message %d, want %d", tt.offset, tt.side, got, tt.want)
		}
	}
	s.Sample(1, wire.Kernel{State: 1, Unsent: 4}, wire.Kernel{State: 8, Unread: 2})
	s.Sample(2, wire.Kernel{State: 1, Unsent: 5}, wire.Kernel{})
	if p.Client.Kernel.Unsent != 4 || p.Server.Kernel.Unread != 2 {
		t.Errorf("got %+v, %+v", p.Client.Kernel, p.Server.Kernel)
	}
	s.Sample(1, wire.Kernel{}, wire.Kernel{}) // it knows nothing
	if p.Client.Kernel.Unsent != 4 {
		t.Errorf("got %+v", p.Client.Kernel)
	}
	// Of very many messages the oldest are forgotten, and not misnumbered.
	for range 100_000 {
		s.Moved(1, wire.Client, 1)
	}
	if got := s.Message(p, wire.Client, 3); got != 0 {
		t.Errorf("byte 3 came in message %d, which is forgotten", got)
	}
	if got := s.Message(p, wire.Client, 15+99_999); got != 2+100_000 {
		t.Errorf("the last came in message %d", got)
	}
	// Another session's socket has the number, and not the messages.
	s.Restart()
	s.Add(from("127.0.0.1:50001", ours(wire.Connect, 1, 20)))
	if got := s.Message(s.Own(), wire.Client, 0); got != 0 || s.Own() == p {
		t.Errorf("its first byte came in message %d", got)
	}
	// Without events, sockets are forgotten.
	for conn := range uint64(10_000) {
		s.Moved(1000+conn, wire.Client, 1)
	}
	if got := s.Carried(); got > 200 {
		t.Errorf("the messages of %d sockets are remembered", got)
	}
}

// A socket that is open is not forgotten, even if nothing of it is kept.
func TestDropKeepsWhatIsOpen(t *testing.T) {
	var s view.Store
	s.Add(ours(wire.Connect, 1, 1))
	s.Add(from("127.0.0.1:50001", ours(wire.Connect, 2, 2)))
	for i := range 2 * view.MaxRows {
		s.Add(from("127.0.0.1:6", theirs(wire.Timeout, 3, int64(10+i))))
	}
	s.Add(ours(wire.Close, 1, int64(10*view.MaxRows)))
	if p := s.Row(s.Len() - 1).Pair(); p.Number != 1 {
		t.Errorf("our connection 1 has become %d", p.Number)
	}
	s.Restart()
	for i := range 2 * view.MaxRows {
		s.Add(from("127.0.0.1:6", theirs(wire.Timeout, 3, int64(20*view.MaxRows+i))))
	}
	if s.Pair(1) != nil || s.Pair(2) == nil {
		t.Errorf("got %v, %v; want the newest of ours alone", s.Pair(1), s.Pair(2))
	}
}

// Whatever a capture holds, nothing breaks.
func TestNonsense(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 5))
	v := &view.View{}
	for range 20_000 {
		v.Store.Add(wire.Event{
			Kind: wire.Kind(rnd.IntN(24)), Side: wire.Side(rnd.IntN(4)), Conn: rnd.Uint64N(3), Start: rnd.Int64N(1000), Return: rnd.Int64N(1000),
			From: rnd.Uint64N(50), To: rnd.Uint64N(50), Local: []string{"", here, there}[rnd.IntN(3)], Remote: []string{"", here, there}[rnd.IntN(3)],
		})
		switch rnd.IntN(100) {
		case 0:
			unpack(t, v.Frame(nil, rnd.IntN(1000), 50))
		case 1:
			v.Select(rnd.Uint64N(20_000))
		case 2:
			v.Toggle(rnd.Uint64N(20_000))
		case 3:
			v.Choose(rnd.IntN(4))
		case 4:
			v.Filter(view.Filter{Text: []string{"", "data", "5"}[rnd.IntN(3)], Hide: rnd.IntN(2) == 0})
		case 5:
			v.Freeze(rnd.IntN(2) == 0)
		case 6:
			v.Travel(rnd.Uint64N(20_000), rnd.IntN(2) == 0)
		case 7:
			v.Store.Restart()
		}
	}
}
