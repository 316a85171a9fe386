package view_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"porthole/web/view"
	"porthole/wire"
)

// frame is what static/frame.js makes of a packed one, field by field: its
// JSON form is the same.
type frame struct {
	Version      uint32  `json:"version"`
	Mode         uint8   `json:"mode"`
	Link         uint8   `json:"link"`
	Retry        float64 `json:"retry"`
	Code         uint16  `json:"code"`
	Reason       string  `json:"reason"`
	Target       string  `json:"target"`
	Offers       uint8   `json:"offers"`
	Sock         uint8   `json:"sock"`
	Unsent       float64 `json:"unsent"`
	Room         float64 `json:"room"`
	Why          why     `json:"why"`
	Heards       uint32  `json:"heards"`
	Heard        string  `json:"heard"`
	Chosen       uint32  `json:"chosen"`
	Shown        uint32  `json:"shown"`
	Own          bool    `json:"own"`
	Client       end     `json:"client"`
	Server       end     `json:"server"`
	Listener     uint8   `json:"listener"`
	Open         uint32  `json:"open"`
	Conns        []conn  `json:"conns"`
	Dropped      float64 `json:"dropped"`
	DroppedBytes float64 `json:"droppedBytes"`
	Selected     float64 `json:"selected"`
	Fresh        uint32  `json:"fresh"`
	Matches      uint32  `json:"matches"`
	Total        uint32  `json:"total"`
	First        uint32  `json:"first"`
	Lines        []line  `json:"lines"`
	Lives        []life  `json:"lives"`
	Arrows       []arrow `json:"arrows"`
}

type why struct {
	Code    string `json:"code"`
	Phase   string `json:"phase"`
	Syscall string `json:"syscall"`
	Address string `json:"address"`
	Port    uint32 `json:"port"`
}

type kernel struct {
	Known       bool    `json:"known"`
	State       string  `json:"state"`
	Unsent      float64 `json:"unsent"`
	Unread      float64 `json:"unread"`
	RTT         float64 `json:"rtt"`
	Cwnd        float64 `json:"cwnd"`
	Retransmits float64 `json:"retransmits"`
}

type end struct {
	Seen   bool    `json:"seen"`
	Closed bool    `json:"closed"`
	Paused bool    `json:"paused"`
	Local  string  `json:"local"`
	Read   float64 `json:"read"`
	Reads  uint32  `json:"reads"`
	Wrote  float64 `json:"wrote"`
	Writes uint32  `json:"writes"`
	Kernel kernel  `json:"kernel"`
}

type conn struct {
	Number uint32 `json:"number"`
	Own    bool   `json:"own"`
	State  uint8  `json:"state"`
	Client string `json:"client"`
	Server string `json:"server"`
}

type line struct {
	ID     float64 `json:"id"`
	Gap    float64 `json:"gap"`
	Side   uint8   `json:"side"`
	Flags  uint16  `json:"flags"`
	Slot   uint8   `json:"slot"`
	Number uint32  `json:"number"`
	Times  uint32  `json:"times"`
	Peers  uint32  `json:"peers"`
	Bytes  float64 `json:"bytes"`
	From   float64 `json:"from"`
	Name   string  `json:"name"`
	Note   string  `json:"note"`
	State  string  `json:"state"`
	Text   string  `json:"text"`
}

type life struct {
	Side  uint8   `json:"side"`
	Slot  uint8   `json:"slot"`
	Other bool    `json:"other"`
	Style uint8   `json:"style"`
	Cap   bool    `json:"cap"`
	From  float64 `json:"from"`
	To    float64 `json:"to"`
}

type arrow struct {
	Kind  uint8   `json:"kind"`
	Side  uint8   `json:"side"`
	Slot  uint8   `json:"slot"`
	Group bool    `json:"group"`
	Band  bool    `json:"band"`
	Dim   bool    `json:"dim"`
	From  float64 `json:"from"`
	To    float64 `json:"to"`
}

// reader takes the fields of a frame from its front.
type reader struct{ b []byte }

func (r *reader) take(n int) []byte {
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}
func (r *reader) u8() uint8    { return r.take(1)[0] }
func (r *reader) bool() bool   { return r.u8() != 0 }
func (r *reader) u16() uint16  { return binary.LittleEndian.Uint16(r.take(2)) }
func (r *reader) u32() uint32  { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) f64() float64 { return math.Float64frombits(binary.LittleEndian.Uint64(r.take(8))) }
func (r *reader) str() string  { return string(r.take(int(r.u32()))) }

func (r *reader) end() end {
	return end{r.bool(), r.bool(), r.bool(), r.str(), r.f64(), r.u32(), r.f64(), r.u32(),
		kernel{r.bool(), r.str(), r.f64(), r.f64(), r.f64(), r.f64(), r.f64()}}
}

// list takes a list: it is empty, and not nil, if there is nothing in it.
func list[T any](r *reader, take func() T) []T {
	all := make([]T, r.u32())
	for i := range all {
		all[i] = take()
	}
	return all
}

// unpack mirrors decode of static/frame.js, but leaves strings as they are.
func unpack(t testing.TB, b []byte) frame {
	t.Helper()
	r := &reader{b}
	f := frame{
		Version: r.u32(), Mode: r.u8(), Link: r.u8(), Retry: r.f64(), Code: r.u16(), Reason: r.str(), Target: r.str(), Offers: r.u8(),
		Sock: r.u8(), Unsent: r.f64(), Room: r.f64(), Why: why{r.str(), r.str(), r.str(), r.str(), r.u32()},
		Heards: r.u32(), Heard: r.str(), Chosen: r.u32(), Shown: r.u32(), Own: r.bool(), Client: r.end(), Server: r.end(),
		Listener: r.u8(), Open: r.u32(),
	}
	f.Conns = list(r, func() conn { return conn{r.u32(), r.bool(), r.u8(), r.str(), r.str()} })
	f.Dropped, f.DroppedBytes, f.Selected = r.f64(), r.f64(), r.f64()
	f.Fresh, f.Matches, f.Total, f.First = r.u32(), r.u32(), r.u32(), r.u32()
	f.Lines = list(r, func() line {
		return line{r.f64(), r.f64(), r.u8(), r.u16(), r.u8(), r.u32(), r.u32(), r.u32(), r.f64(), r.f64(),
			r.str(), r.str(), r.str(), r.str()}
	})
	f.Lives = list(r, func() life { return life{r.u8(), r.u8(), r.bool(), r.u8(), r.bool(), r.f64(), r.f64()} })
	f.Arrows = list(r, func() arrow {
		return arrow{r.u8(), r.u8(), r.u8(), r.bool(), r.bool(), r.bool(), r.f64(), r.f64()}
	})
	if len(r.b) > 0 {
		t.Errorf("%d bytes are left behind the frame", len(r.b))
	}
	return f
}

const all = math.MaxInt32

// picture is a view with something of everything.
func picture() *view.View {
	v := &view.View{
		Mode: view.Playing, Link: view.Lost, Retry: 1500, Code: 1001, Reason: "再见", Sock: view.Failed, Target: "localhost:1234", Unsent: 10, Room: 1 << 24,
		Offers: view.OfferEvents | view.OfferServer, Heards: 3, Heard: "你好",
		Why: wire.Failure{Phase: wire.PhaseDial, Code: "ECONNREFUSED", Syscall: "connect", Address: "127.0.0.1", Port: 1234},
	}
	write := took(2_000, ours(wire.CallWrite, 1, 9_000))
	write.From, write.To, write.Data = 3, 9, []byte("你好")
	write.Kernel = wire.Kernel{State: 1, Unsent: 6, Unread: 1, RTT: 17, Cwnd: 10, Retransmits: 2}
	read := theirs(wire.Data, 1, 5_500)
	read.From, read.To, read.Data, read.Approx = 3, 7, []byte("你\xe5"), true
	broken := theirs(wire.Error, 1, 6_000)
	broken.Code = "ECONNRESET"
	closed := theirs(wire.Close, 1, 6_001)
	closed.HadError = true
	for _, e := range []wire.Event{
		{Kind: wire.Listening, Side: wire.Server, Start: 500, Return: 500, Local: there},
		ours(wire.Lookup, 1, 900), ours(wire.Connect, 1, 1_000), write, theirs(wire.Connection, 1, 1_100),
		theirs(wire.CallPause, 1, 1_200), read, broken, closed, from("127.0.0.1:6", theirs(wire.Connection, 2, 6_500)),
	} {
		v.Store.Add(e)
	}
	v.Store.Mark("stick")
	v.Store.Lose(1240)
	v.Select(4)
	return v
}

func TestFrame(t *testing.T) {
	got := unpack(t, picture().Frame(nil, 0, all))
	want := frame{
		Version: 12, Mode: 2, Link: 2, Retry: 1500, Code: 1001, Reason: "再见", Sock: 6, Target: "localhost:1234", Unsent: 10, Room: 1 << 24,
		Offers: 5, Why: why{"ECONNREFUSED", "dial", "connect", "127.0.0.1", 1234}, Heards: 3, Heard: "你好",
		Shown: 1, Own: true,
		Client: end{Seen: true, Local: here, Wrote: 9, Writes: 1, Kernel: kernel{true, "ESTABLISHED", 6, 1, 17, 10, 2}},
		Server: end{Seen: true, Closed: true, Paused: true, Local: there, Read: 7, Reads: 1}, Listener: 1, Open: 1,
		Conns:    []conn{{2, false, 1, "127.0.0.1:6", there}, {1, true, 1, here, there}},
		Selected: 4, Fresh: 10, Matches: 10, Total: 12,
		Lines: []line{
			{ID: 1, Gap: -1, Side: 2, Times: 1, Name: "listening", Note: there},
			{ID: 2, Gap: .4, Side: 1, Number: 1, Times: 1, Name: "lookup", Note: "localhost"},
			{ID: 3, Gap: .1, Side: 1, Number: 1, Times: 1, Name: "connect"},
			{ID: 5, Gap: .1, Side: 2, Number: 1, Times: 1, Name: "connection"},
			{ID: 6, Gap: .099, Side: 2, Flags: 1, Number: 1, Times: 1, Name: "pause()"},
			{ID: 4, Gap: .801, Side: 1, Flags: 1 | 128 | 256, Number: 1, Times: 1, Peers: 1, Bytes: 6, From: 3, Name: "write()", State: "ESTABLISHED", Text: "你好"},
			{ID: 7, Gap: 3.5, Side: 2, Flags: 4 | 256, Number: 1, Times: 1, Peers: 1, Bytes: 4, From: 3, Name: "data", Text: "你\xe5"},
			{ID: 8, Gap: .5, Side: 2, Flags: 2, Number: 1, Times: 1, Name: "error", Note: "ECONNRESET"},
			{ID: 9, Gap: .001, Side: 2, Flags: 2, Number: 1, Times: 1, Name: "close", Note: "hadError=true"},
			{ID: 10, Gap: .499, Side: 2, Flags: 8, Slot: 1, Number: 2, Times: 1, Name: "connection", Note: "127.0.0.1:6"},
			{ID: 11, Gap: -1, Flags: 512, Times: 1, Note: "stick"},
			{ID: 12, Gap: -1, Flags: 1024, Times: 1, Bytes: 1240},
		},
		Lives: []life{
			{1, 0, false, 0, false, 2.5, 13}, {2, 0, false, 0, false, 3.5, 4.5}, {2, 0, false, 1, true, 4.5, 8.5},
			{2, 1, true, 0, false, 9.5, 13},
		},
		Arrows: []arrow{{Kind: 0, Side: 1, Group: true, From: 5.5, To: 6.5}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Whatever is asked for, the frame says what it holds.
func TestFrameWindow(t *testing.T) {
	v := &view.View{}
	for i := range 10 {
		v.Store.Add(ours(wire.Data, 1, int64(i+1)*1000))
	}
	tests := []struct {
		first, count      int
		wantFirst, wantIn int
	}{
		{0, 4, 0, 4},
		{3, 4, 3, 4},
		{6, 4, 6, 4},
		{8, 4, 6, 4}, // the last four
		{all, 4, 6, 4},
		{-5, 4, 0, 4},
		{0, 100, 0, 10},
		{all, all, 0, 10},
		{3, 0, 3, 0},
		{3, -1, 3, 0},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.first, tt.count), func(t *testing.T) {
			f := unpack(t, v.Frame(nil, tt.first, tt.count))
			if int(f.First) != tt.wantFirst || len(f.Lines) != tt.wantIn || f.Total != 10 {
				t.Errorf("got %d of %d lines from %d, want %d of 10 from %d", len(f.Lines), f.Total, f.First, tt.wantIn, tt.wantFirst)
			}
			if len(f.Lines) > 0 && f.First > 0 && f.Lines[0].Gap != 1 {
				t.Errorf("the first line's gap is %v µs, want the 1 µs to the line before", f.Lines[0].Gap)
			}
		})
	}
}

// A line shows the start of its bytes: cut where the line ends, never within a
// character that is whole, and with every cut that the stream has.
func TestLineText(t *testing.T) {
	show := func(t *testing.T, data string, bytes int) string {
		t.Helper()
		v := &view.View{}
		e := ours(wire.Data, 1, 10)
		e.To, e.Data = uint64(bytes), []byte(data)
		v.Store.Add(e)
		return unpack(t, v.Frame(nil, 0, 1)).Lines[0].Text
	}
	for _, tt := range []struct{ name, data, want string }{
		{"short", "你好", "你好"},
		{"cut by the read", "你\xe5", "你\xe5"},
		{"begun by a cut", "\xa5\xbd你", "\xa5\xbd你"},
		{"no text at all", "\xff\xfe\x80", "\xff\xfe\x80"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := show(t, tt.data, len(tt.data)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	for _, char := range []string{"a", "é", "好", "😀"} {
		for shift := range 4 {
			data := strings.Repeat("x", shift) + strings.Repeat(char, 200)
			got := show(t, data, len(data))
			if !strings.HasPrefix(data, got) || !utf8.ValidString(got) {
				t.Errorf("%s behind %d bytes: got %q, which cuts a character", char, shift, got)
			}
			if len(got) > view.Preview || len(got)+len(char) <= view.Preview {
				t.Errorf("%s behind %d bytes: %d bytes are shown, want as many as fit in %d", char, shift, len(got), view.Preview)
			}
		}
	}
	// An event copies less than was read: what the copy cuts is not shown.
	if got, want := show(t, "你好"[:5], 6), "你"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := show(t, strings.Repeat("\x80", 200), 200); len(got) != view.Preview {
		t.Errorf("of bytes that are no text, only %d are shown", len(got))
	}
}

// inJavaScript runs a module in node, beside frame.js as the page has it.
func inJavaScript(t *testing.T, module string, stdin []byte) (stdout []byte) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node here; the browser's tests read frames too")
	}
	dir := t.TempDir()
	source, err := os.ReadFile(filepath.Join("..", "static", "frame.js"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "frame.mjs"), source, 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "--input-type=module", "-e", module)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// The page's own decoder reads the same as the mirror of it above.
func TestFrameInJavaScript(t *testing.T) {
	for name, v := range map[string]*view.View{"a picture": picture(), "nothing": {}} {
		packed := v.Frame(nil, 0, all)
		out := inJavaScript(t, `
			import { readFileSync } from 'node:fs';
			import { decode } from './frame.mjs';
			console.log(JSON.stringify(decode(readFileSync(0))));`, packed)
		var got frame
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		want := unpack(t, packed)
		for i := range want.Lines { // as toString does
			want.Lines[i].Text = strings.ToValidUTF8(want.Lines[i].Text, "\ufffd")
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got  %+v\nwant %+v", name, got, want)
		}
	}
}
