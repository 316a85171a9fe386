package tap_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"porthole/wire"
	"porthole/wire/tap"
)

func TestKernelStates(t *testing.T) {
	p := connect(t, "tcp")
	closeWrite(t, p.client)
	ends(t, p.server)
	write(t, p.server, "x") // its way back proves that the FIN was acknowledged
	read(t, p.client, 1)
	tests := []struct {
		event wire.Event
		want  string
	}{
		{until(t, p.clientLog, wire.Connect), "ESTABLISHED"},
		{until(t, p.serverLog, wire.Connection), "ESTABLISHED"},
		{until(t, p.serverLog, wire.End), "CLOSE_WAIT"},
		{until(t, p.clientLog, wire.Data), "FIN_WAIT2"},
	}
	for _, tt := range tests {
		k := tt.event.Kernel
		if got := k.State.String(); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.event.Kind, got, tt.want)
		}
		if k.Cwnd == 0 || k.RTT == 0 {
			t.Errorf("%v: cwnd %d, rtt %d µs", tt.event.Kind, k.Cwnd, k.RTT)
		}
	}
	if e := until(t, p.serverLog, wire.Listening); e.Kernel != (wire.Kernel{}) {
		t.Errorf("the kernel tells of a listener: %+v", e.Kernel)
	}
}

func TestKernelQueues(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			p := connect(t, network)
			write(t, p.client, "0123456789")
			read(t, p.server, 4)
			if got := until(t, p.serverLog, wire.Data).Kernel.Unread; got != 6 {
				t.Errorf("%d bytes unread, want 6", got)
			}
			var err error
			for err == nil { // until the server's buffer and ours are full
				_ = p.client.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
				_, err = p.client.Write(make([]byte, 1<<20))
			}
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			if got := until(t, p.clientLog, wire.Timeout).Kernel.Unsent; got == 0 {
				t.Error("nothing unsent behind a reader that does not read")
			}
		})
	}
}

// What is unsent is worked out from TCP_INFO; SIOCOUTQ (tcp(7)) tells the same.
func TestUnsentIsTheQueue(t *testing.T) {
	p := connect(t, "tcp")
	client := p.client.(*tap.Conn)
	raw, err := client.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		err := raw.Control(func(fd uintptr) {
			for range 100 { // what is acknowledged between the two calls differs
				want, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
				if err != nil {
					t.Fatal(err)
				}
				got := client.Kernel().Unsent
				if int(got) == want {
					return
				}
				t.Logf("%s: %d bytes, SIOCOUTQ tells %d", when, got, want)
			}
			t.Errorf("%s: never the same", when)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	check("fresh")
	write(t, p.client, "0123456789")
	check("a write that no one reads")
	read(t, p.server, 10)
	write(t, p.server, "answer")
	read(t, p.client, 6)
	check("all was acknowledged")
	_ = p.client.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	for err = nil; err == nil; {
		_, err = p.client.Write(make([]byte, 1<<20))
	}
	check("both kernels are full")
	if client.Kernel().Unsent == 0 {
		t.Error("nothing is unsent behind a full kernel")
	}
}
