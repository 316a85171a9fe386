package view_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"porthole/web/view"
	"porthole/wire"
)

const (
	here  = "127.0.0.1:50000"
	there = "127.0.0.1:1234"
)

// ours is an event of this page's end number conn, returned at a moment. An
// event before connect has no local address.
func ours(kind wire.Kind, conn uint64, at int64) wire.Event {
	e := wire.Event{Kind: kind, Side: wire.Client, Conn: conn, Start: at - 1, Return: at, Local: here, Remote: there}
	if kind == wire.Lookup {
		e.Local, e.Remote, e.Host = "", "127.0.0.1", "localhost"
	}
	return e
}

// theirs is an event of the server's end number conn.
func theirs(kind wire.Kind, conn uint64, at int64) wire.Event {
	return wire.Event{Kind: kind, Side: wire.Server, Conn: conn, Start: at - 1, Return: at, Local: there, Remote: here}
}

// from puts an event between other addresses.
func from(remote string, e wire.Event) wire.Event {
	if e.Side == wire.Client {
		e.Local = remote
	} else {
		e.Remote = remote
	}
	return e
}

// took is a call that began some time before.
func took(start int64, e wire.Event) wire.Event {
	e.Start = start
	return e
}

func TestOrder(t *testing.T) {
	tests := []struct {
		name   string
		events []wire.Event
		want   string
	}{
		{"as they come", []wire.Event{ours(wire.Connect, 1, 10), ours(wire.Data, 1, 20)}, "connect@10 data@20"},
		{"an event told late", []wire.Event{ours(wire.Connect, 1, 10), ours(wire.Data, 1, 30), theirs(wire.Data, 1, 20)},
			"connect@10 data@20 data@30"},
		{"a call that was answered before it returned",
			[]wire.Event{ours(wire.Connect, 1, 10), theirs(wire.Data, 1, 25), took(20, ours(wire.CallWrite, 1, 40))},
			"connect@10 write()@20 data@25"},
		{"at the same moment, in the order of arrival",
			[]wire.Event{ours(wire.Data, 1, 10), ours(wire.End, 1, 10), theirs(wire.Close, 1, 5), ours(wire.Close, 1, 10)},
			"close@5 data@10 end@10 close@10"},
		{"before all others", []wire.Event{ours(wire.Connect, 1, 10), theirs(wire.Connection, 1, 9)}, "connection@9 connect@10"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s view.Store
			for _, e := range tt.events {
				s.Add(e)
			}
			if got := rows(&s); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// A gateway that was started anew tells a server's history again.
func TestToldTwice(t *testing.T) {
	listening := wire.Event{Kind: wire.Listening, Side: wire.Server, Start: 1, Return: 1, Local: there}
	first := theirs(wire.Data, 1, 20)
	first.To = 9
	second := theirs(wire.Data, 1, 20) // at the very same moment, and not the same
	second.From, second.To = 9, 12
	var s view.Store
	for range 2 {
		for _, e := range []wire.Event{listening, theirs(wire.Connection, 1, 10), first, second} {
			s.Add(e)
		}
		s.Restart()
	}
	if got, want := rows(&s), "listening@1 connection@10 data@20 data@20"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := s.Row(2).Pair().Server.Reads; got != 2 {
		t.Errorf("%d reads are counted, want 2", got)
	}
}

func rows(s *view.Store) string {
	var b []string
	for i := range s.Len() {
		r := s.Row(i)
		name := r.Kind.String()
		if r.Lost > 0 {
			name = fmt.Sprint("lost", r.Lost)
		}
		b = append(b, fmt.Sprintf("%s@%d", name, r.At()))
	}
	return strings.Join(b, " ")
}

func TestAddCopiesData(t *testing.T) {
	var s view.Store
	data := []byte("abc")
	e := ours(wire.Data, 1, 10)
	e.To, e.Data = 3, data
	s.Add(e)
	data[0] = 'x'
	if got := string(s.Row(0).Data); got != "abc" {
		t.Errorf("the store holds %q, want its own copy", got)
	}
}

func TestTotals(t *testing.T) {
	var s view.Store
	move := func(e wire.Event, from, to uint64) {
		e.From, e.To = from, to
		s.Add(e)
	}
	s.Add(theirs(wire.Connection, 1, 5)) // what is joined keeps its totals
	move(theirs(wire.Data, 1, 6), 0, 4)
	s.Add(took(1, ours(wire.Connect, 1, 10)))
	move(ours(wire.CallWrite, 1, 20), 0, 9)
	move(ours(wire.CallWrite, 1, 21), 9, 18)
	move(theirs(wire.Data, 1, 30), 4, 18)
	move(theirs(wire.CallWrite, 1, 31), 0, 24)
	e := ours(wire.Data, 1, 40)
	e.Kernel.State = 1
	move(e, 0, 24)
	move(from("127.0.0.1:6", theirs(wire.Data, 2, 50)), 0, 1000) // of no concern
	s.Add(ours(wire.Close, 1, 60))

	type end struct {
		read, wrote   uint64
		reads, writes int
		state         string
		closed        bool
	}
	sum := func(e *view.End) end {
		return end{e.Read, e.Wrote, e.Reads, e.Writes, e.Kernel.State.String(), e.Closed()}
	}
	if got, want := sum(&s.Own().Client), (end{24, 18, 1, 2, "ESTABLISHED", true}); got != want {
		t.Errorf("client: got %+v, want %+v", got, want)
	}
	if got, want := sum(&s.Own().Server), (end{18, 24, 2, 1, "", false}); got != want {
		t.Errorf("server: got %+v, want %+v", got, want)
	}
}

func TestLose(t *testing.T) {
	var s view.Store
	s.Lose(3)
	s.Add(ours(wire.Connect, 1, 10))
	s.Lose(40)
	s.Lose(2)
	s.Add(theirs(wire.Connection, 1, 9)) // told late: it goes where it belongs
	s.Add(ours(wire.Data, 1, 20))
	if got, want := rows(&s), "lost3@0 connection@9 connect@10 lost42@10 data@20"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDrop(t *testing.T) {
	var s view.Store
	own := ours(wire.Data, 1, 5)
	own.To = 7
	s.Add(ours(wire.Connect, 1, 1))
	s.Add(own)
	added := 2
	for conn := uint64(2); added < 3*view.MaxRows; conn++ {
		at, port := int64(conn*10), fmt.Sprintf("127.0.0.1:%d", conn%40_000)
		for i, k := range []wire.Kind{wire.Connection, wire.Data, wire.Close} {
			s.Add(from(port, theirs(k, conn, at+int64(i))))
			added++
		}
	}
	if s.Len() < view.MaxRows || s.Len() > view.MaxRows+view.MaxSpare {
		t.Errorf("%d rows are kept, want %d, and %d at most", s.Len(), view.MaxRows, view.MaxSpare)
	}
	if got := int(s.Dropped) + s.Len(); got != added {
		t.Errorf("dropped and kept are %d, want the %d that came", got, added)
	}
	if got := s.Pairs(); got > s.Len()/3+2 {
		t.Errorf("%d connections are known, for %d rows of 3 each", got, s.Len())
	}
	if got := s.Interned(); got > s.Len()/3+2 {
		t.Errorf("%d sources are known, for %d rows of 3 each", got, s.Len())
	}
	if got := s.Row(s.Len() - 1).Pair().Number; got != (added-2)/3+1 {
		t.Errorf("the newest connection is number %d, want %d", got, (added-2)/3+1)
	}
	// Ours is still open, and its totals count from its start.
	if own := s.Own(); own == nil || own.Client.Read != 7 {
		t.Fatalf("our connection is forgotten")
	}
	s.Add(ours(wire.End, 1, int64(added*10)))
	if got := s.Row(s.Len() - 1).Pair(); got != s.Own() || got.Number != 1 {
		t.Errorf("our connection has become number %d", got.Number)
	}
}

// A closed connection of ours goes as all others do, once there is another.
func TestDropForgetsOurs(t *testing.T) {
	var s view.Store
	for conn := uint64(1); conn < view.MaxRows; conn++ {
		port := fmt.Sprintf("127.0.0.1:%d", conn%40_000)
		s.Add(from(port, theirs(wire.Connection, conn, int64(conn*10))))
		s.Add(from(port, ours(wire.Connect, conn, int64(conn*10+1))))
		s.Add(from(port, ours(wire.Close, conn, int64(conn*10+2))))
	}
	if got := s.Pairs(); got > s.Len()/3+1 {
		t.Errorf("%d connections are known, for %d rows of 3 each", got, s.Len())
	}
}

// Any order of arrival gives the same picture.
func TestArrivalDoesNotMatter(t *testing.T) {
	events := []wire.Event{
		ours(wire.Lookup, 1, 10), took(10, ours(wire.Connect, 1, 20)), theirs(wire.Connection, 1, 22),
		took(30, ours(wire.CallWrite, 1, 35)), theirs(wire.Data, 1, 33), ours(wire.Close, 1, 50), theirs(wire.Close, 1, 60),
	}
	const want = "lookup@10 connect@20 connection@22 write()@30 data@33 close@50 close@60"
	for _, order := range permutations(len(events)) {
		// Each end tells its own events in order.
		if !ordered(order, 0, 1, 3, 5) || !ordered(order, 2, 4, 6) {
			continue
		}
		var s view.Store
		for _, i := range order {
			s.Add(events[i])
		}
		if got := rows(&s); got != want {
			t.Errorf("arrival %v: got %s, want %s", order, got, want)
		}
		if got, want := pairs(&s), strings.Repeat("1cs ", 6)+"1cs"; got != want {
			t.Errorf("arrival %v: got %s, want %s", order, got, want)
		}
	}
}

func ordered(order []int, some ...int) bool {
	return slices.IsSortedFunc(some, func(a, b int) int { return slices.Index(order, a) - slices.Index(order, b) })
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var all [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			all = append(all, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return all
}
