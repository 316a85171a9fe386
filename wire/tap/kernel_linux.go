package tap

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"porthole/wire"
)

// KernelTells is whether this system's kernel says anything of a socket.
const KernelTells = true

// sampler asks the kernel about one socket. Its zero value answers nothing.
type sampler struct {
	raw syscall.RawConn
	tcp bool
}

func newSampler(c net.Conn) sampler {
	s, ok := c.(syscall.Conn)
	if !ok {
		return sampler{}
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return sampler{}
	}
	_, tcp := c.(*net.TCPConn)
	return sampler{raw: raw, tcp: tcp}
}

// sample reads TCP_INFO (tcp(7)) and the two queues, SIOCOUTQ and SIOCINQ
// (tcp(7), unix(7)). A closed socket answers nothing.
func (s sampler) sample() (k wire.Kernel) {
	if s.raw == nil {
		return k
	}
	_ = s.raw.Control(func(fd uintptr) {
		if s.tcp {
			if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
				k.State = wire.State(info.State)
				k.RTT = uint64(info.Rtt)
				k.Cwnd = uint64(info.Snd_cwnd)
				k.Retransmits = uint64(info.Total_retrans)
			}
		}
		if n, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err == nil {
			k.Unsent = uint64(max(n, 0))
		}
		if n, err := unix.IoctlGetInt(int(fd), unix.SIOCINQ); err == nil {
			k.Unread = uint64(max(n, 0))
		}
	})
	return k
}
