package capture

import (
	"bytes"
	"encoding/base64"
	"testing"
)

func FuzzBase64(f *testing.F) {
	for _, s := range []string{"", "a", "ab", "abc", "5ZOH", "5Z==", "5Q==", "=", "====", "a===", "ab=c", "5Z\nOH\r\n", "5ZOH5ZOH", "!!!!"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseBase64(s)
		want, err := base64.StdEncoding.DecodeString(s)
		if ok != (err == nil) || ok && !bytes.Equal(got, want) {
			t.Errorf("%q: %x, %v; want %x, %v", s, got, ok, want, err)
		}
		if got, want := string(appendBase64(nil, []byte(s))), base64.StdEncoding.EncodeToString([]byte(s)); got != want {
			t.Errorf("%q is %s, want %s", s, got, want)
		}
	})
}
