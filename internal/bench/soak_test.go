//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// TestSoak is the command in short: all that came is gone again, with the bytes
// that it was owed.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the gateway and its page")
	}
	depend(t)
	bin := t.TempDir()
	if err := build(t.Context(), bin, "porthole/gateway", "porthole/tcpserver"); err != nil {
		t.Fatal(err)
	}
	soak := func(args ...string) (string, error) {
		var out strings.Builder
		err := runSoak(t.Context(), append([]string{"-bin", bin, "-idle", "300", "-busy", "10", "-slow", "2", "-time", "1s"}, args...), &out, t.Output())
		return out.String(), err
	}
	t.Run("all is well", func(t *testing.T) {
		out, err := soak()
		if err != nil {
			t.Error(err)
		}
		for _, want := range []string{"| all again |\n", "| errors | 0 |\n", "messages there and back", "SIGTERM: the gateway was gone"} {
			if !strings.Contains(out, want) {
				t.Errorf("got %s\nwithout %q", out, want)
			}
		}
		seen := descriptorsIn(t, out)
		if want := []int{seen[0], seen[0] + 620, seen[0] + 620, seen[0], seen[0] + 4, seen[0], seen[0] + 620}; !slices.Equal(seen, want) {
			t.Errorf("the gateway had %v descriptors, want %v", seen, want)
		}
	})
	t.Run("sessions end before their time", func(t *testing.T) {
		out, err := soak("-time", "30s", "--", "--max-age", "1s")
		if err == nil || !strings.Contains(err.Error(), "closed with code 1008") || strings.Contains(out, "| errors | 0 |") {
			t.Errorf("got %v, want that a session was closed with code 1008\n%s", err, out)
		}
	})
}

func descriptorsIn(t *testing.T, out string) (seen []int) {
	t.Helper()
	for line := range strings.Lines(out) {
		if rest, ok := strings.CutPrefix(line, "| gateway, descriptors | "); ok {
			for cell := range strings.SplitSeq(strings.TrimSuffix(rest, " |\n"), " | ") {
				var n int
				if _, err := fmt.Sscan(cell, &n); err != nil {
					t.Fatal(err)
				}
				seen = append(seen, n)
			}
		}
	}
	if len(seen) == 0 {
		t.Fatalf("no descriptors in %s", out)
	}
	return seen
}

// A greeting stands in front of each message, wherever a read cuts them.
func TestGreetedStream(t *testing.T) {
	p := newPattern()
	var all []byte
	for turn := range 3 {
		all = append(append(all, "你好"...), p.at(uint64(turn)*small, small)...)
	}
	feed := func(b []byte, piece int) error {
		st := &stream{greeting: []byte("你好")}
		for chunk := range slices.Chunk(b, piece) {
			if err := st.check(p, chunk); err != nil {
				return err
			}
			st.got += uint64(len(chunk))
		}
		return nil
	}
	for piece := 1; piece <= len(all); piece++ {
		if err := feed(all, piece); err != nil {
			t.Errorf("in pieces of %d: %v", piece, err)
		}
	}
	for i := range all {
		b := slices.Clone(all)
		b[i] ^= 1
		if feed(b, 100) == nil {
			t.Errorf("byte %d is wrong and passes", i)
		}
	}
}

func TestSoakOptions(t *testing.T) {
	o, err := parseSoak([]string{"-idle", "5", "--", "--buffer=-1"}, io.Discard)
	if err != nil || o.idle != 5 || o.busy != 100 || !slices.Equal(o.flags, []string{"--buffer=-1"}) {
		t.Errorf("got %+v, %v", o, err)
	}
	if _, err := parseSoak([]string{"-slow", "-1"}, io.Discard); err == nil {
		t.Error("fewer sessions than none pass")
	}
}
