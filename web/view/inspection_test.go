package view_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"porthole/web/view"
	"porthole/wire"
)

// inspection is what static/frame.js makes of a packed one, field by field.
type inspection struct {
	ID          float64     `json:"id"`
	Name        string      `json:"name"`
	Side        uint8       `json:"side"`
	Number      uint32      `json:"number"`
	Took        float64     `json:"took"`
	Approx      bool        `json:"approx"`
	Local       string      `json:"local"`
	Remote      string      `json:"remote"`
	Code        string      `json:"code"`
	Syscall     string      `json:"syscall"`
	Host        string      `json:"host"`
	Message     uint32      `json:"message"`
	KernelID    float64     `json:"kernelId"`
	Client      sockKernel  `json:"client"`
	Server      sockKernel  `json:"server"`
	Writer      uint8       `json:"writer"`
	From        float64     `json:"from"`
	To          float64     `json:"to"`
	First       float64     `json:"first"`
	Bytes       []byte      `json:"bytes"`
	Known       []byte      `json:"known"`
	WritesInAll uint32      `json:"writesInAll"`
	ReadsInAll  uint32      `json:"readsInAll"`
	Writes      []piece     `json:"writes"`
	Reads       []piece     `json:"reads"`
	Glyphs      []character `json:"glyphs"`
	Cuts        []float64   `json:"cuts"`
	Lens        uint8       `json:"lens"`
	LensKnown   bool        `json:"lensKnown"`
	Framed      []message   `json:"framed"`
}

type sockKernel struct {
	Known       bool    `json:"known"`
	State       string  `json:"state"`
	Unsent      float64 `json:"unsent"`
	Unread      float64 `json:"unread"`
	RTT         float64 `json:"rtt"`
	Cwnd        float64 `json:"cwnd"`
	Retransmits float64 `json:"retransmits"`
}

type piece struct {
	ID      float64 `json:"id"`
	From    float64 `json:"from"`
	To      float64 `json:"to"`
	At      float64 `json:"at"`
	Took    float64 `json:"took"`
	Message uint32  `json:"message"`
	Data    []byte  `json:"data"`
}

type character struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Cut  bool    `json:"cut"`
	Text string  `json:"text"`
}

type message struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Whole bool    `json:"whole"`
	Text  string  `json:"text"`
}

// unpackInspect mirrors decodeInspect of static/frame.js, but leaves strings as
// they are. It is nil if nothing is selected.
func unpackInspect(t *testing.T, b []byte) *inspection {
	t.Helper()
	r := &reader{b}
	defer func() {
		if len(r.b) > 0 {
			t.Errorf("%d bytes are left behind what is inspected", len(r.b))
		}
	}()
	if !r.bool() {
		return nil
	}
	raw := func() []byte { return r.take(int(r.u32())) }
	kernel := func() sockKernel {
		return sockKernel{r.bool(), r.str(), r.f64(), r.f64(), r.f64(), r.f64(), r.f64()}
	}
	pieces := func() []piece {
		return listed(r, func() piece { return piece{r.f64(), r.f64(), r.f64(), r.f64(), r.f64(), r.u32(), raw()} })
	}
	return &inspection{
		ID: r.f64(), Name: r.str(), Side: r.u8(), Number: r.u32(), Took: r.f64(), Approx: r.bool(),
		Local: r.str(), Remote: r.str(), Code: r.str(), Syscall: r.str(), Host: r.str(), Message: r.u32(),
		KernelID: r.f64(), Client: kernel(), Server: kernel(),
		Writer: r.u8(), From: r.f64(), To: r.f64(), First: r.f64(),
		Bytes: raw(), Known: raw(),
		WritesInAll: r.u32(), ReadsInAll: r.u32(), Writes: pieces(), Reads: pieces(),
		Glyphs: listed(r, func() character { return character{r.f64(), r.f64(), r.bool(), r.str()} }),
		Cuts:   listed(r, r.f64),
		Lens:   r.u8(), LensKnown: r.bool(),
		Framed: listed(r, func() message { return message{r.f64(), r.f64(), r.bool(), r.str()} }),
	}
}

func listed[T any](r *reader, read func() T) []T {
	all := make([]T, r.u32())
	for i := range all {
		all[i] = read()
	}
	return all
}

// String draws it as a person would.
func (x *inspection) String() string {
	if x == nil {
		return "nothing"
	}
	var b strings.Builder
	line := func(name string, parts ...string) {
		if len(parts) > 0 {
			fmt.Fprintf(&b, "%s %s\n", name, strings.Join(parts, " "))
		}
	}
	approx := ""
	if x.Approx {
		approx = "≈"
	}
	fmt.Fprintf(&b, "#%v %s side %d of %d, took %s%v µs, message %d\n", x.ID, x.Name, x.Side, x.Number, approx, x.Took, x.Message)
	fmt.Fprintf(&b, "from %s to %s\n", x.Local, x.Remote)
	if x.Code+x.Syscall+x.Host != "" {
		fmt.Fprintf(&b, "code %s syscall %s host %s\n", x.Code, x.Syscall, x.Host)
	}
	kernel := func(k sockKernel) string {
		if !k.Known {
			return "unknown"
		}
		return fmt.Sprintf("%s %v unsent %v unread rtt %v cwnd %v re %v", k.State, k.Unsent, k.Unread, k.RTT, k.Cwnd, k.Retransmits)
	}
	fmt.Fprintf(&b, "kernel at #%v: %s | %s\n", x.KernelID, kernel(x.Client), kernel(x.Server))
	if x.Writer == 0 {
		return b.String()
	}
	fmt.Fprintf(&b, "side %d wrote %v–%v from %v: %x known %x\n", x.Writer, x.From, x.To, x.First, x.Bytes, x.Known)
	piece := func(p piece) string {
		return fmt.Sprintf("#%v %v–%v at %v took %v message %d %q", p.ID, p.From, p.To, p.At, p.Took, p.Message, p.Data)
	}
	fmt.Fprintf(&b, "%d writes → %d reads\n", x.WritesInAll, x.ReadsInAll)
	for _, p := range x.Writes {
		line("write", piece(p))
	}
	for _, p := range x.Reads {
		line("read", piece(p))
	}
	var glyphs []view.Glyph
	for _, g := range x.Glyphs {
		glyphs = append(glyphs, view.Glyph{From: uint64(g.From), To: uint64(g.To), Cut: g.Cut, Text: g.Text})
	}
	var frames []view.Framed
	for _, f := range x.Framed {
		frames = append(frames, view.Framed{From: uint64(f.From), To: uint64(f.To), Whole: f.Whole, Text: f.Text})
	}
	line("characters", ribbon(glyphs))
	if len(x.Cuts) > 0 {
		line("cut at", fmt.Sprint(x.Cuts))
	}
	line(fmt.Sprintf("lens %d", x.Lens), fmt.Sprint(x.LensKnown), ruler(frames))
	return b.String()
}

// lesson is what a page has seen, told in µs.
type lesson struct {
	view.View
	count  uint64
	out    [3]uint64 // bytes written, by side
	in     [3]uint64 // bytes read, by side
	kernel [3]wire.Kernel
}

// greeted is a lesson of which the connection stands.
func greeted() *lesson {
	l := &lesson{}
	up := wire.Kernel{State: 1, RTT: 17, Cwnd: 16}
	l.tell(wire.Event{Kind: wire.Listening, Side: wire.Server, Local: there}, 1, 1)
	l.tell(wire.Event{Kind: wire.Lookup, Side: wire.Client, Conn: 1, Remote: there, Host: "localhost"}, 2, 40)
	l.tell(wire.Event{Kind: wire.Connect, Side: wire.Client, Conn: 1, Local: here, Remote: there, Kernel: up}, 41, 70)
	l.tell(wire.Event{Kind: wire.Connection, Side: wire.Server, Conn: 1, Local: there, Remote: here, Kernel: up}, 80, 80)
	l.kernel = [3]wire.Kernel{1: up, 2: up}
	return l
}

// tell adds an event that began and returned at a moment, and gives its id.
func (l *lesson) tell(e wire.Event, start, ret int64) uint64 {
	e.Start, e.Return = start*1000, ret*1000
	l.Store.Add(e)
	l.count++
	return l.count
}

// at is an event of one end's socket.
func (l *lesson) at(side wire.Side, kind wire.Kind, start, ret int64) uint64 {
	return l.tell(l.of(side, kind), start, ret)
}

func (l *lesson) of(side wire.Side, kind wire.Kind) wire.Event {
	e := wire.Event{Kind: kind, Side: side, Conn: 1, Local: here, Remote: there, Kernel: l.kernel[side]}
	if side == wire.Server {
		e.Local, e.Remote = there, here
	}
	return e
}

// write and read move bytes.
func (l *lesson) write(side wire.Side, data string, start, ret int64) uint64 {
	return l.move(wire.CallWrite, side, data, start, ret, &l.out[side])
}

func (l *lesson) read(side wire.Side, data string, ret int64) uint64 {
	return l.move(wire.Data, side, data, ret-1, ret, &l.in[side])
}

func (l *lesson) move(kind wire.Kind, side wire.Side, data string, start, ret int64, at *uint64) uint64 {
	e := l.of(side, kind)
	e.From, e.To = *at, *at+uint64(len(data))
	e.Data = []byte(data[:min(len(data), wire.MaxCopy)])
	*at = e.To
	return l.tell(e, start, ret)
}

func (l *lesson) inspect(t *testing.T, id uint64, lens view.Lens, first uint64) *inspection {
	t.Helper()
	l.Select(id)
	return unpackInspect(t, l.Inspect(nil, lens, first))
}

// The page's own decoder reads the same as the mirror of it above, and its
// characters are those that a TextDecoder finds.
func TestInspectInJavaScript(t *testing.T) {
	var in struct{ Packed, Streams [][]byte }
	var want []*inspection
	for _, of := range []func() *lesson{
		func() *lesson { l, _, _ := greet(); return l },
		func() *lesson { l, _, _ := stick(); return l },
		func() *lesson { l, _, _ := split(); return l },
		func() *lesson {
			l := greeted()
			l.Store.Mark("split")
			l.count++
			l.write(client, strings.Repeat("\x00\x05a\n\xe5\r\n", 400), 100, 101)
			return l
		},
	} {
		l := of()
		for id := range l.count + 2 {
			for lens := range view.Lens(3) {
				l.Select(id)
				packed := l.Inspect(nil, lens, 1000)
				in.Packed = append(in.Packed, packed)
				want = append(want, unpackInspect(t, packed))
			}
		}
	}
	for _, tt := range streams {
		in.Streams = append(in.Streams, []byte(tt.bytes))
	}
	stdin, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	stdout := inJavaScript(t, `
		import { readFileSync } from 'node:fs';
		import { decodeInspect, text } from './frame.mjs';
		const { Packed, Streams } = JSON.parse(readFileSync(0));
		const bytes = (s) => Uint8Array.from(Buffer.from(s, 'base64'));
		console.log(JSON.stringify({
			Inspections: Packed.map((p) => decodeInspect(bytes(p))),
			Texts: Streams.map((s) => text(bytes(s))),
		}, (_, v) => v instanceof Uint8Array ? Buffer.from(v).toString('base64') : v));`, stdin)
	var got struct {
		Inspections []*inspection
		Texts       []string
	}
	if err := json.Unmarshal(stdout, &got); err != nil {
		t.Fatalf("%v\n%s", err, stdout)
	}
	if len(got.Inspections) != len(want) {
		t.Fatalf("got %d, want %d", len(got.Inspections), len(want))
	}
	for i, want := range want {
		if want != nil {
			for k := range want.Framed { // as toString does
				want.Framed[k].Text = decode(want.Framed[k].Text)
			}
		}
		if got := got.Inspections[i]; !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	for i, tt := range streams {
		glyphs, _ := stream(tt.bytes).Glyphs(0, uint64(len(tt.bytes)))
		var b strings.Builder
		for _, g := range glyphs {
			b.WriteString(g.Text)
		}
		if b.String() != got.Texts[i] {
			t.Errorf("%s: the characters of %q are %q, and %q to a TextDecoder", tt.name, tt.bytes, b.String(), got.Texts[i])
		}
	}
}
