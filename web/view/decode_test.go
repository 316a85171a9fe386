package view_test

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// decode reads bytes as a browser's TextDecoder does: what is no UTF-8 becomes
// U+FFFD, one for each longest start of a character.
func decode(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && n == 1 {
			for n < len(text) && !utf8.FullRuneInString(text[:n+1]) {
				n++
			}
		}
		b.WriteRune(r)
		text = text[n:]
	}
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

// What the other tests measure with is right itself.
func TestDecode(t *testing.T) {
	for _, tt := range streams {
		if got := decode(tt.bytes); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
