package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

// The short form: what was acknowledged is there when a server of the bus and a
// gateway were killed, and no one else is touched.
func TestFleet(t *testing.T) {
	if _, err := haproxy(); err != nil {
		if os.Getenv("SERVERS") == "required" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	var out strings.Builder
	err := run(t.Context(), options{prove: true, clients: 12, work: time.Second}, &out)
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
}
