package bridge_test

import (
	"strings"
	"testing"
)

// bytesOf is each byte of a string.
func bytesOf(s string) (parts []string) {
	for i := range len(s) {
		parts = append(parts, s[i:i+1])
	}
	return parts
}

// A text is checked across the borders of fragments and reads (§8.1); binary is
// not checked.
func TestRFC6455Text(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		valid      bool
	}{
		{"ASCII", "hello", true},
		{"zero", "\x00", true},
		{"two bytes each", "κόσμε", true},
		{"three bytes each", "哇咔咔", true},
		{"four bytes each", "😀😀", true},
		{"first of each length", "\x00\u0080\u0800\U00010000", true},
		{"last of each length", "\x7f\u07ff\uffff\U0010ffff", true},
		{"longer than a header", strings.Repeat("哇", 33), true},
		{"long, with a slip", strings.Repeat("哇", 33) + "\xff" + strings.Repeat("咔", 33), false},
		{"beside the surrogates", "\ud7ff\ue000", true},
		{"no characters, and yet valid", "\ufffe\ufffd\ufdd0", true},
		{"cut after one of two", "hi\xce", false},
		{"cut after one of three", "\xe5", false},
		{"cut after two of three", "哇\xe5\x93", false},
		{"cut after three of four", "\xf0\x9f\x98", false},
		{"cut in the middle", "\xe5\x93hello", false},
		{"a rest alone", "\x80", false},
		{"a rest too many", "哇\x87", false},
		{"a byte of no character", "hello\xff!", false},
		{"another", "\xc1\x81", false},
		{"overlong in two", "\xc0\xaf", false},
		{"overlong in three", "\xe0\x80\xaf", false},
		{"overlong in four", "\xf0\x80\x80\xaf", false},
		{"five bytes", "\xf8\x88\x80\x80\x80", false},
		{"first surrogate", "\xed\xa0\x80", false},
		{"last surrogate", "\xed\xbf\xbf", false},
		{"a pair of surrogates", "\xed\xa0\xbd\xed\xb8\x80", false},
		{"beyond Unicode", "\xf4\x90\x80\x80", false},
		{"Autobahn's", "κόσμε\xed\xa0\x80edited", false},
	} {
		half := len(tt.text) / 2
		between := frame(true, opPing, "") + frame(false, opContinuation, "")
		for name, send := range map[string]string{
			"one frame":        masked(0xcafe, frame(true, opText, tt.text)),
			"two fragments":    fragments(opText, tt.text[:half], tt.text[half:]),
			"an empty last":    fragments(opText, tt.text, ""),
			"byte by fragment": fragments(opText, bytesOf(tt.text)...),
			"a ping between":   frame(false, opText, tt.text[:half]) + between + frame(true, opContinuation, tt.text[half:]),
			"behind another":   fragments(opText, "咔", "") + frame(true, opText, tt.text),
			"binary":           frame(true, opBinary, tt.text),
		} {
			t.Run("§8.1 "+tt.name+"/"+name, func(t *testing.T) {
				each(t, rawOnly, bothCuts, func(t *testing.T, f *framer, cut chunks, record func() string) {
					want := tt.text
					if name == "behind another" {
						want = "咔" + want
					}
					valid := tt.valid || name == "binary"
					wait := pour(t, f, send, cut)
					var h heard
					if valid {
						h.hear(f, func() bool { return h.data.Len() >= len(want) })
						wait() // an empty fragment may be left
						f.send(closeFrame(1000, ""))
						h.close(f)
					} else {
						h.close(f)
						wait()
						answer.take(f, h.code())
					}
					ends(f)
					code := map[bool]int{true: 1000, false: 1007}[valid]
					if got := h.code(); got != code {
						t.Errorf("close code %d, want %d", got, code)
					}
					got := record()
					if valid && (got != want || h.data.String() != want) {
						t.Errorf("the server read %q, and %q came back, want %q", got, h.data.String(), want)
					}
					if !strings.HasPrefix(want, got) {
						t.Errorf("the server read %q of %q", got, want)
					}
				})
			})
		}
	}
}

// An invalid text that never ends is no way around the check.
func TestRFC6455EndlessText(t *testing.T) {
	f := frames(t, serve(t, to(peer(t, echo))), "")
	f.send(frame(false, opText, "hello "), frame(false, opContinuation, "\xff"))
	var h heard
	h.close(f)
	answer.take(f, h.code())
	ends(f)
	if got, want := h.code(), 1007; got != want {
		t.Errorf("close code %d, want %d", got, want)
	}
}
