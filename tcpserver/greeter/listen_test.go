package greeter_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"porthole/tcpserver/greeter"
)

// listen listens on addr until the test ends.
func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := greeter.Listen(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestNetwork(t *testing.T) {
	tests := []struct{ addr, want string }{
		{"localhost:1234", "tcp"},
		{":0", "tcp"},
		{"[::1]:1234", "tcp"},
		{"greeter", "tcp"}, // so that a forgotten port is an error
		{"./greeter", "unix"},
		{"/run/greeter.sock", "unix"},
		{"run/greeter", "unix"},
		{`C:\run\greeter`, "unix"},
		{"@greeter", "unix"},
	}
	for _, tt := range tests {
		if got := greeter.Network(tt.addr); got != tt.want {
			t.Errorf("Network(%q) = %q, want %q", tt.addr, got, tt.want)
		}
	}
}

func TestListenInUse(t *testing.T) {
	addrs := map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "s")}
	if runtime.GOOS == "linux" {
		addrs["abstract"] = "@" + t.TempDir()
	}
	for name, addr := range addrs {
		t.Run(name, func(t *testing.T) {
			first := listen(t, addr)
			addr := first.Addr().String()
			_, err := greeter.Listen(t.Context(), addr)
			if !errors.Is(err, syscall.EADDRINUSE) {
				t.Fatalf("Listen: %v, want %v", err, syscall.EADDRINUSE)
			}
			for _, want := range []string{"address already in use", addr} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			go func() { _, _ = first.Accept() }() // it was not replaced
			_ = dial(t, first)
		})
	}
}

func TestListenReplacesAbandonedSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	left := listen(t, path).(*net.UnixListener)
	left.SetUnlinkOnClose(false) // as a kill does
	_ = left.Close()
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err)
	}
	l := listen(t, path)
	serve(t, &greeter.Server{}, l)
	c := dial(t, l)
	send(t, c, "x")
	expect(t, c, "你好x")
}

func TestListenKeepsWhatIsNoSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := greeter.Listen(t.Context(), path); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Listen: %v, want %v", err, syscall.EADDRINUSE)
	}
	if got, err := os.ReadFile(path); string(got) != "data" {
		t.Errorf("the file holds %q, %v", got, err)
	}
}

func TestSocketFileGoesWithServer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	stop := serve(t, &greeter.Server{}, listen(t, path))
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Lstat: %v, want it gone", err)
	}
}

func TestListenRefusesNonsense(t *testing.T) {
	for _, addr := range []string{"greeter", "localhost:port", "/no/such/folder/s"} {
		if l, err := greeter.Listen(t.Context(), addr); err == nil {
			_ = l.Close()
			t.Errorf("Listen(%q) worked", addr)
		}
	}
}
