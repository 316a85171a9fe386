package bridge_test

import (
	"testing"
	"time"
)

// A server that takes nothing for too long has not ended, and was there.
func TestWispTransferTimeout(t *testing.T) {
	target := peer(t, deaf)
	b := to(target)
	b.Limits.Unacked = time.Second
	c := openWisp(t, serveWisp(t, b))
	s := c.to(target)
	sent := background(func() { _ = c.write(wispPacket(wispData, s.id, string(noise(8<<20)))) })
	if got, want := s.closed(), byte(0x47); got != want {
		t.Errorf("closed with %#x, want %#x", got, want)
	}
	<-sent // the rest is for no one
}
