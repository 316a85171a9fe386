//go:build linux && !race

package bridge

import (
	"syscall"
	"unsafe"
)

// readable is whether a connection's descriptor can be read from.
const readable = true

// These calls never wait, so the scheduler is not told of them. For one that
// copies 64 KiB it would think that it does, and hand the processor over, which
// costs as much again. (The race detector needs package syscall's own.)

// readFD is recv(2), without waiting.
func readFD(fd uintptr, p []byte) (int, error) {
	return rawCall(syscall.SYS_RECVFROM, fd, p, syscall.MSG_DONTWAIT)
}

// writeFD is send(2), without waiting.
func writeFD(fd uintptr, p []byte) (int, error) {
	return rawCall(syscall.SYS_SENDTO, fd, p, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
}

func rawCall(number, fd uintptr, p []byte, flags uintptr) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall6(number, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EAGAIN:
			return 0, errAgain // made once: an error for each would be garbage
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}

var errAgain error = syscall.EAGAIN
