package view_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"porthole/web/view"
	"porthole/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each script in testdata is a few events, and what is done meanwhile; its
// golden file is what is drawn. A line of a script is one of
//
//	at[+took] end kind [arg] [×times/apart] [~]   in µs; ~ is another clock
//	@ command [args]
//
// An end is c1 or s1 for the ends of our connection 1, d1 for ours of one that
// has no address, n1 for the server's end of one from elsewhere, or s for the
// listener. The arg of write() is what is
// written, of data how many bytes are read, of error the code, of lookup the
// host. Events come as they return.
func TestGolden(t *testing.T) {
	scripts, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	for _, script := range scripts {
		name := strings.TrimSuffix(filepath.Base(script), ".txt")
		t.Run(name, func(t *testing.T) {
			source, err := os.ReadFile(script)
			if err != nil {
				t.Fatal(err)
			}
			s := stage{t: t, streams: map[string]*[]byte{}, read: map[string]uint64{}, window: [2]int{0, 200}}
			lines := bufio.NewScanner(bytes.NewReader(source))
			for lines.Scan() {
				s.do(lines.Text())
			}
			s.command("show", nil)
			golden := strings.TrimSuffix(script, ".txt") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(s.out.String()), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.out.String(); got != string(want) {
				t.Errorf("%s\ngot  %s\nwant %s", golden, got, want)
			}
		})
	}
}

// stage plays a script.
type stage struct {
	t       *testing.T
	v       view.View
	events  []wire.Event // that have not come yet
	streams map[string]*[]byte
	read    map[string]uint64
	window  [2]int
	out     strings.Builder
}

func (s *stage) do(text string) {
	f := strings.Fields(text)
	switch {
	case len(f) == 0 || f[0][0] == '#':
	case f[0] == "@":
		s.command(f[1], f[2:])
	default:
		times, apart, approx := 1, 0, false
		for i := len(f) - 1; i > 2; i-- {
			switch {
			case f[i] == "~":
				approx, f = true, f[:i]
			case strings.HasPrefix(f[i], "×"):
				n, d, _ := strings.Cut(strings.TrimPrefix(f[i], "×"), "/")
				times, apart, f = s.int(n), s.int(d), f[:i]
			}
		}
		for i := range times {
			e := s.event(f, i*apart)
			e.Approx = approx
			s.events = append(s.events, e)
		}
	}
}

func (s *stage) int(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *stage) event(f []string, later int) wire.Event {
	at, took, _ := strings.Cut(f[0], "+")
	e := wire.Event{Side: wire.Server, Start: int64(s.int(at)+later) * 1000}
	e.Return = e.Start
	if err := e.Kind.UnmarshalText([]byte(strings.TrimSuffix(f[2], "!"))); err != nil {
		s.t.Fatalf("%v: %s", err, f[2])
	}
	if took != "" {
		e.Return += int64(s.int(took)) * 1000
		if !e.Kind.Call() {
			e.Return = e.Start
			e.Start -= int64(s.int(took)) * 1000
		}
	}
	e.HadError = strings.HasSuffix(f[2], "!")
	end := f[1]
	e.Local = there
	if len(end) > 1 {
		n := s.int(end[1:])
		e.Conn = uint64(n)
		port := 50000 + n
		if end[0] == 'n' {
			e.Conn, port = uint64(100+n), 60000+n
		}
		if e.Remote = fmt.Sprint("127.0.0.1:", port); end[0] == 'c' {
			e.Side, e.Local, e.Remote = wire.Client, e.Remote, e.Local
		}
		if end[0] == 'd' {
			e.Side, e.Local, e.Remote = wire.Client, "", "localhost:1234"
		}
	}
	arg := ""
	if len(f) > 3 {
		arg = f[3]
	}
	peer := map[byte]string{'c': "s", 's': "c", 'n': "nc"}[end[0]] + end[1:]
	switch e.Kind {
	case wire.CallWrite:
		b := s.stream(end)
		e.From, e.Data = uint64(len(*b)), []byte(arg)
		*b = append(*b, arg...)
		e.To = uint64(len(*b))
	case wire.Data:
		b := *s.stream(peer)
		e.From = s.read[end]
		e.To = e.From + uint64(s.int(arg))
		s.read[end] = e.To
		if e.To <= uint64(len(b)) {
			e.Data = b[e.From:e.To]
		}
	case wire.Lookup:
		e.Host, e.Local, e.Remote = arg, "", "127.0.0.1"
	case wire.Error:
		if e.Code = arg; arg == "ECONNREFUSED" {
			e.Local = ""
		}
	}
	return e
}

func (s *stage) stream(end string) *[]byte {
	if s.streams[end] == nil {
		s.streams[end] = new([]byte)
	}
	return s.streams[end]
}

// come lets the events come that the script has told.
func (s *stage) come() {
	slices.SortStableFunc(s.events, func(a, b wire.Event) int { return int(a.Return - b.Return) })
	for _, e := range s.events {
		s.v.Store.Add(e)
	}
	s.events = nil
}

func (s *stage) command(name string, args []string) {
	s.come()
	arg := strings.Join(args, " ")
	id := func() uint64 { // of a line
		f := unpack(s.t, s.v.Frame(nil, s.int(arg), 1))
		return uint64(f.Lines[0].ID)
	}
	switch name {
	case "show":
		f := unpack(s.t, s.v.Frame(nil, s.window[0], s.window[1]))
		draw(&s.out, &f)
		return
	case "window":
		s.window = [2]int{s.int(args[0]), s.int(args[1])}
	case "end":
		s.window = [2]int{math.MaxInt32, s.int(args[0])}
	case "choose":
		s.v.Choose(s.int(arg))
	case "filter":
		f := view.Filter{Hide: slices.Contains(args, "hide")}
		for _, a := range args {
			switch a {
			case "data":
				f.Kind = view.DataKinds
			case "lifecycle":
				f.Kind = view.Lifecycle
			case "client":
				f.Side = wire.Client
			case "server":
				f.Side = wire.Server
			case "hide":
			default:
				f.Text = a
			}
		}
		s.v.Filter(f)
	case "freeze":
		s.v.Freeze(true)
	case "thaw":
		s.v.Freeze(false)
	case "toggle":
		s.v.Toggle(id())
	case "select":
		s.v.Select(id())
	case "lose":
		s.v.Store.Lose(uint64(s.int(arg)))
	case "mark":
		s.v.Store.Mark(arg)
	case "restart":
		s.v.Store.Restart()
	default:
		s.t.Fatalf("%s is no command", name)
	}
	fmt.Fprintf(&s.out, "@ %s %s\n", name, arg)
}

var (
	flagNames = strings.Fields("call error approx other dim fold opened selected group mark lost")
	sides     = ". c s"
	styles    = strings.Fields("open paused ended")
	kinds     = strings.Fields("bytes end reset")
	servers   = strings.Fields("unknown listening closing closed")
)

func endOf(side, slot uint8) string { return fmt.Sprintf("%c%d", sides[2*side], slot) }

// draw says in words what a frame shows.
func draw(b *strings.Builder, f *frame) {
	fmt.Fprintf(b, "%d lines from %d of %d", len(f.Lines), f.First, f.Total)
	fmt.Fprintf(b, ", %d fresh, %d match, listener %s, %d open, shown %d", f.Fresh, f.Matches, servers[f.Listener], f.Open, f.Shown)
	if f.Chosen != 0 {
		fmt.Fprintf(b, ", chosen %d", f.Chosen)
	}
	b.WriteString("\n")
	for i, l := range f.Lines {
		fmt.Fprintf(b, "%4d", int(f.First)+i)
		if l.Gap >= 0 {
			fmt.Fprintf(b, " %+7gµs", l.Gap)
		} else {
			b.WriteString("          ")
		}
		fmt.Fprintf(b, " %s #%d", endOf(l.Side, l.Slot), l.Number)
		if l.Name != "" {
			fmt.Fprintf(b, " %s", l.Name)
		}
		if l.Times != 1 {
			fmt.Fprintf(b, " ×%d", l.Times)
		}
		if l.Bytes > 0 {
			fmt.Fprintf(b, " [%g,%g)", l.From, l.From+l.Bytes)
		}
		if l.Peers > 0 {
			fmt.Fprintf(b, " ↔%d", l.Peers)
		}
		if l.Note != "" {
			fmt.Fprintf(b, " %s", l.Note)
		}
		if l.Text != "" {
			fmt.Fprintf(b, " %q", l.Text)
		}
		for k, name := range flagNames {
			if l.Flags&(1<<k) != 0 {
				fmt.Fprintf(b, " %s", name)
			}
		}
		b.WriteString("\n")
	}
	for _, l := range f.Lives {
		fmt.Fprintf(b, "  life %s %g–%g %s", endOf(l.Side, l.Slot), l.From, l.To, styles[l.Style])
		if l.Other {
			b.WriteString(" other")
		}
		if l.Cap {
			b.WriteString(" cap")
		}
		b.WriteString("\n")
	}
	for _, a := range f.Arrows {
		fmt.Fprintf(b, "  arrow %s %g→%g %s", endOf(a.Side, a.Slot), a.From, a.To, kinds[a.Kind])
		for _, w := range []struct {
			is   bool
			name string
		}{{a.Band, "band"}, {a.Dim, "dim"}, {a.Group, "group"}} {
			if w.is {
				b.WriteString(" " + w.name)
			}
		}
		b.WriteString("\n")
	}
}
