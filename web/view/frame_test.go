package view_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
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
	TalkVersion uint32  `json:"talkVersion"`
	Link        uint8   `json:"link"`
	Retry       float64 `json:"retry"`
	Sock        uint8   `json:"sock"`
	Target      string  `json:"target"`
	Unsent      float64 `json:"unsent"`
	Room        float64 `json:"room"`
	Why         why     `json:"why"`
	Lanes       lanes   `json:"lanes"`
	Client      end     `json:"client"`
	Server      end     `json:"server"`
	Dropped     uint32  `json:"dropped"`
	Total       uint32  `json:"total"`
	First       uint32  `json:"first"`
	Rows        []row   `json:"rows"`
	Talk        []line  `json:"talk"`
}

type why struct {
	Code    string `json:"code"`
	Phase   string `json:"phase"`
	Syscall string `json:"syscall"`
	Address string `json:"address"`
	Port    uint32 `json:"port"`
}

type lanes struct {
	Client uint8 `json:"client"`
	Server uint8 `json:"server"`
}

type end struct {
	Seen   bool    `json:"seen"`
	Closed bool    `json:"closed"`
	Local  string  `json:"local"`
	State  string  `json:"state"`
	Read   float64 `json:"read"`
	Reads  uint32  `json:"reads"`
	Wrote  float64 `json:"wrote"`
	Writes uint32  `json:"writes"`
}

type row struct {
	Gap    float64 `json:"gap"`
	Side   uint8   `json:"side"`
	Flags  uint8   `json:"flags"`
	Before uint8   `json:"lanesBefore"`
	After  uint8   `json:"lanesAfter"`
	Number uint32  `json:"number"`
	Bytes  float64 `json:"bytes"`
	From   float64 `json:"from"`
	Name   string  `json:"name"`
	Note   string  `json:"note"`
	State  string  `json:"state"`
	Text   string  `json:"text"`
}

type line struct {
	Side uint8   `json:"side"`
	Conn uint32  `json:"conn"`
	More float64 `json:"more"`
	Text string  `json:"text"`
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
func (r *reader) u32() uint32  { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) f64() float64 { return math.Float64frombits(binary.LittleEndian.Uint64(r.take(8))) }
func (r *reader) str() string  { return string(r.take(int(r.u32()))) }

// unpack mirrors decode of static/frame.js, but leaves strings as they are.
func unpack(t *testing.T, b []byte) frame {
	t.Helper()
	r := &reader{b}
	f := frame{TalkVersion: r.u32(), Link: r.u8(), Retry: r.f64(), Sock: r.u8(), Target: r.str(), Unsent: r.f64(), Room: r.f64()}
	f.Why = why{r.str(), r.str(), r.str(), r.str(), r.u32()}
	both := r.u8()
	f.Lanes = lanes{both & 15, both >> 4}
	for _, e := range []*end{&f.Client, &f.Server} {
		*e = end{r.bool(), r.bool(), r.str(), r.str(), r.f64(), r.u32(), r.f64(), r.u32()}
	}
	f.Dropped, f.Total, f.First = r.u32(), r.u32(), r.u32()
	f.Rows = make([]row, r.u32())
	for i := range f.Rows {
		f.Rows[i] = row{r.f64(), r.u8(), r.u8(), r.u8(), r.u8(), r.u32(), r.f64(), r.f64(), r.str(), r.str(), r.str(), r.str()}
	}
	if r.bool() {
		f.Talk = make([]line, r.u32())
		for i := range f.Talk {
			f.Talk[i] = line{r.u8(), r.u32(), r.f64(), r.str()}
		}
	}
	if len(r.b) > 0 {
		t.Errorf("%d bytes are left behind the frame", len(r.b))
	}
	return f
}

const all = math.MaxInt32

// picture is a view with something of everything.
func picture() *view.View {
	v := &view.View{
		Link: view.Lost, Retry: 1500, Sock: view.Failed, Target: "localhost:1234", Unsent: 10, Room: 1 << 24,
		Why: wire.Failure{Phase: wire.PhaseDial, Code: "ECONNREFUSED", Syscall: "connect", Address: "127.0.0.1", Port: 1234},
	}
	write := took(2_000, ours(wire.CallWrite, 1, 9_000))
	write.From, write.To, write.Data = 3, 9, []byte("你好")
	write.Kernel = wire.Kernel{State: 1, Unsent: 6}
	read := theirs(wire.Data, 1, 5_500)
	read.From, read.To, read.Data, read.Approx = 3, 7, []byte("你\xe5"), true
	broken := theirs(wire.Error, 1, 6_000)
	broken.Code = "ECONNRESET"
	closed := theirs(wire.Close, 1, 6_001)
	closed.HadError = true
	for _, e := range []wire.Event{
		{Kind: wire.Listening, Side: wire.Server, Start: 500, Return: 500, Local: there},
		ours(wire.Lookup, 1, 900), ours(wire.Connect, 1, 1_000), write, theirs(wire.Connection, 1, 1_100), read, broken, closed,
		from("127.0.0.1:6", theirs(wire.Connection, 2, 6_500)),
	} {
		v.Store.Add(e)
	}
	v.Store.Lose(1240)
	v.Talk.Say(wire.Client, 1, "你好")
	v.Talk.Say(wire.Server, 1, strings.Repeat("好", 1000))
	return v
}

func TestFrame(t *testing.T) {
	v := picture()
	got := unpack(t, v.Frame(nil, 0, all, 0))
	if len(got.Talk) != 2 || got.Talk[1].More == 0 {
		t.Fatalf("the talk is %+v, want two lines, the second with more", got.Talk)
	}
	got.Talk[1].Text = ""
	kept := 1000*len("好") - int(got.Talk[1].More)
	want := frame{
		TalkVersion: 2, Link: 2, Retry: 1500, Sock: 6, Target: "localhost:1234", Unsent: 10, Room: 1 << 24,
		Why:    why{"ECONNREFUSED", "dial", "connect", "127.0.0.1", 1234},
		Lanes:  lanes{1, 3},
		Client: end{Seen: true, Local: here, State: "ESTABLISHED", Wrote: 9, Writes: 1},
		Server: end{Seen: true, Closed: true, Local: there, Read: 7, Reads: 1},
		Total:  10,
		Rows: []row{
			{Gap: -1, Side: 2, Name: "listening", Note: there},
			{Gap: .4, Side: 1, Number: 1, Name: "lookup", Note: "localhost"},
			{Gap: .1, Side: 1, Before: 0x00, After: 0x01, Number: 1, Name: "connect"},
			{Gap: .1, Side: 2, Before: 0x01, After: 0x11, Number: 1, Name: "connection"},
			{Gap: .9, Side: 1, Flags: 1, Before: 0x11, After: 0x11, Number: 1, Bytes: 6, From: 3, Name: "write()", State: "ESTABLISHED", Text: "你好"},
			{Gap: 3.5, Side: 2, Flags: 4, Before: 0x11, After: 0x11, Number: 1, Bytes: 4, From: 3, Name: "data", Text: "你\xe5"},
			{Gap: .5, Side: 2, Flags: 2, Before: 0x11, After: 0x11, Number: 1, Name: "error", Note: "ECONNRESET"},
			{Gap: .001, Side: 2, Flags: 2, Before: 0x11, After: 0x31, Number: 1, Name: "close", Note: "hadError=true"},
			{Gap: .499, Side: 2, Flags: 8, Before: 0x31, After: 0x31, Number: 2, Name: "connection", Note: "127.0.0.1:6"},
			{Gap: -1, Before: 0x31, After: 0x31, Bytes: 1240},
		},
		Talk: []line{{1, 1, 0, "你好"}, {2, 1, float64(1000*len("好") - kept), ""}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// The bytes are a contract with a file in another language.
func TestFrameBytes(t *testing.T) {
	v := &view.View{Link: view.Open, Sock: view.Up, Target: "h:1", Room: 2}
	v.Store.Add(wire.Event{Kind: wire.CallWrite, Side: wire.Client, Conn: 1, Start: 5, Return: 6, To: 3, Data: []byte("\xe4\xbd\xa0")})
	v.Talk.Say(wire.Client, 1, "你")
	want := strings.Join([]string{
		"01000000", // the talk's version
		"01", "0000000000000000", "02", "03000000", "683a31", "0000000000000000", "0000000000000040",
		"00000000", "00000000", "00000000", "00000000", "00000000", // no failure
		"01",
		"01", "00", "00000000", "00000000", "0000000000000000", "00000000", "0000000000000840", "01000000",
		"00", "00", "00000000", "00000000", "0000000000000000", "00000000", "0000000000000000", "00000000",
		"00000000", "01000000", "00000000", "01000000",
		"000000000000f0bf", "01", "01", "00", "01", "01000000", "0000000000000840", "0000000000000000",
		"07000000", "7772697465" + "2829", "00000000", "00000000", "03000000", "e4bda0",
		"01", "01000000", "01", "01000000", "0000000000000000", "03000000", "e4bda0",
	}, "")
	if got := hex.EncodeToString(v.Frame(nil, 0, 1, 0)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
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
			f := unpack(t, v.Frame(nil, tt.first, tt.count, 0))
			if int(f.First) != tt.wantFirst || len(f.Rows) != tt.wantIn || f.Total != 10 {
				t.Errorf("got %d of %d rows from %d, want %d of 10 from %d", len(f.Rows), f.Total, f.First, tt.wantIn, tt.wantFirst)
			}
			if len(f.Rows) > 0 && f.First > 0 && f.Rows[0].Gap != 1 {
				t.Errorf("the first row's gap is %v µs, want the 1 µs to the row before", f.Rows[0].Gap)
			}
		})
	}
}

func TestFrameLeavesOutWhatThePageHas(t *testing.T) {
	v := picture()
	had := unpack(t, v.Frame(nil, 0, 0, 0))
	if again := unpack(t, v.Frame(nil, 0, 0, had.TalkVersion)); again.Talk != nil {
		t.Errorf("the talk is packed again: %+v", again.Talk)
	}
	v.Talk.Say(wire.Client, 1, "more")
	if again := unpack(t, v.Frame(nil, 0, 0, had.TalkVersion)); len(again.Talk) != len(had.Talk)+1 {
		t.Errorf("the talk has %d lines, want %d", len(again.Talk), len(had.Talk)+1)
	}
}

// The lifelines, row by row: . waiting, | open, : its own side ended, _ closed.
func TestLanes(t *testing.T) {
	tests := []struct {
		name   string
		events []wire.Event
		want   string // client and server before, client and server after
	}{
		{"a life", []wire.Event{
			ours(wire.Lookup, 1, 10), ours(wire.Connect, 1, 20), theirs(wire.Connection, 1, 30), ours(wire.CallEnd, 1, 40),
			theirs(wire.End, 1, 50), theirs(wire.CallEnd, 1, 60), theirs(wire.Close, 1, 70), ours(wire.Close, 1, 80),
		}, "..→.. ..→|. |.→|| ||→:| :|→:| :|→:: ::→:_ :_→__"},
		{"a dial that failed", []wire.Event{
			ours(wire.Lookup, 1, 10), ours(wire.Error, 1, 20), ours(wire.Close, 1, 30),
		}, "..→.. ..→.. ..→__"},
		{"another life", []wire.Event{
			ours(wire.Connect, 1, 10), ours(wire.CallReset, 1, 20), ours(wire.Close, 1, 21),
			ours(wire.Lookup, 2, 40), from("127.0.0.1:50001", ours(wire.Connect, 2, 50)),
		}, "..→|. |.→:. :.→__ __→.. ..→|."},
		{"the server told first", []wire.Event{
			theirs(wire.Connection, 1, 22), took(10, ours(wire.Connect, 1, 20)),
		}, "..→|. |.→||"},
		{"others draw no line", []wire.Event{
			from("127.0.0.1:6", theirs(wire.Connection, 1, 10)), ours(wire.Connect, 1, 20), from("127.0.0.1:6", theirs(wire.Close, 1, 30)),
		}, "..→.. ..→|. |.→|."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := &view.View{}
			for _, e := range tt.events {
				v.Store.Add(e)
			}
			f := unpack(t, v.Frame(nil, 0, all, 0))
			var b []string
			for _, r := range f.Rows {
				b = append(b, drawn(r.Before)+"→"+drawn(r.After))
			}
			if got := strings.Join(b, " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			last := f.Rows[len(f.Rows)-1].After
			if now := (lanes{last & 15, last >> 4}); f.Lanes != now {
				t.Errorf("now they are %v, but %v behind the last row", f.Lanes, now)
			}
		})
	}
}

func drawn(both uint8) string { return string(".|:_"[both&15]) + string(".|:_"[both>>4]) }

// A row shows the start of its bytes: cut where the row ends, never within a
// character that is whole, and with every cut that the stream has.
func TestRowText(t *testing.T) {
	show := func(t *testing.T, data string, bytes int) string {
		t.Helper()
		v := &view.View{}
		e := ours(wire.Data, 1, 10)
		e.To, e.Data = uint64(bytes), []byte(data)
		v.Store.Add(e)
		return unpack(t, v.Frame(nil, 0, 1, 0)).Rows[0].Text
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
			data := strings.Repeat("x", shift) + strings.Repeat(char, 500)
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

// The page's own decoder reads the same as the mirror of it above.
func TestFrameInJavaScript(t *testing.T) {
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
	packed := picture().Frame(nil, 0, all, 0)
	cmd := exec.CommandContext(t.Context(), node, "--input-type=module", "-e", `
		import { readFileSync } from 'node:fs';
		import { decode } from './frame.mjs';
		console.log(JSON.stringify(decode(readFileSync(0))));`)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(packed)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got frame
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := unpack(t, packed)
	for i := range want.Rows { // as toString does
		want.Rows[i].Text = strings.ToValidUTF8(want.Rows[i].Text, "\ufffd")
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
