package capture

import (
	"bytes"
	"encoding"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"porthole/wire"
)

const (
	space    = " \t\r\n" // RFC 8259 §2
	maxDepth = 10_000    // of arrays and objects, as in encoding/json
	hex      = "0123456789abcdef"
)

// scanner reads one JSON text (RFC 8259), as tolerantly as encoding/json. The
// first thing that is wrong ends it: there is nothing left to read from then on.
type scanner struct {
	b      []byte
	i      int
	reason string
}

func (s *scanner) fail(reason string) {
	if s.reason == "" {
		s.reason = reason
	}
	s.b, s.i = nil, 0
}

// failHere blames the byte that comes next.
func (s *scanner) failHere() {
	if s.i >= len(s.b) {
		s.fail("not JSON: it ends early")
		return
	}
	s.fail("not JSON at byte " + strconv.Itoa(s.i+1))
}

// peek is the first byte that is no space, or 0 at the end.
func (s *scanner) peek() byte {
	for ; s.i < len(s.b); s.i++ {
		if strings.IndexByte(space, s.b[s.i]) < 0 {
			return s.b[s.i]
		}
	}
	return 0
}

func (s *scanner) accept(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

func (s *scanner) expect(c byte) {
	if !s.accept(c) {
		s.failHere()
	}
}

func (s *scanner) end() {
	if s.peek(); s.i < len(s.b) {
		s.failHere()
	}
}

// object calls member with the name of each member, to read its value.
func (s *scanner) object(member func(name string)) {
	s.expect('{')
	if s.accept('}') {
		return
	}
	for s.reason == "" {
		name := s.string()
		s.expect(':')
		member(name)
		if !s.accept(',') {
			s.expect('}')
			return
		}
	}
}

// named is which of the names is meant: the same, or else the same but for
// upper and lower case; "" if none.
func named(name string, names ...string) string {
	folded := ""
	for _, n := range names {
		if n == name {
			return n
		}
		if folded == "" && wire.Fold(n) == wire.Fold(name) {
			folded = n
		}
	}
	return folded
}

// null tells whether the value is null, which says nothing.
func (s *scanner) null() bool {
	return s.peek() == 'n' && s.word("null")
}

func (s *scanner) word(w string) bool {
	if s.peek(); !bytes.HasPrefix(s.b[s.i:], []byte(w)) {
		s.failHere()
		return false
	}
	s.i += len(w)
	return true
}

// literal is the text of a number (RFC 8259 §6).
func (s *scanner) literal() string {
	s.peek()
	start := s.i
	s.one("-")
	if !s.one("0") {
		s.digits()
	}
	if s.one(".") {
		s.digits()
	}
	if s.one("eE") {
		s.one("+-")
		s.digits()
	}
	return string(s.b[min(start, s.i):s.i])
}

func (s *scanner) one(of string) bool {
	if s.i < len(s.b) && strings.IndexByte(of, s.b[s.i]) >= 0 {
		s.i++
		return true
	}
	return false
}

func (s *scanner) digits() {
	if !s.one("0123456789") {
		s.failHere()
	}
	for s.one("0123456789") {
	}
}

func (s *scanner) number(name string, v *uint64) {
	if s.null() {
		return
	}
	n, ok := whole(s.literal())
	if !ok {
		s.fail(name + " is not a whole number")
	}
	*v = n
}

// whole reads decimal digits. Package strconv's errors, which quote what they
// could not read, would add 8 KB to the page.
func whole(digits string) (n uint64, ok bool) {
	for _, c := range []byte(digits) {
		d := uint64(c - '0')
		if d > 9 || n > (math.MaxUint64-d)/10 {
			return 0, false
		}
		n = 10*n + d
	}
	return n, digits != ""
}

// time reads nanoseconds. They are past 2^53: no float may come between.
func (s *scanner) time(name string, v *int64) {
	if s.null() {
		return
	}
	digits, negative := strings.CutPrefix(s.literal(), "-")
	n, ok := whole(digits)
	if !ok || n > math.MaxInt64 {
		s.fail(name + " is not a whole number")
	}
	if *v = int64(n); negative {
		*v = -*v
	}
}

func (s *scanner) bool(name string, v *bool) {
	switch s.peek() {
	case 'n':
		s.null()
	case 't':
		*v = s.word("true")
	case 'f':
		*v = !s.word("false")
	default:
		s.fail(name + " is neither true nor false")
	}
}

func (s *scanner) text(name string, v *string) {
	if s.null() {
		return
	}
	if s.peek() != '"' {
		s.fail(name + " is not a string")
	}
	*v = s.string()
}

func (s *scanner) name(name string, v encoding.TextUnmarshaler) {
	if s.null() {
		return
	}
	var text string
	s.text(name, &text)
	if v.UnmarshalText([]byte(text)) != nil {
		s.fail(name + " is unknown: " + `"` + visible(text) + `"`)
	}
}

func (s *scanner) data(name string, v *[]byte) {
	if s.null() {
		*v = nil
		return
	}
	var text string
	s.text(name, &text)
	b, ok := parseBase64(text)
	if !ok {
		s.fail(name + " is not base64")
	}
	if *v = b; len(b) == 0 {
		*v = nil
	}
}

// skip passes over a value that no one asked for, within so many open arrays
// and objects.
func (s *scanner) skip(depth int) {
	c := s.peek()
	if depth == maxDepth && (c == '{' || c == '[') {
		s.fail("values are nested too deep")
		return
	}
	switch c {
	case '{':
		s.object(func(string) { s.skip(depth + 1) })
	case '[':
		s.expect('[')
		if s.accept(']') {
			return
		}
		for s.skip(depth + 1); s.accept(','); {
			s.skip(depth + 1)
		}
		s.expect(']')
	case '"':
		s.string()
	case 't':
		s.word("true")
	case 'f':
		s.word("false")
	case 'n':
		s.word("null")
	default:
		s.literal()
	}
}

// string reads a string (RFC 8259 §7). What is no character becomes U+FFFD.
func (s *scanner) string() string {
	s.expect('"')
	var b []byte
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return string(b)
		case c == '\\':
			s.i++
			b = s.escape(b)
		case c < ' ':
			s.failHere()
		default:
			r, n := utf8.DecodeRune(s.b[s.i:])
			s.i += n
			b = utf8.AppendRune(b, r)
		}
	}
	s.failHere()
	return ""
}

// escape appends what stands behind a backslash.
func (s *scanner) escape(b []byte) []byte {
	if s.i == len(s.b) {
		s.failHere()
		return nil
	}
	const letters, meant = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	if i := strings.IndexByte(letters, s.b[s.i]); i >= 0 {
		s.i++
		return append(b, meant[i])
	}
	if s.b[s.i] != 'u' {
		s.failHere()
		return nil
	}
	r, ok := s.unit(s.i + 1)
	if !ok {
		s.failHere()
		return nil
	}
	s.i += 5
	if utf16.IsSurrogate(r) {
		high := r
		r = utf8.RuneError
		if bytes.HasPrefix(s.b[s.i:], []byte(`\u`)) {
			if low, ok := s.unit(s.i + 2); ok {
				if r = utf16.DecodeRune(high, low); r != utf8.RuneError {
					s.i += 6
				}
			}
		}
	}
	return utf8.AppendRune(b, r)
}

// unit reads four hexadecimal digits at i.
func (s *scanner) unit(i int) (rune, bool) {
	if i+4 > len(s.b) {
		return 0, false
	}
	return fromHex(string(s.b[i : i+4]))
}

// fromHex reads one to four hexadecimal digits.
func fromHex(digits string) (r rune, ok bool) {
	for _, c := range []byte(digits) {
		d := strings.IndexByte(hex, c|' ') // the digits have that bit already
		if d < 0 || c < '0' {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, len(digits) > 0 && len(digits) <= 4
}

// appendString quotes a string as encoding/json does by default, so that it
// may also stand within HTML and JavaScript.
func appendString(b []byte, v string) []byte {
	b = append(b, '"')
	for i := 0; i < len(v); {
		c := v[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(v[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				b = append(b, `\ufffd`...)
			case r == '\u2028', r == '\u2029': // ends of lines to old JavaScript
				b = append(b, `\u202`...)
				b = append(b, hex[r&0xf])
			default:
				b = append(b, v[i:i+n]...)
			}
			i += n
			continue
		}
		i++
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			if c < ' ' || c == '<' || c == '>' || c == '&' {
				b = append(b, `\u00`...)
				b = append(b, hex[c>>4], hex[c&0xf])
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}
