package tap

import (
	"net"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"porthole/wire"
)

// KernelTells is whether this system's kernel says anything of a socket.
const KernelTells = true

// sampler asks the kernel about one socket. Its zero value answers nothing. It
// is asked for each event, so it makes no garbage and few system calls.
type sampler struct {
	raw syscall.RawConn
	ask func(fd uintptr) // made once

	mu     sync.Mutex
	tcp    bool
	counts bool   // TCP_INFO tells what is unsent
	syn    uint64 // how much of Bytes_acked is no byte of the program's
	k      wire.Kernel
}

// init takes a socket that no one has written to yet.
func (s *sampler) init(c net.Conn) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	s.raw, s.ask = raw, s.answer
	_, s.tcp = c.(*net.TCPConn)
	_ = raw.Control(func(fd uintptr) { // a closed socket answers nothing later
		var info unix.TCPInfo
		s.counts = s.tcp && tcpInfo(fd, &info) && info.Bytes_sent == 0
		s.syn = info.Bytes_acked
	})
}

// sample is what the kernel says now. A closed socket says nothing.
func (s *sampler) sample() wire.Kernel {
	if s.raw == nil {
		return wire.Kernel{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.k = wire.Kernel{}
	_ = s.raw.Control(s.ask)
	return s.k
}

// answer reads TCP_INFO (tcp(7)) and, for what that does not tell, the queues
// SIOCINQ and SIOCOUTQ (tcp(7), unix(7)).
func (s *sampler) answer(fd uintptr) {
	var info unix.TCPInfo
	told := false
	if s.tcp && tcpInfo(fd, &info) {
		s.k.State = wire.State(info.State)
		s.k.RTT = uint64(info.Rtt)
		s.k.Cwnd = uint64(info.Snd_cwnd)
		s.k.Retransmits = uint64(info.Total_retrans)
		s.k.Unsent, told = s.unsent(&info)
	}
	if !told {
		s.k.Unsent = queue(fd, unix.SIOCOUTQ)
	}
	s.k.Unread = queue(fd, unix.SIOCINQ)
}

// unsent is what SIOCOUTQ would tell: bytes that wait to be sent, and those that
// were and are not acknowledged. A kernel before Linux 4.19 counts none.
func (s *sampler) unsent(info *unix.TCPInfo) (n uint64, told bool) {
	sent := info.Bytes_sent - info.Bytes_retrans
	acked := info.Bytes_acked - s.syn
	if !s.counts || acked > sent+1 { // an acknowledged FIN counts, and is no byte
		return 0, false
	}
	return uint64(info.Notsent_bytes) + sent - min(acked, sent), true
}

// tcpInfo is getsockopt(2) into info, which x/sys would allocate. It never
// waits, so the scheduler need not know.
func tcpInfo(fd uintptr, info *unix.TCPInfo) bool {
	size := uint32(unix.SizeofTCPInfo)
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, fd, unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(info)), uintptr(unsafe.Pointer(&size)), 0)
	return errno == 0
}

// queue is one of ioctl(2)'s queue lengths.
func queue(fd uintptr, request uint) uint64 {
	var n int32
	_, _, errno := unix.RawSyscall(unix.SYS_IOCTL, fd, uintptr(request), uintptr(unsafe.Pointer(&n)))
	if errno != 0 {
		return 0
	}
	return uint64(max(n, 0))
}
