package bridge

import (
	"net"
	"syscall"

	"porthole/wire/tap"
)

// sink writes to a connection what its kernel takes at once.
type sink struct {
	conn net.Conn
	tap  *tap.Conn
	raw  syscall.RawConn

	// The write under way.
	p     []byte
	n     int
	errno error

	// Made once, for a closure for each write would be garbage.
	try  func(fd uintptr) bool
	once func() (int, error)
}

func (s *sink) init(c net.Conn) {
	s.conn, s.tap, s.raw = descriptor(c)
	s.try, s.once = s.attempt, s.writeOnce
}

// write never waits: what it did not take must. It takes nothing from a
// connection without a descriptor. No other write may be under way.
func (s *sink) write(p []byte) (int, error) {
	if s.raw == nil {
		return 0, nil
	}
	s.p = p
	defer func() { s.p = nil }()
	if s.tap != nil {
		return s.tap.WriteBy(p, s.once)
	}
	return s.writeOnce()
}

func (s *sink) writeOnce() (int, error) {
	s.n, s.errno = 0, nil
	if err := s.raw.Write(s.try); err != nil {
		return 0, err
	}
	if s.errno != nil && s.errno != syscall.EAGAIN {
		return 0, opError("write", s.conn, s.errno)
	}
	return s.n, nil
}

func (s *sink) attempt(fd uintptr) bool {
	s.n, s.errno = writeFD(fd, s.p)
	return true
}
