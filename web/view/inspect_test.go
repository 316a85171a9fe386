package view_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"porthole/web/view"
	"porthole/wire"
)

const (
	client = wire.Client
	server = wire.Server
)

// greet is one write and its answer.
func greet() (l *lesson, write, read uint64) {
	l = greeted()
	l.Store.Moved(1, client, 9)
	l.Store.Moved(1, server, 15)
	write = l.write(client, "哇咔咔", 100, 120)
	l.read(server, "哇咔咔", 118)
	l.write(server, "你好哇咔咔", 149, 160)
	read = l.read(client, "你好哇咔咔", 295)
	return l, write, read
}

// stick is five writes that one read takes.
func stick() (l *lesson, writes []uint64, read uint64) {
	l = greeted()
	for i := range int64(5) {
		l.Store.Moved(1, client, 9)
		l.kernel[client].Unsent = uint64(i) * 9
		writes = append(writes, l.write(client, "哇咔咔", 100+i*100, 110+i*100))
	}
	read = l.read(server, strings.Repeat("哇咔咔", 5), 1400)
	return l, writes, read
}

// split is one write that two reads take, and cut. It returned last.
func split() (l *lesson, write uint64, reads []uint64) {
	l = greeted()
	l.Store.Moved(1, client, 6)
	l.kernel[server].Unread = 2
	reads = append(reads, l.read(server, "你\xe5", 1096))
	l.kernel[server].Unread = 0
	reads = append(reads, l.read(server, "\xa5\xbd", 1137))
	write = l.write(client, "你好", 1000, 1112)
	return l, write, reads
}

func TestInspect(t *testing.T) {
	const up = "ESTABLISHED 0 unsent 0 unread rtt 17 cwnd 16 re 0"
	tests := []struct {
		name  string
		of    func() (*lesson, uint64)
		lens  view.Lens
		first uint64
		want  string
	}{
		{"a greeting's write", func() (*lesson, uint64) { l, write, _ := greet(); return l, write }, view.UTF8, 0, `
#5 write() side 1 of 1, took 20 µs, message 1
from 127.0.0.1:50000 to 127.0.0.1:1234
kernel at #5: ` + up + ` | ` + up + `
side 1 wrote 0–9 from 0: e59387e59294e59294 known 010101010101010101
1 writes → 1 reads
write #5 0–9 at 0 took 20 message 1 "哇咔咔"
read #6 0–9 at 18 took 1 message 0 "哇咔咔"
characters 0–3"哇" 3–6"咔" 6–9"咔"
lens 0 true 0–3"哇" 3–6"咔" 6–9"咔"
`},
		{"its answer, from the middle", func() (*lesson, uint64) { l, _, read := greet(); return l, read }, view.Newline, 7, `
#8 data side 1 of 1, took 1 µs, message 1
from 127.0.0.1:50000 to 127.0.0.1:1234
kernel at #8: ` + up + ` | ` + up + `
side 2 wrote 0–15 from 7: 9387e59294e59294 known 0101010101010101
1 writes → 1 reads
write #7 0–15 at 0 took 11 message 0 "你好哇咔咔"
read #8 0–15 at 146 took 1 message 1 "你好哇咔咔"
characters 6–9"哇" 9–12"咔" 12–15"咔"
lens 1 true 0–15"你好哇咔咔"…
`},
		{"five writes, one read", func() (*lesson, uint64) { l, _, read := stick(); return l, read }, view.UTF8, 30, `
#10 data side 2 of 1, took 1 µs, message 0
from 127.0.0.1:1234 to 127.0.0.1:50000
kernel at #10: ESTABLISHED 36 unsent 0 unread rtt 17 cwnd 16 re 0 | ` + up + `
side 1 wrote 0–45 from 30: e59294e59294e59387e59294e59294 known 010101010101010101010101010101
5 writes → 1 reads
write #8 27–36 at 300 took 10 message 4 "哇咔咔"
write #9 36–45 at 400 took 10 message 5 "哇咔咔"
read #10 0–45 at 1300 took 1 message 0 "哇咔咔哇咔咔哇咔咔哇咔咔哇咔咔"
characters 30–33"咔" 33–36"咔" 36–39"哇" 39–42"咔" 42–45"咔"
lens 0 true 30–33"咔" 33–36"咔" 36–39"哇" 39–42"咔" 42–45"咔"
`},
		{"one of the five", func() (*lesson, uint64) { l, writes, _ := stick(); return l, writes[1] }, view.UTF8, 0, `
#6 write() side 1 of 1, took 10 µs, message 2
from 127.0.0.1:50000 to 127.0.0.1:1234
kernel at #6: ESTABLISHED 9 unsent 0 unread rtt 17 cwnd 16 re 0 | ` + up + `
side 1 wrote 9–18 from 9: e59387e59294e59294 known 010101010101010101
1 writes → 1 reads
write #6 9–18 at 0 took 10 message 2 "哇咔咔"
read #10 0–45 at 1200 took 1 message 0 "哇咔咔哇咔咔哇咔咔哇咔咔哇咔咔"
characters 9–12"哇" 12–15"咔" 15–18"咔"
lens 0 true 9–12"哇" 12–15"咔" 15–18"咔"
`},
		{"one write, two reads", func() (*lesson, uint64) { l, write, _ := split(); return l, write }, view.UTF8, 0, `
#7 write() side 1 of 1, took 112 µs, message 1
from 127.0.0.1:50000 to 127.0.0.1:1234
kernel at #7: ` + up + ` | ` + up + `
side 1 wrote 0–6 from 0: e4bda0e5a5bd known 010101010101
1 writes → 2 reads
write #7 0–6 at 0 took 112 message 1 "你好"
read #5 0–4 at 96 took 1 message 0 "你\xe5"
read #6 4–6 at 137 took 1 message 0 "\xa5\xbd"
characters 0–3"你" 3–6✂"好"
cut at [4]
lens 0 true 0–3"你" 3–6"好"
`},
		{"the second of the two", func() (*lesson, uint64) { l, _, reads := split(); return l, reads[1] }, view.Length, 0, `
#6 data side 2 of 1, took 1 µs, message 0
from 127.0.0.1:1234 to 127.0.0.1:50000
kernel at #6: ` + up + ` | ` + up + `
side 1 wrote 4–6 from 4: a5bd known 0101
1 writes → 1 reads
write #7 0–6 at 0 took 112 message 1 "你好"
read #6 4–6 at 137 took 1 message 0 "\xa5\xbd"
characters 3–6✂"好"
cut at [4]
lens 2 true 0–6"\xa0好"…
`},
		{"end()", func() (*lesson, uint64) {
			l, _, _ := greet()
			l.kernel[client].State = 5
			return l, l.at(client, wire.CallEnd, 400, 403)
		}, view.Newline, 7, `
#9 end() side 1 of 1, took 3 µs, message 0
from 127.0.0.1:50000 to 127.0.0.1:1234
kernel at #9: FIN_WAIT2 0 unsent 0 unread rtt 17 cwnd 16 re 0 | ` + up + `
`},
		{"an error", func() (*lesson, uint64) {
			l, _, _ := greet()
			e := l.of(server, wire.Error)
			e.Code, e.Syscall, e.Approx, e.Kernel = "ECONNRESET", "read", true, wire.Kernel{}
			return l, l.tell(e, 400, 400)
		}, view.UTF8, 0, `
#9 error side 2 of 1, took ≈0 µs, message 0
from 127.0.0.1:1234 to 127.0.0.1:50000
code ECONNRESET syscall read host 
kernel at #8: ` + up + ` | ` + up + `
`},
		{"a lookup, before there are kernels", func() (*lesson, uint64) { return greeted(), 2 }, view.UTF8, 0, `
#2 lookup side 1 of 1, took 38 µs, message 0
from  to 127.0.0.1:1234
code  syscall  host localhost
kernel at #0: unknown | unknown
`},
		{"a listener's", func() (*lesson, uint64) { return greeted(), 1 }, view.UTF8, 0, `
#1 listening side 2 of 0, took 0 µs, message 0
from 127.0.0.1:1234 to 
kernel at #0: unknown | unknown
`},
		{"a write that nobody read", func() (*lesson, uint64) { l := greeted(); return l, l.write(client, "你", 100, 120) }, 9, 0, `
#5 write() side 1 of 1, took 20 µs, message 0
from 127.0.0.1:50000 to 127.0.0.1:1234
kernel at #5: ` + up + ` | ` + up + `
side 1 wrote 0–3 from 0: e4bda0 known 010101
1 writes → 0 reads
write #5 0–3 at 0 took 20 message 0 "你"
characters 0–3"你"
lens 0 true 0–3"你"…
`},
		{"to a server that tells nothing", func() (*lesson, uint64) {
			l := &lesson{}
			return l, l.write(client, "你", 100, 120)
		}, view.UTF8, 0, `
#1 write() side 1 of 1, took 20 µs, message 0
from 127.0.0.1:50000 to 127.0.0.1:1234
kernel at #0: unknown | unknown
side 1 wrote 0–3 from 0: e4bda0 known 010101
1 writes → 0 reads
write #1 0–3 at 0 took 20 message 0 "你"
characters 0–3"你"
lens 0 true 0–3"你"
`},
		{"from a server that tells nothing", func() (*lesson, uint64) {
			l := &lesson{}
			l.Store.Moved(1, server, 2)
			l.Store.Moved(1, server, 2)
			l.read(client, "\x00\x01", 120)
			return l, l.read(client, "a\x00", 130)
		}, view.Length, 0, `
#2 data side 1 of 1, took 1 µs, message 2
from 127.0.0.1:50000 to 127.0.0.1:1234
kernel at #0: unknown | unknown
side 2 wrote 2–4 from 2: 6100 known 0101
0 writes → 1 reads
read #2 2–4 at 0 took 1 message 2 "a\x00"
characters 2–3"a" 3–4"\x00"
lens 2 true 0–3"a" 3–4""…
`},
		{"when the reads around it are lost", func() (*lesson, uint64) {
			l := greeted()
			l.write(client, "你好哇", 100, 120)
			l.in[server] = 1
			return l, l.read(server, "\xbd\xa0好\xe5\x93", 140)
		}, view.UTF8, 0, `
#6 data side 2 of 1, took 1 µs, message 0
from 127.0.0.1:1234 to 127.0.0.1:50000
kernel at #6: ` + up + ` | ` + up + `
side 1 wrote 1–8 from 1: bda0e5a5bde593 known 01010101010101
1 writes → 1 reads
write #5 0–9 at 0 took 20 message 0 "你好哇"
read #6 1–8 at 40 took 1 message 0 "\xbd\xa0好\xe5\x93"
characters 0–3✂"你" 3–6"好" 6–9✂"哇"
cut at [1 8]
lens 0 true 0–3"你" 3–6"好" 6–9"哇"…
`},
		{"when a write is lost", func() (*lesson, uint64) {
			l := greeted()
			l.out[client] = 2
			l.write(client, "好", 100, 120)
			return l, l.read(server, "ab好", 140)
		}, view.Newline, 0, `
#6 data side 2 of 1, took 1 µs, message 0
from 127.0.0.1:1234 to 127.0.0.1:50000
kernel at #6: ` + up + ` | ` + up + `
side 1 wrote 0–5 from 0: 6162e5a5bd known 0101010101
0 writes → 1 reads
write #5 2–5 at 0 took 20 message 0 "好"
read #6 0–5 at 40 took 1 message 0 "ab好"
characters 0–1"a" 1–2"b" 2–5"好"
lens 1 true 0–5"ab好"…
`},
		{"the kernels' last words until then", func() (*lesson, uint64) {
			l := greeted()
			l.kernel[server].Unread = 1
			l.write(server, "a", 100, 101)
			l.kernel[server].Unread = 2
			l.read(server, "a", 150)
			l.kernel[server].Unread = 3
			l.at(server, wire.CallPause, 180, 181)
			l.kernel[server].Unread = 4
			l.at(server, wire.CallResume, 300, 301)
			l.read(server, "b", 350)
			e := l.of(client, wire.Drain)
			e.Kernel.Unsent = 7
			return l, l.tell(e, 200, 200)
		}, view.UTF8, 0, `
#10 drain side 1 of 1, took 0 µs, message 0
from 127.0.0.1:50000 to 127.0.0.1:1234
kernel at #10: ESTABLISHED 7 unsent 0 unread rtt 17 cwnd 16 re 0 | ESTABLISHED 0 unsent 3 unread rtt 17 cwnd 16 re 0
`},
		{"data beyond its range", func() (*lesson, uint64) {
			l := greeted()
			e := l.of(client, wire.CallWrite)
			e.To, e.Data = 2, []byte("abcd")
			id := l.tell(e, 100, 120)
			e.From, e.To, e.Data = 2, 6, []byte("\xe5")
			l.tell(e, 130, 140)
			return l, id
		}, view.Newline, 0, `
#5 write() side 1 of 1, took 20 µs, message 0
from 127.0.0.1:50000 to 127.0.0.1:1234
kernel at #5: ` + up + ` | ` + up + `
side 1 wrote 0–2 from 0: 6162 known 0101
1 writes → 0 reads
write #5 0–2 at 0 took 20 message 0 "ab"
characters 0–1"a" 1–2"b"
lens 1 false 0–3"ab"…
`},
		{"a character that only the copy cuts", func() (*lesson, uint64) {
			l := greeted()
			return l, l.write(client, "x"+strings.Repeat("好", 400), 100, 120)
		}, view.Length, 1190, `
#5 write() side 1 of 1, took 20 µs, message 0
from 127.0.0.1:50000 to 127.0.0.1:1234
kernel at #5: ` + up + ` | ` + up + `
side 1 wrote 0–1201 from 1190: ` + strings.Repeat("00", 11) + ` known ` + strings.Repeat("00", 11) + `
1 writes → 0 reads
write #5 0–1201 at 0 took 20 message 0 "x` + strings.Repeat("好", 31) + `"
characters 
lens 2 true 0–1201"\xa5\xbd` + strings.Repeat("好", 31) + `"…
`},
		{"a mark", func() (*lesson, uint64) {
			l := &lesson{}
			l.Store.Mark("split")
			return l, 1
		}, view.UTF8, 0, `
#1  side 0 of 0, took 0 µs, message 0
from  to 
code  syscall  host split
kernel at #0: unknown | unknown
`},
		{"nothing", func() (*lesson, uint64) { return greeted(), 0 }, view.UTF8, 0, `
nothing`},
		{"what never was", func() (*lesson, uint64) { return greeted(), 99 }, view.UTF8, 0, `
nothing`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, id := tt.of()
			if got, want := l.inspect(t, id, tt.lens, tt.first).String(), tt.want[1:]; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// Whatever is asked for, what is shown is of the event, and bounded.
func TestInspectIsBounded(t *testing.T) {
	l := greeted()
	data := strings.Repeat("好", 2000)
	id := l.write(client, data, 100, 200)
	for i := range 3000 {
		l.read(server, data[i:i+1], int64(200+i))
	}
	for _, tt := range []struct{ first, want, n uint64 }{
		{0, 0, 64}, {1, 1, 64}, {5930, 5930, 64}, {5936, 5936, 64}, {5937, 5937, 63}, {5999, 5999, 1}, {6000, 5999, 1}, {1 << 63, 5999, 1},
	} {
		x := l.inspect(t, id, view.Newline, tt.first)
		if uint64(x.First) != tt.want || uint64(len(x.Bytes)) != tt.n || len(x.Known) != len(x.Bytes) {
			t.Errorf("from %d: got %d bytes from %v, want %d from %d", tt.first, len(x.Bytes), x.First, tt.n, tt.want)
		}
		if x.WritesInAll != 1 || x.ReadsInAll != 3000 || len(x.Writes) != 1 || len(x.Reads) > 64 || len(x.Cuts) > 64 || len(x.Glyphs) > 64 {
			t.Errorf("from %d: %d of %d writes, %d of %d reads, %d characters, %d cuts", tt.first,
				len(x.Writes), x.WritesInAll, len(x.Reads), x.ReadsInAll, len(x.Glyphs), len(x.Cuts))
		}
		if len(x.Writes[0].Data) != 96 {
			t.Errorf("from %d: %d bytes of the write, want 96", tt.first, len(x.Writes[0].Data))
		}
	}
	// A capture may say anything.
	odd := greeted()
	for i := range int64(100) {
		odd.in[server] = 0
		odd.read(server, "a", 200+i)
	}
	if x := odd.inspect(t, odd.write(client, "a", 100, 101), view.UTF8, 0); x.ReadsInAll != 100 || len(x.Reads) != 64 {
		t.Errorf("%d of %d reads, want 64 of 100", len(x.Reads), x.ReadsInAll)
	}

	// The write copied 1024 bytes, the reads told of 3000.
	x := l.inspect(t, id, view.Newline, 2990)
	if want := slices.Concat(bytes.Repeat([]byte{1}, 10), make([]byte, 54)); !bytes.Equal(x.Known, want) {
		t.Errorf("known are %v, want %v", x.Known, want)
	}
	if got, want := fmt.Sprint(len(x.Glyphs), x.LensKnown, x.Glyphs[0].Cut), "4 false true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Whatever a capture says of its events, what is packed can be read, and holds
// together.
func FuzzInspect(f *testing.F) {
	f.Add([]byte("\x0d\x01\x00\x05\x00\x09\x07\x02\x00\x04\x01\x02\x07\x02\x04\x09\x02\x02"), uint64(1), uint64(0), uint8(0))
	f.Add([]byte("\x0d\x02\xff\x00\x00\x09\x07\x01\xff\xff\x01\x02\x0d\x02\xfe\xff\x02\x02"), uint64(2), uint64(3), uint8(2))
	f.Fuzz(func(t *testing.T, told []byte, id, first uint64, lens uint8) {
		l := greeted()
		for i, e := range slices.Collect(slices.Chunk(told, 6)) {
			if len(e) < 6 || i > 200 {
				break
			}
			at := func(b byte) uint64 { // small, or next to the end of all numbers
				if b > 200 {
					return uint64(b) - 256
				}
				return uint64(b)
			}
			x := l.of(client+wire.Side(e[1]%2), wire.Kind(e[0]%19))
			x.From, x.To = at(e[2]), at(e[3])
			x.Data = told[:min(len(told), int(e[5]))]
			l.tell(x, int64(e[4]), int64(e[4])+int64(i%3))
			l.Store.Moved(1, x.Side, int(e[5]))
		}
		x := l.inspect(t, id%(l.count+1), view.Lens(lens), first)
		if x == nil || x.Writer == 0 {
			return
		}
		if len(x.Bytes) == 0 || len(x.Bytes) > 64 || len(x.Known) != len(x.Bytes) || x.First < x.From || x.First > x.To {
			t.Errorf("%d bytes from %v, %d are known", len(x.Bytes), x.First, len(x.Known))
		}
		if len(x.Writes) > 64 || len(x.Reads) > 64 || x.WritesInAll > 0 && int(x.WritesInAll) < len(x.Writes) || int(x.ReadsInAll) < len(x.Reads) {
			t.Errorf("%d of %d writes, %d of %d reads", len(x.Writes), x.WritesInAll, len(x.Reads), x.ReadsInAll)
		}
		if !slices.IsSorted(x.Cuts) || len(x.Glyphs) > 64 || len(x.Framed) > 64 {
			t.Errorf("%d characters, %d messages, cuts at %v", len(x.Glyphs), len(x.Framed), x.Cuts)
		}
	})
}
