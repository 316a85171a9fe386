package view_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"porthole/web/view"
)

// decode decodes the pieces of one stream, to its end.
func decode(pieces ...string) string {
	var d view.Decoder
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(d.Decode([]byte(p)))
	}
	b.WriteString(d.End())
	return b.String()
}

var streams = []struct {
	name, bytes, want string
}{
	{"empty", "", ""},
	{"ascii", "hello", "hello"},
	{"two bytes", "é", "é"},
	{"three bytes", "你好哇咔咔", "你好哇咔咔"},
	{"four bytes", "a😀b😀", "a😀b😀"},
	{"the replacement character itself", "a\ufffdb", "a\ufffdb"},
	{"byte order mark", "\ufeffa", "\ufeffa"},
	{"control characters", "a\x00\x1b[31m\r\n", "a\x00\x1b[31m\r\n"},
	{"cut at the end", "你\xe5\xa5", "你\ufffd"},
	{"cut by another character", "\xe5\xa5你", "\ufffd你"},
	{"cut by ascii", "\xf0\x9f\x98a", "\ufffda"},
	{"no start", "\xa5\xbd", "\ufffd\ufffd"},
	{"surrogate", "\xed\xa0\x80", "\ufffd\ufffd\ufffd"},
	{"overlong", "\xc0\x80\xe0\x80\x80", "\ufffd\ufffd\ufffd\ufffd\ufffd"},
	{"beyond Unicode", "\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"},
	// The example of the Unicode Standard, table 3-11.
	{"longest starts", "a\xf1\x80\x80\xe1\x80\xc2b\x80c\x80\xbfd", "a\ufffd\ufffd\ufffdb\ufffdc\ufffd\ufffdd"},
}

// A stream reads the same, wherever it is cut.
func TestDecoder(t *testing.T) {
	for _, tt := range streams {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.bytes
			if got := decode(b); got != tt.want {
				t.Fatalf("whole: got %q, want %q", got, tt.want)
			}
			for i := range len(b) + 1 {
				for j := i; j <= len(b); j++ {
					if got := decode(b[:i], b[i:j], b[j:]); got != tt.want {
						t.Errorf("cut at %d and %d: got %q, want %q", i, j, got, tt.want)
					}
				}
			}
			if got := decode(strings.Split(b, "")...); got != tt.want {
				t.Errorf("byte by byte: got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDecoderKeepsBack(t *testing.T) {
	var d view.Decoder
	steps := []struct {
		bytes, want string
		pending     int
	}{
		{"你\xe5", "你", 1},
		{"\xa5", "", 2},
		{"\xbd!", "好!", 0},
		{"\xf0\x9f\x98", "", 3},
		{"", "", 3},
		{"x", "\ufffdx", 0},
	}
	for _, s := range steps {
		if got := d.Decode([]byte(s.bytes)); got != s.want {
			t.Errorf("Decode(%q): got %q, want %q", s.bytes, got, s.want)
		}
		if got := d.Pending(); got != s.pending {
			t.Errorf("after %q: %d bytes pending, want %d", s.bytes, got, s.pending)
		}
	}
	if got := d.End(); got != "" {
		t.Errorf("End: got %q, want nothing", got)
	}
}

func FuzzDecoder(f *testing.F) {
	for _, tt := range streams {
		f.Add(tt.bytes, 1, 3)
	}
	f.Fuzz(func(t *testing.T, bytes string, i, j int) {
		whole := decode(bytes)
		if !utf8.ValidString(whole) {
			t.Errorf("%q decodes to %q, which is no UTF-8", bytes, whole)
		}
		if utf8.ValidString(bytes) && whole != bytes {
			t.Errorf("%q decodes to %q", bytes, whole)
		}
		i = min(max(i, 0), len(bytes))
		j = min(max(j, i), len(bytes))
		if got := decode(bytes[:i], bytes[i:j], bytes[j:]); got != whole {
			t.Errorf("%q cut at %d and %d: got %q, want %q", bytes, i, j, got, whole)
		}
	})
}
