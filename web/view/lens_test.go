package view_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"porthole/web/view"
)

// ruler draws messages as their bytes' offsets and their text, with … if they
// are not whole.
func ruler(frames []view.Framed) string {
	var b []string
	for _, f := range frames {
		more := "…"
		if f.Whole {
			more = ""
		}
		b = append(b, fmt.Sprintf("%d–%d%q%s", f.From, f.To, f.Text, more))
	}
	return strings.Join(b, " ")
}

func TestFrames(t *testing.T) {
	long := strings.Repeat("好", 40) // 120 bytes
	tests := []struct {
		name     string
		lens     view.Lens
		chunks   []view.Chunk
		wrote    uint64
		read     uint64
		from, to uint64
		want     string
		unknown  bool
	}{
		{"characters", view.UTF8, []view.Chunk{chunk(0, "你好")}, 6, 6, 0, 6, `0–3"你" 3–6"好"`, false},
		{"characters read in part", view.UTF8, []view.Chunk{chunk(0, "你好")}, 6, 4, 0, 6, `0–3"你" 3–6"好"…`, false},
		{"a character written in part", view.UTF8, []view.Chunk{chunk(0, "你\xe5")}, 4, 4, 0, 4, `0–3"你" 3–4""…`, false},
		{"no characters", view.UTF8, []view.Chunk{chunk(0, "\xff\x80")}, 2, 2, 0, 2, `0–1"�" 1–2"�"`, false},
		{"a character kept in part", view.UTF8, []view.Chunk{chunk(0, "你\xe5")}, 6, 6, 0, 6, `0–3"你" 3–4""…`, false},

		{"no line", view.Newline, nil, 0, 0, 0, 0, ``, false},
		{"lines", view.Newline, []view.Chunk{chunk(0, "ab\n你\n")}, 7, 7, 0, 7, `0–3"ab" 3–7"你"`, false},
		{"empty lines", view.Newline, []view.Chunk{chunk(0, "\n\n\r\n")}, 4, 4, 0, 4, `0–1"" 1–2"" 2–4""`, false},
		{"carriage returns", view.Newline, []view.Chunk{chunk(0, "a\r\n\rb\r\r\n")}, 8, 8, 0, 8, `0–3"a" 3–8"\rb\r"`, false},
		{"the end of a line is missing", view.Newline, []view.Chunk{chunk(0, "a\nbc\r")}, 5, 5, 0, 5, `0–2"a" 2–5"bc\r"…`, false},
		{"a line read in part", view.Newline, []view.Chunk{chunk(0, "a\nbc\n")}, 5, 4, 0, 5, `0–2"a" 2–5"bc"…`, false},
		{"the middle of a line", view.Newline, []view.Chunk{chunk(0, "a\nbcd\ne\n")}, 8, 8, 3, 4, `2–6"bcd"`, false},
		{"only the newline", view.Newline, []view.Chunk{chunk(0, "a\nbcd\ne\n")}, 8, 8, 5, 6, `2–6"bcd"`, false},
		{"behind the newline", view.Newline, []view.Chunk{chunk(0, "a\nbcd\ne\n")}, 8, 8, 6, 7, `6–8"e"`, false},
		{"a line over writes", view.Newline, []view.Chunk{chunk(0, "a\n"), chunk(2, "b"), chunk(3, "c\r"), chunk(5, "\nd\n")}, 8, 8, 3, 4, `2–6"bc"`, false},
		{"a long line", view.Newline, []view.Chunk{chunk(0, "x"+long+"\n")}, 122, 122, 50, 60, `0–122"x` + long[:93] + `"`, false},
		{"a hole in a line", view.Newline, []view.Chunk{chunk(0, "a\nb"), chunk(5, "c\nd\n")}, 9, 9, 0, 9, `0–2"a" 2–3"b"… 5–7"c"… 7–9"d"`, true},
		{"a line into a hole", view.Newline, []view.Chunk{chunk(0, "a\nb")}, 9, 9, 0, 3, `0–2"a" 2–3"b"…`, true},
		{"a hole before the line", view.Newline, []view.Chunk{chunk(4, "a\nb\n")}, 8, 8, 6, 8, `6–8"b"`, false},
		{"a hole before a line's end", view.Newline, []view.Chunk{chunk(4, "a\nb\n")}, 8, 8, 5, 8, `4–6"a"… 6–8"b"`, true},
		{"a hole before a newline", view.Newline, []view.Chunk{chunk(4, "\n")}, 5, 5, 0, 5, `4–5""…`, true},
		{"lines that are not kept", view.Newline, nil, 8, 8, 2, 8, ``, true},

		{"no message", view.Length, nil, 0, 0, 0, 0, ``, false},
		{"messages", view.Length, []view.Chunk{chunk(0, "\x00\x02ab\x00\x03你")}, 9, 9, 0, 9, `0–4"ab" 4–9"你"`, false},
		{"empty messages", view.Length, []view.Chunk{chunk(0, "\x00\x00\x00\x00\x00\x01a")}, 7, 7, 0, 7, `0–2"" 2–4"" 4–7"a"`, false},
		{"high byte", view.Length, []view.Chunk{chunk(0, "\x01\x00a")}, 300, 300, 0, 3, `0–258"a"`, false},
		{"half a length", view.Length, []view.Chunk{chunk(0, "\x00\x00\x00")}, 3, 3, 0, 3, `0–2"" 2–3""…`, false},
		{"no body", view.Length, []view.Chunk{chunk(0, "\x00\x02")}, 2, 2, 0, 2, `0–2""…`, false},
		{"half a body", view.Length, []view.Chunk{chunk(0, "\x00\x06你\xe5")}, 6, 6, 0, 6, "0–6\"你\\xe5\"…", false},
		{"a message read in part", view.Length, []view.Chunk{chunk(0, "\x00\x01a\x00\x01b")}, 6, 5, 0, 6, `0–3"a" 3–6"b"…`, false},
		{"a length over writes", view.Length, []view.Chunk{chunk(0, "\x00\x01a\x00"), chunk(4, "\x01b\x00"), chunk(7, "\x00")}, 8, 8, 0, 8, `0–3"a" 3–6"b" 6–8""`, false},
		{"the middle of a message", view.Length, []view.Chunk{chunk(0, "\x00\x01a\x00\x03bcd\x00\x00")}, 10, 10, 6, 7, `3–8"bcd"`, false},
		{"only its length", view.Length, []view.Chunk{chunk(0, "\x00\x01a\x00\x03bcd\x00\x00")}, 10, 10, 3, 4, `3–8"bcd"`, false},
		{"a hole in a body", view.Length, []view.Chunk{chunk(0, "\x00\x04ab"), chunk(6, "\x00\x01x")}, 9, 9, 0, 9, `0–6"ab" 6–9"x"`, false},
		{"a hole in a length", view.Length, []view.Chunk{chunk(0, "\x00\x01a\x00"), chunk(5, "b\x00\x00")}, 8, 8, 0, 8, `0–3"a"`, true},
		{"a hole in an earlier length", view.Length, []view.Chunk{chunk(3, "\x00\x01b")}, 6, 6, 3, 6, ``, true},
		{"a hole in a later length", view.Length, []view.Chunk{chunk(0, "\x00\x01a")}, 6, 6, 0, 3, `0–3"a"`, false},
		{"a long message", view.Length, []view.Chunk{chunk(0, "\x00\x79x"+long)}, 123, 123, 0, 64, `0–123"x` + long[:93] + `"`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &view.Stream{Chunks: tt.chunks, Wrote: tt.wrote, Read: tt.read}
			frames, known := s.Frames(tt.lens, tt.from, tt.to)
			if got := ruler(frames); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if known == tt.unknown {
				t.Errorf("all known: %v, want %v", known, !tt.unknown)
			}
		})
	}
}

// Lengths are followed from the first byte once; what was found stays, also
// when the bytes are no longer kept.
func TestLengthsAreFollowedOnce(t *testing.T) {
	const n = 20_000
	s := &view.Stream{Wrote: 6 * n, Read: 6 * n}
	message := "\x00\x04abcd"
	s.Chunks = []view.Chunk{chunk(0, strings.Repeat(message, n/2)), chunk(3*n, strings.Repeat(message, n/2))}
	last, _ := s.Frames(view.Length, 6*n-6, 6*n)
	if got, want := ruler(last), `119994–120000"abcd"`; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	marks := slices.Clone(s.Marks)
	if len(marks) == 0 || len(marks) > 8 {
		t.Fatalf("the marks are %v, want some and not many", marks)
	}
	s.Chunks = []view.Chunk{chunk(6*n-20_000, strings.Repeat(message, n)[6*n-20_000:])}
	again, known := s.Frames(view.Length, 6*n-6, 6*n)
	if ruler(again) != ruler(last) || !known {
		t.Errorf("when old bytes are gone: got %s, known %v", ruler(again), known)
	}
	if !slices.Equal(s.Marks, marks) {
		t.Errorf("the marks are %v now, and were %v", s.Marks, marks)
	}
	if early, known := s.Frames(view.Length, 0, 6); len(early) > 0 || known {
		t.Errorf("of bytes that are gone: got %s, known %v", ruler(early), known)
	}
}

// A stream of very many messages is followed a part at a time.
func TestLengthsGiveUp(t *testing.T) {
	const n = 150_000
	s := &view.Stream{Chunks: []view.Chunk{chunk(0, strings.Repeat("\x00\x00", n))}, Wrote: 2 * n, Read: 2 * n}
	if _, known := s.Frames(view.Length, 2*n-2, 2*n); known {
		t.Error("followed in one go")
	}
	frames, known := s.Frames(view.Length, 2*n-2, 2*n)
	if got, want := ruler(frames), `299998–300000""`; got != want || !known {
		t.Errorf("the second time: got %s, known %v, want %s", got, known, want)
	}
}

// A line is looked for in pieces, not in bytes.
func TestLongLine(t *testing.T) {
	s := &view.Stream{Wrote: 300_000}
	for i := range uint64(3) {
		s.Chunks = append(s.Chunks, chunk(i*100_000, strings.Repeat("x", 100_000)))
	}
	frames, known := s.Frames(view.Newline, 299_990, 300_000)
	if len(frames) != 1 || frames[0].From != 0 || !known || s.Looks > 20 {
		t.Errorf("got %s after %d looks", ruler(frames), s.Looks)
	}
}

// Messages are those that a parser finds which has all bytes at once, whatever
// of them is asked for.
func FuzzFrames(f *testing.F) {
	f.Add("a\n\r\nbcd\n\ne", 3, 7, 2, 4, 0)
	f.Add("\x00\x01a\x00\x00\x00\x05abcde\x00", 2, 9, 4, 3, 1)
	f.Add("你好\n世界\r\n", 4, 9, 5, 9, 3)
	f.Fuzz(func(t *testing.T, data string, from, to, at, hole, size int) {
		n := uint64(len(data))
		i := uint64(min(max(from, 0), len(data)))
		j := uint64(min(max(to, int(i)), len(data)))
		for lens, parse := range map[view.Lens]func(string) []view.Framed{view.Newline: splitLines, view.Length: splitLengths} {
			all := parse(data)
			var end uint64
			for _, f := range all {
				if f.From != end {
					t.Fatalf("the test is wrong: %s", ruler(all))
				}
				end = f.To
			}
			var want []view.Framed
			for _, f := range all {
				if f.From < j && f.To > i && i < j {
					want = append(want, f)
				}
			}
			got, known := pieces(data, at, 0, 0).Frames(lens, i, j)
			if ruler(got) != ruler(want) || !known {
				t.Errorf("lens %d of %q from %d to %d: got %s, known %v, want %s", lens, data, i, j, ruler(got), known, ruler(want))
			}

			holed := pieces(data, at, hole, size)
			got, known = holed.Frames(lens, 0, n)
			if known && lens == view.Newline && ruler(got) != ruler(all) {
				t.Errorf("lens %d of %q with a hole: got %s, want %s", lens, data, ruler(got), ruler(all))
			}
			_, kept := holed.Window(0, n)
			var last uint64
			for k, f := range got {
				if f.From < last || f.To <= f.From || f.To > n {
					t.Errorf("lens %d of %q with a hole: got %s", lens, data, ruler(got))
				}
				last = f.To
				switch {
				case lens == view.Length && (f.From != all[k].From || f.To != all[k].To || f.Whole != all[k].Whole || !strings.HasPrefix(all[k].Text, f.Text)):
					t.Errorf("lens %d of %q with a hole: got %s, want the first of %s", lens, data, ruler(got), ruler(all))
				case lens == view.Newline && f.Whole && !slices.Contains(all, f):
					t.Errorf("lens %d of %q with a hole: got %s, want of %s", lens, data, ruler(got), ruler(all))
				case lens == view.Newline:
					for k := f.From; k < f.To; k++ {
						if kept[k] != 1 {
							t.Errorf("lens %d of %q: byte %d is not kept, or of two lines of %s", lens, data, k, ruler(got))
						}
						kept[k] = 2
					}
				}
			}
			if lens == view.Newline && strings.IndexByte(string(kept), 1) >= 0 {
				t.Errorf("%q with a hole: %s leaves out what is kept", data, ruler(got))
			}
		}
	})
}

func splitLines(data string) (all []view.Framed) {
	var at uint64
	for line := range strings.SplitAfterSeq(data, "\n") {
		if line == "" {
			break
		}
		f := view.Framed{From: at, To: at + uint64(len(line)), Text: line}
		if body, ok := strings.CutSuffix(line, "\n"); ok {
			f.Whole, f.Text = true, strings.TrimSuffix(body, "\r")
		}
		f.Text = bounded(f.Text)
		all, at = append(all, f), f.To
	}
	return all
}

func splitLengths(data string) (all []view.Framed) {
	for at := 0; at < len(data); {
		rest := data[at:]
		f := view.Framed{From: uint64(at), To: uint64(len(data))}
		if len(rest) >= 2 {
			n := int(binary.BigEndian.Uint16([]byte(rest)))
			f.Whole = n <= len(rest)-2
			f.Text = bounded(rest[2 : 2+min(n, len(rest)-2)])
			f.To = min(f.To, uint64(at+2+n))
		}
		all, at = append(all, f), int(f.To)
	}
	return all
}

// bounded is at most 96 bytes, without a character that this cuts.
func bounded(text string) string {
	if len(text) <= 96 {
		return text
	}
	n := 96
	for i := n; i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(text[i-1]) {
			if !utf8.FullRuneInString(text[i-1 : n]) {
				n = i - 1
			}
			break
		}
	}
	return text[:n]
}

func BenchmarkInspect(b *testing.B) {
	for _, data := range []string{"\x00\x12twenty bytes of it", "a line of its own.\n"} {
		l := greeted()
		for i := range int64(50_000) {
			l.write(client, data, 100+2*i, 101+2*i)
			l.read(server, data, 102+2*i)
		}
		l.Select(80_000)
		for lens := range view.Lens(3) {
			b.Run(fmt.Sprintf("%.4s/%d", data[2:], lens), func(b *testing.B) {
				var packed []byte
				for b.Loop() {
					packed = l.Inspect(packed[:0], lens, 0)
				}
			})
		}
	}
}
