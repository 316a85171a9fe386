package bridge_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"porthole/gateway/bridge"
)

// onOwnHost is set in the environment of a test that runs on a host of its own.
const onOwnHost = "BRIDGE_TEST_ON_OWN_HOST"

// ownHost tells whether the test runs on a host of its own: a process whose network
// is new and empty (network_namespaces(7)), so that it may do with it what it likes.
// If not, ownHost runs the test again as such a process, passes on how that went,
// and the caller returns. It is for a whole test, which is a parallel one then: it
// only waits for another process.
//
//	func TestSomething(t *testing.T) {
//		if !ownHost(t) {
//			return
//		}
//		c := lay(t)
//		…
//	}
func ownHost(t *testing.T) bool {
	t.Helper()
	if os.Getenv(onOwnHost) != "" {
		return true
	}
	t.Parallel()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("SKIPPED: there is no ip(8) (iproute2) to make networks with")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), onOwnHost+"=1")
	self := func(id int) []syscall.SysProcIDMap { return []syscall.SysProcIDMap{{HostID: id, Size: 1}} }
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: self(os.Getuid()), GidMappings: self(os.Getgid()),
	}
	out, err := cmd.CombinedOutput()
	if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran {
		t.Skipf("SKIPPED: this machine allows no network of our own: %v", err)
	}
	if err != nil {
		t.Errorf("on a host of its own: %v\n%s", err, out)
	}
	return false
}

// The two hosts that a cable joins: the test's own, and another.
const nearHost, farHost = "192.0.2.1", "192.0.2.2" // RFC 5737

// cable joins the test's host to another, and can be cut: then what either sends is
// lost, and no one is told.
type cable struct {
	t  *testing.T
	ns *os.File // the other host's network
}

// lay makes the other host, and the cable to it. They end with the test.
func lay(t *testing.T) *cable {
	t.Helper()
	here, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	c := &cable{t: t}
	c.apart(func() error { return unix.Unshare(unix.CLONE_NEWNET) }, func() (err error) {
		if c.ns, err = os.Open("/proc/thread-self/ns/net"); err != nil {
			return err
		}
		t.Cleanup(func() { _ = c.ns.Close() })
		return ip("link set lo up",
			fmt.Sprintf("link add far address 02:00:00:00:00:02 type veth peer name near address 02:00:00:00:00:01 netns /proc/%d/fd/%d", os.Getpid(), here.Fd()),
			"addr add "+farHost+"/24 dev far", "link set far up")
	})
	t.Cleanup(func() {
		if err := ip("link del near"); err != nil {
			t.Error(err)
		}
	})
	// The other's address is known for good: who does not answer to that is no
	// longer there, and that would be told.
	if err := ip("link set lo up", "addr add "+nearHost+"/24 dev near", "link set near up",
		"neigh replace "+farHost+" lladdr 02:00:00:00:00:02 dev near nud permanent"); err != nil {
		t.Fatal(err)
	}
	return c
}

// apart runs calls on a thread of their own, which ends with them.
func (c *cable) apart(calls ...func() error) {
	c.t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: it is of no use to others
		for _, call := range calls {
			if err := call(); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	if err := <-done; err != nil {
		c.t.Fatal(err)
	}
}

// there runs f on the other host. A socket that it makes stays there, and with a
// listener those that it accepts.
func (c *cable) there(f func() error) {
	c.t.Helper()
	c.apart(func() error { return unix.Setns(int(c.ns.Fd()), unix.CLONE_NEWNET) }, f)
}

// peer is a server on the other host.
func (c *cable) peer(serve func(c *net.TCPConn)) bridge.Target {
	c.t.Helper()
	var l net.Listener
	c.there(func() (err error) {
		l, err = net.Listen("tcp", farHost+":0")
		return err
	})
	return peerAt(c.t, l, serve)
}

// dial connects from the other host.
func (c *cable) dial(addr string) (conn net.Conn) {
	c.t.Helper()
	c.there(func() (err error) {
		conn, err = net.Dial("tcp", addr)
		return err
	})
	c.t.Cleanup(func() { _ = conn.Close() })
	deadline(c.t, conn)
	return conn
}

// cut cuts the cable.
func (c *cable) cut() { c.there(func() error { return ip("link set far down") }) }

// mend joins it again.
func (c *cable) mend() { c.there(func() error { return ip("link set far up") }) }

// ip has ip(8) do some things.
func ip(commands ...string) error {
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip %q: %w\n%s", commands, err, out)
	}
	return nil
}
