package capture

import (
	"strconv"
	"unicode/utf8"

	"porthole/wire"
)

// maxText bounds each text of others in a sentence of ours, in bytes.
const maxText = 100

// clip cuts a text that is too long, between characters.
func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	return cut(s, maxText) + "…"
}

// cut is at most the first n bytes of s, and no character in two.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for back := n; back > n-utf8.UTFMax && back > 0; back-- {
		if utf8.RuneStart(s[back]) {
			return s[:back]
		}
	}
	return s[:n] // it is not UTF-8
}

// visible is a text on one line: control and formatting characters, those that
// turn its direction among them, are escaped as in JavaScript, and what is not
// UTF-8 as bytes. Everything that shows stays as it is.
func visible(s string) string {
	var b []byte
	for rest := clip(s); rest != ""; {
		r, n := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(b, '\\', 'x', hex[rest[0]>>4], hex[rest[0]&15])
		case r == '\\':
			b = append(b, `\\`...)
		case hidden(r):
			b = append(strconv.AppendInt(append(b, `\u{`...), int64(r), 16), '}')
		default:
			b = append(b, rest[:n]...)
		}
		rest = rest[n:]
	}
	return string(b)
}

// hidden tells whether a character has no form of its own (Unicode's Cc, Cf, Zl
// and Zp, as far as they are of use to anyone).
func hidden(r rune) bool {
	return r < ' ' || r >= 0x7f && r <= 0x9f || r == 0xad || r == 0x61c || r == 0x180e || r >= 0x200b && r <= 0x200f ||
		r >= 0x2028 && r <= 0x202e || r >= 0x2060 && r <= 0x206f || r == 0xfeff || r >= 0xfff9 && r <= 0xfffb || r >= 0xe0000
}

// appendWords tells what happened, without when and where.
func appendWords(b []byte, e *wire.Event) []byte {
	b = append(b, e.Kind.String()...)
	if e.From < e.To {
		b = appendRange(append(b, ' '), e)
	}
	if e.Host != "" {
		b = append(append(b, ' '), visible(e.Host)...)
	}
	if e.Code != "" {
		b = append(append(b, ' '), visible(e.Code)...)
	}
	if e.Syscall != "" {
		b = append(append(append(b, " of "...), visible(e.Syscall)...), "()"...)
	}
	if e.HadError {
		b = append(b, " after an error"...)
	}
	return b
}

// appendRange names the bytes that an event moved, the last one included.
func appendRange(b []byte, e *wire.Event) []byte {
	if e.Bytes() == 1 {
		return strconv.AppendUint(append(b, "byte "...), e.From, 10)
	}
	b = strconv.AppendUint(append(b, "bytes "...), e.From, 10)
	return strconv.AppendUint(append(b, "–"...), e.To-1, 10)
}

// appendTook appends a duration in ns: a whole number of a unit, and of the
// larger unit if that loses nothing or leaves two digits.
func appendTook(b []byte, ns int64) []byte {
	unit := " ns"
	for _, larger := range []string{" µs", " ms", " s"} {
		if ns < 10_000 && ns%1000 != 0 || ns == 0 {
			break
		}
		ns, unit = ns/1000, larger
	}
	return append(strconv.AppendInt(b, ns, 10), unit...)
}

// appendCount appends "1 event", or "2 events".
func appendCount(b []byte, n uint64, of string) []byte {
	b = append(append(strconv.AppendUint(b, n, 10), ' '), of...)
	if n != 1 {
		b = append(b, 's')
	}
	return b
}
