package view_test

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"porthole/web/view"
)

// chunk is bytes that are kept of a stream.
func chunk(from uint64, data string) view.Chunk { return view.Chunk{From: from, Data: data} }

// stream is one of which all is kept and read.
func stream(data string) *view.Stream {
	n := uint64(len(data))
	return &view.Stream{Chunks: []view.Chunk{chunk(0, data)}, Wrote: n, Read: n}
}

// ribbon draws characters as their bytes' offsets and their text, a cut one
// with ✂.
func ribbon(glyphs []view.Glyph) string {
	var b []string
	for _, g := range glyphs {
		cut := ""
		if g.Cut {
			cut = "✂"
		}
		b = append(b, fmt.Sprintf("%d–%d%s%q", g.From, g.To, cut, g.Text))
	}
	return strings.Join(b, " ")
}

func TestGlyphs(t *testing.T) {
	const 你好 = "你好"
	tests := []struct {
		name     string
		chunks   []view.Chunk
		wrote    uint64
		from, to uint64
		reads    []uint64
		want     string
		cuts     []uint64
	}{
		{"nothing", nil, 0, 0, 0, nil, ``, nil},
		{"ascii", []view.Chunk{chunk(0, "abc")}, 3, 0, 3, []uint64{1, 3}, `0–1"a" 1–2"b" 2–3"c"`, nil},
		{"part of it", []view.Chunk{chunk(0, "abc")}, 3, 1, 2, nil, `1–2"b"`, nil},
		{"read between characters", []view.Chunk{chunk(0, 你好)}, 6, 0, 6, []uint64{0, 3, 6}, `0–3"你" 3–6"好"`, nil},
		{"read at 1", []view.Chunk{chunk(0, 你好)}, 6, 0, 6, []uint64{0, 1, 6}, `0–3✂"你" 3–6"好"`, []uint64{1}},
		{"read at 2", []view.Chunk{chunk(0, 你好)}, 6, 0, 6, []uint64{0, 2, 6}, `0–3✂"你" 3–6"好"`, []uint64{2}},
		{"read at 4", []view.Chunk{chunk(0, 你好)}, 6, 0, 6, []uint64{0, 4, 6}, `0–3"你" 3–6✂"好"`, []uint64{4}},
		{"read at 5", []view.Chunk{chunk(0, 你好)}, 6, 0, 6, []uint64{0, 5, 6}, `0–3"你" 3–6✂"好"`, []uint64{5}},
		{"read byte by byte", []view.Chunk{chunk(0, 你好)}, 6, 0, 6, []uint64{0, 1, 2, 3, 4, 5, 6}, `0–3✂"你" 3–6✂"好"`, []uint64{1, 2, 4, 5}},
		{"the first read's", []view.Chunk{chunk(0, 你好)}, 6, 0, 4, []uint64{0, 4, 6}, `0–3"你" 3–6✂"好"`, []uint64{4}},
		{"the second read's", []view.Chunk{chunk(0, 你好)}, 6, 4, 6, []uint64{0, 4, 6}, `3–6✂"好"`, []uint64{4}},
		{"a cut that is not in the range", []view.Chunk{chunk(0, 你好)}, 6, 5, 6, []uint64{0, 4, 6}, `3–6✂"好"`, nil},
		{"both edges within a character", []view.Chunk{chunk(0, 你好)}, 6, 2, 4, nil, `0–3"你" 3–6"好"`, nil},
		{"written byte by byte", []view.Chunk{chunk(0, "\xe4"), chunk(1, "\xbd"), chunk(2, "\xa0")}, 3, 0, 3, []uint64{3}, `0–3"你"`, nil},
		{"emoji", []view.Chunk{chunk(0, "a😀b")}, 6, 4, 5, []uint64{3}, `1–5✂"😀"`, nil},
		{"byte order mark", []view.Chunk{chunk(0, "\ufeffa")}, 4, 0, 4, nil, `0–3"\ufeff" 3–4"a"`, nil},
		{"control and bidi", []view.Chunk{chunk(0, "\x00\r\u202e")}, 5, 0, 5, nil, `0–1"\x00" 1–2"\r" 2–5"\u202e"`, nil},
		{"no UTF-8", []view.Chunk{chunk(0, "\xff\xa5a")}, 3, 0, 3, []uint64{1}, `0–1"�" 1–2"�" 2–3"a"`, nil},
		{"a start that another character ends", []view.Chunk{chunk(0, "\xf0\x9f\x98a")}, 4, 0, 4, []uint64{2}, `0–3"�" 3–4"a"`, nil},
		{"the replacement character itself", []view.Chunk{chunk(0, "\ufffd")}, 3, 0, 3, []uint64{1}, `0–3✂"�"`, []uint64{1}},
		{"overlong", []view.Chunk{chunk(0, "\xe0\x80\x80")}, 3, 0, 3, nil, `0–1"�" 1–2"�" 2–3"�"`, nil},
		{"not all written", []view.Chunk{chunk(0, "你\xe5\xa5")}, 5, 0, 5, []uint64{4}, `0–3"你" 3–5✂"�"`, []uint64{4}},
		{"the rest is not kept", []view.Chunk{chunk(0, "你\xe5\xa5")}, 6, 0, 6, []uint64{4}, `0–3"你" 3–5""`, nil},
		{"the start is not kept", []view.Chunk{chunk(4, "\xa5\xbda")}, 7, 0, 7, []uint64{5}, `4–6"" 6–7"a"`, nil},
		{"the start is not kept, and too much follows", []view.Chunk{chunk(4, "\x80\x80\x80\x80")}, 8, 4, 8, nil, `4–7"" 7–8"�"`, nil},
		{"no start at the front", []view.Chunk{chunk(0, "\xa5\xbda")}, 3, 0, 3, nil, `0–1"�" 1–2"�" 2–3"a"`, nil},
		{"a hole", []view.Chunk{chunk(0, "a"), chunk(2, "c")}, 3, 0, 3, nil, `0–1"a" 2–3"c"`, nil},
		{"nothing kept", nil, 9, 3, 9, []uint64{4}, ``, nil},
		{"at the end of all numbers", []view.Chunk{chunk(math.MaxUint64-2, "ab")}, math.MaxUint64, math.MaxUint64 - 2, math.MaxUint64, nil,
			`18446744073709551613–18446744073709551614"a" 18446744073709551614–18446744073709551615"b"`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &view.Stream{Chunks: tt.chunks, Wrote: tt.wrote}
			glyphs, cuts := s.Glyphs(tt.from, tt.to, tt.reads...)
			if got := ribbon(glyphs); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if !reflect.DeepEqual(cuts, tt.cuts) {
				t.Errorf("it is cut at %v, want %v", cuts, tt.cuts)
			}
		})
	}
}

func TestWindow(t *testing.T) {
	s := &view.Stream{Chunks: []view.Chunk{chunk(2, "cd"), chunk(6, "gh")}, Wrote: 9}
	b, known := s.Window(1, 9)
	if string(b) != "\x00cd\x00\x00gh\x00" || string(known) != "\x00\x01\x01\x00\x00\x01\x01\x00" {
		t.Errorf("got %q, of which %q is known", b, known)
	}
	if b, known := s.Window(3, 3); len(b)+len(known) > 0 {
		t.Errorf("got %q, %q of nothing", b, known)
	}
}

// pieces cuts what is kept of a stream in two and leaves a hole in it.
func pieces(data string, at, hole, size int) *view.Stream {
	at = min(max(at, 0), len(data))
	hole = min(max(hole, 0), len(data))
	size = min(max(size, 0), len(data)-hole)
	s := &view.Stream{Wrote: uint64(len(data)), Read: uint64(len(data))}
	for _, c := range [][2]int{{0, min(at, hole)}, {min(at, hole), hole}, {hole + size, max(at, hole+size)}, {max(at, hole+size), len(data)}} {
		if c[0] < c[1] {
			s.Chunks = append(s.Chunks, chunk(uint64(c[0]), data[c[0]:c[1]]))
		}
	}
	return s
}

// Characters are those of a decoder that has seen all, whatever of them is
// asked for; and they have each byte that is kept, once.
func FuzzGlyphs(f *testing.F) {
	for _, tt := range streams {
		f.Add(tt.bytes, 1, 3, 2, 1, 2)
	}
	f.Add("你好😀\xffé", 4, 2, 0, 7, 3)
	f.Fuzz(func(t *testing.T, data string, from, to, at, hole, size int) {
		n := uint64(len(data))
		glyphs, _ := stream(data).Glyphs(0, n)
		var text strings.Builder
		var end uint64
		for _, g := range glyphs {
			if g.From != end || g.To <= g.From {
				t.Fatalf("a character at %d–%d, behind %d", g.From, g.To, end)
			}
			end = g.To
			text.WriteString(g.Text)
			if g.Text != "\ufffd" && g.Text != data[g.From:g.To] {
				t.Errorf("%q at %d–%d, where %q is", g.Text, g.From, g.To, data[g.From:g.To])
			}
		}
		if end != n {
			t.Errorf("the characters end at %d, want %d", end, n)
		}
		if got, want := text.String(), decode(data); got != want {
			t.Errorf("%q reads %q, want %q", data, got, want)
		}

		i := uint64(min(max(from, 0), len(data)))
		j := uint64(min(max(to, int(i)), len(data)))
		var want []view.Glyph
		for _, g := range glyphs {
			if g.From < j && g.To > i && i < j {
				want = append(want, g)
			}
		}
		if got, _ := pieces(data, at, 0, 0).Glyphs(i, j); ribbon(got) != ribbon(want) {
			t.Errorf("%q from %d to %d: got %s, want %s", data, i, j, ribbon(got), ribbon(want))
		}

		s := pieces(data, at, hole, size)
		_, known := s.Window(0, n)
		holed, _ := s.Glyphs(0, n)
		real := map[view.Glyph]bool{}
		for _, g := range glyphs {
			real[g] = true
		}
		for _, g := range holed {
			for k := g.From; k < g.To; k++ {
				if known[k] != 1 {
					t.Errorf("%s has byte %d, which is not kept or had already", ribbon([]view.Glyph{g}), k)
				}
				known[k] = 2
			}
			if g.Text != "" && !real[g] {
				t.Errorf("%s is none of %s", ribbon([]view.Glyph{g}), ribbon(glyphs))
			}
		}
		if k := strings.IndexByte(string(known), 1); k >= 0 {
			t.Errorf("byte %d is kept, and of no character of %s", k, ribbon(holed))
		}
	})
}
