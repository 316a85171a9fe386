package netconn_test

import (
	"flag"
	"testing"
)

var at = flag.String("gateway", "", "the gateway's WebSocket")

// gateway is the address of the gateway that the test was started with.
func gateway(t testing.TB) string {
	t.Helper()
	if *at == "" {
		t.Skip("-gateway says where the gateway is")
	}
	return *at
}
