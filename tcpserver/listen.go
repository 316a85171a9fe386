package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"

	"porthole/tcpserver/greeter"
	"porthole/wire/tap"
)

var errInUse = errors.New("address already in use")

// listenError is an address that cannot be listened on, and what to try.
type listenError struct {
	addr, flag string
	code       string // POSIX name
	err        error
}

func (e *listenError) Error() string { return fmt.Sprintf("%s: %v", e.addr, e.err) }
func (e *listenError) Unwrap() error { return e.err }

// listen listens on the address that flag has given. Its error is a
// *listenError, of errInUse if that is why.
func listen(ctx context.Context, addr, flag string) (net.Listener, error) {
	l, err := greeter.Listen(ctx, addr)
	if err == nil {
		return l, nil
	}
	code, _ := tap.Errno(err)
	if code == "EADDRINUSE" { // whatever words the system has for it
		err = errInUse
	}
	return nil, &listenError{addr, flag, code, err}
}

// hint is what to try when the address is in use.
func (e *listenError) hint() string {
	if greeter.Network(e.addr) == "unix" {
		return fmt.Sprintf("another path with %s, or see who holds it: lsof %s", e.flag, e.addr)
	}
	_, port, _ := net.SplitHostPort(e.addr) // it was well formed enough to be in use
	who := "lsof -nP -iTCP:" + port
	if runtime.GOOS == "windows" {
		who = "netstat -ano | findstr :" + port
	}
	return fmt.Sprintf("%s localhost:0 for any free port, or see who holds it: %s", e.flag, who)
}

// failed logs why something could not be done, and what to try.
func failed(logger *slog.Logger, level slog.Level, msg string, err error) {
	args := []any{"error", err}
	if e, ok := errors.AsType[*listenError](err); ok {
		args = append(args, "code", e.code)
		if errors.Is(err, errInUse) {
			args = append(args, "try", e.hint())
		}
	}
	logger.Log(context.Background(), level, msg, args...)
}

// where is the address of l, which listens on addr: as typed and as it is.
func where(addr string, l net.Listener) string {
	name, own := typed(addr, l), l.Addr().String()
	if name == own {
		return name
	}
	return fmt.Sprintf("%s (%s)", name, own)
}

// typed is the address that one can type to reach l, which listens on addr.
func typed(addr string, l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return addr
	}
	host, _, _ := net.SplitHostPort(addr) // it listens, so it is well formed
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return net.JoinHostPort(host, port)
}

// netcat is the nc(1) command that connects to l.
func netcat(addr string, l net.Listener) string {
	where := typed(addr, l)
	if l.Addr().Network() == "unix" {
		return "nc -U " + where
	}
	host, port, _ := net.SplitHostPort(where)
	return "nc " + host + " " + port
}
