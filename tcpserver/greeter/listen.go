package greeter

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
)

// Network is "unix" for an address that is the path of a Unix socket, and "tcp"
// for all others, which are host:port. A path has a slash in it ("./greeter",
// "/run/greeter"), or starts with "@" (Linux's abstract names).
func Network(addr string) string {
	if strings.HasPrefix(addr, "@") || strings.ContainsAny(addr, `/\`) {
		return "unix"
	}
	return "tcp"
}

// Listen listens on addr, see [Network]. Port 0 is one that the kernel chooses;
// the listener's Addr tells it. A Unix socket that a killed server has left
// behind is replaced. An address that a server listens on is an error, which
// says so and which.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	network := Network(addr)
	l, err := config.Listen(ctx, network, addr)
	if network == "unix" && errors.Is(err, errInUse) && abandoned(ctx, addr) {
		if err := os.Remove(addr); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		l, err = config.Listen(ctx, network, addr)
	}
	return l, err
}

// abandoned tells whether path is a socket that no one listens on. Connecting
// to a plain file is refused as well, but that one is not ours to replace.
func abandoned(ctx context.Context, path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		_ = c.Close() // it has served its purpose
	}
	return errors.Is(err, errRefused)
}
