package bridge_test

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"porthole/wire"
	"porthole/wire/tap"
)

// socketOf finds the gateway's socket of a connection among our own.
func socketOf(t *testing.T, c *wire.Connected) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		local, err := unix.Getsockname(fd)
		if err != nil {
			continue
		}
		remote, err := unix.Getpeername(fd)
		if err == nil && address(local) == c.Local && address(remote) == c.Remote {
			return fd
		}
	}
	t.Fatalf("no socket from %s to %s", c.Local, c.Remote)
	return -1
}

func address(a unix.Sockaddr) string {
	if a, ok := a.(*unix.SockaddrInet4); ok {
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)).String()
	}
	return ""
}

// options are what the kernel has: Nagle's algorithm off, keep-alive on, and
// its idle time in seconds.
func options(t *testing.T, fd int) (got [3]int) {
	t.Helper()
	for i, o := range [][2]int{{unix.IPPROTO_TCP, unix.TCP_NODELAY}, {unix.SOL_SOCKET, unix.SO_KEEPALIVE}, {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE}} {
		v, err := unix.GetsockoptInt(fd, o[0], o[1])
		if err != nil {
			t.Fatal(err)
		}
		got[i] = v
	}
	return got
}

func TestOptions(t *testing.T) {
	noDelay := func(on uint64) wire.Option { return wire.Option{Name: wire.OptionNoDelay, Value: on} }
	keepAlive := func(ms uint64) wire.Option { return wire.Option{Name: wire.OptionKeepAlive, Value: ms} }
	for _, tt := range []struct {
		name    string
		options []wire.Option
		want    [3]int
	}{
		{"none", nil, [3]int{1, 1, 15}},
		{"no delay", []wire.Option{noDelay(1)}, [3]int{1, 1, 15}},
		{"delay", []wire.Option{noDelay(0)}, [3]int{0, 1, 15}},
		{"keep alive", []wire.Option{keepAlive(30_000)}, [3]int{1, 1, 30}},
		{"not kept alive", []wire.Option{keepAlive(0)}, [3]int{1, 0, 15}},
		{"the last counts", []wire.Option{noDelay(0), keepAlive(0), noDelay(1), keepAlive(7000)}, [3]int{1, 1, 7}},
		{"unknown", []wire.Option{{Name: 99, Value: 1}, noDelay(0)}, [3]int{0, 1, 15}},
	} {
		for _, when := range []string{"in dial", "behind dial", "behind connected"} {
			for _, observed := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/observed %v", tt.name, when, observed), func(t *testing.T) {
					target, accept := accepting(t)
					b := to(target)
					if observed {
						b.Log = &tap.Log{}
					}
					p := open(t, serve(t, b))
					var s *stream
					switch when {
					case "in dial":
						s = p.dial(wire.Dial{Options: tt.options})
					case "behind dial":
						s = p.dial(wire.Dial{})
					default:
						s = p.connect(target)
					}
					if when != "in dial" {
						s.do(func() {
							for _, o := range tt.options {
								s.SetOption(o)
							}
						})
					}
					s.send([]byte("behind the options"))
					c := accept()
					read(t, c, 18)
					s.await("connected", func() bool { return s.connected != nil })
					if got := options(t, socketOf(t, s.connected)); got != tt.want {
						t.Errorf("no delay, keep-alive, idle: %v, want %v", got, tt.want)
					}
				})
			}
		}
	}
}

// What a kernel may hold is bounded on both legs, and for how long a target may
// say nothing.
func TestKernelIsBounded(t *testing.T) {
	const size = 64 << 10
	b := to(peer(t, echo))
	b.Limits.Buffer, b.Limits.Unacked = size, 7*time.Second
	addr := serve(t, b)
	f := frames(t, addr, wire.Subprotocol)
	f.await(opBinary) // hello
	f.send(frame(true, opBinary, message(wire.OpDial, 1, &wire.Dial{})))
	var dialled wire.Connected
	_, _, rest, err := wire.ParseHead([]byte(f.await(opBinary)))
	if err == nil {
		err = wire.Parse(rest, &dialled)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*wire.Connected{
		"the page's":   {Local: f.RemoteAddr().String(), Remote: f.LocalAddr().String()},
		"the target's": &dialled,
	} {
		fd := socketOf(t, c)
		for _, o := range []int{unix.SO_RCVBUF, unix.SO_SNDBUF} {
			if got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, o); got != 2*size || err != nil { // socket(7): the kernel doubles it
				t.Errorf("%s socket: option %d is %d, %v, want %d", name, o, got, err, 2*size)
			}
		}
	}
	if got, err := unix.GetsockoptInt(socketOf(t, &dialled), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); got != 7000 || err != nil {
		t.Errorf("TCP_USER_TIMEOUT is %d, %v, want 7000", got, err)
	}
}
